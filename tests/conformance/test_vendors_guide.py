"""The guide for app vendors, run as it stands: its shell, its libraries, its Kafka SDK, against a real zone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from processors.topic_admin import ensure_topics
from tests.conformance.clients.install import JAVASCRIPT, installed
from tests.conformance.lrs import Lrs, Zone
from tests.support.broker import complete
from tests.support.received_log import read_received
from tests.support.secure_broker import secure_broker
from tests.support.waiting import eventually

BLOCKS: list[tuple[str, str]] = re.findall(
    r"^```(\w+)\n(.*?)^```$",
    (Path(__file__).parents[2] / "docs/vendors.md").read_text("utf-8"),
    re.MULTILINE | re.DOTALL,
)
_STATUS = re.compile(r"^.*\bcurl -K.*# (\d{3})$", re.MULTILINE)
# Every call of curl writes the status of its answer into a file.
_CURL = """set -eu
curl() { command curl -sS --noproxy '*' -w '%{stderr}%{http_code}\\n' "$@" 2>> statuses; }
"""


def _of(kind: str, *words: str) -> list[str]:
    return [text for language, text in BLOCKS if language == kind and any(word in text for word in words)]


def _here(text: str, zone: Zone) -> str:
    """A block with what a vendor would put in."""
    for example, real in {
        "https://lrs.example.jp": zone.url,
        "your-key": zone.drill[0],
        "your-secret": zone.drill[1],
        "kafka.example.jp:9092": zone.broker,
        'zone="osaka"': f'zone="{zone.name}"',
        'app="drill-a"': 'app="drill"',
    }.items():
        text = text.replace(example, real)
    return text


def _run(command: list[str], folder: Path, **more: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **more}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "js", "python"}
    assert len(_of("js", "@xapi/xapi", "tincanjs")) == len(_of("js", "")) == 2
    assert len(_of("python", "from tincan", "spool=", "SASL_SSL", "jwt")) == len(_of("python", "")) == 4


def test_each_call_of_the_shell_is_answered_as_the_guide_says(place: Zone, tmp_path: Path) -> None:
    blocks = _of("sh", "")
    for text in blocks:
        (tmp_path / "block.sh").write_text(_CURL + _here(text, place))
        _run(["bash", "block.sh"], tmp_path)
    expected = _STATUS.findall("\n".join(blocks))
    assert len(expected) == "\n".join(blocks).count("curl -K")
    assert (tmp_path / "statuses").read_text().split() == expected


@pytest.mark.parametrize("block", _of("js", ""), ids=["@xapi/xapi", "tincanjs"])
def test_the_javascript_writes_a_statement(place: Zone, http: object, tmp_path: Path, block: str) -> None:
    lrs = Lrs(http, "1.0.3")  # type: ignore[arg-type]
    before = len(lrs.select(activity="https://drill.example.jp/units/1"))
    (tmp_path / "app.cjs").write_text(_here(block, place))
    _run(["node", "app.cjs"], tmp_path, NODE_PATH=str(installed(JAVASCRIPT) / "node_modules"), NODE_NO_WARNINGS="1")
    assert len(lrs.select(activity="https://drill.example.jp/units/1")) == before + 1


def test_the_python_library_writes_a_statement(place: Zone, http: object, tmp_path: Path) -> None:
    [block] = _of("python", "from tincan")
    (tmp_path / "app.py").write_text(_here(block, place))
    printed = _run([str(installed("tincan") / "bin" / "python"), "app.py"], tmp_path)
    assert Lrs(http, "1.0.3").find(printed.strip())["verb"]["id"].endswith("completed")  # type: ignore[arg-type]


async def test_the_sdk_puts_statements_on_the_log(place: Zone, http: object, tmp_path: Path) -> None:
    [block] = _of("python", "spool=")
    (tmp_path / "app.py").write_text(_here(block, place))
    assert _run([sys.executable, "app.py"], tmp_path).startswith("100 are on the log")
    lrs = Lrs(http, "1.0.3")  # type: ignore[arg-type]
    await eventually(lambda: len(lrs.select(activity="https://drill.example.jp/items/2")) == 100)


def test_the_sdk_reaches_a_broker_by_tls_and_password(tmp_path: Path) -> None:
    [block] = _of("python", "SASL_SSL")
    with secure_broker(tmp_path, "drill-a", "right") as broker:
        complete(ensure_topics(broker.settings, "osaka"))
        text = block.replace("kafka.example.jp:9093", broker.address)
        (tmp_path / "app.py").write_text(text.replace("kafka-ca.pem", str(broker.authority)))
        (tmp_path / "kafka.password").write_text("right\n")
        printed = _run([sys.executable, "app.py"], tmp_path)
        [record] = complete(read_received(broker.settings, "osaka"))
        assert str(UUID(bytes=record.key)) == printed.strip()
        (tmp_path / "kafka.password").write_text("wrong\n")
        with pytest.raises(AssertionError, match="broker is not available"):
            _run([sys.executable, "app.py"], tmp_path)


def test_the_signed_statement_is_taken(place: Zone, tmp_path: Path) -> None:
    [block] = _of("python", "jwt")
    (tmp_path / "app.py").write_text(_here(block, place))
    _run([sys.executable, "app.py"], tmp_path)
