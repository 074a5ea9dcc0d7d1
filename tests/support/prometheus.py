"""A real Prometheus, the distribution's, with the rules that we ship, and what it knows."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lrs.cli.ports import free_port
from lrs.cli.probing import fetch

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "deploy" / "prometheus"
_SET_OPERATOR = re.compile(r"\s(?:or|and|unless)(?:\s+on\s*\([^)]*\))?\s")
_THRESHOLD = re.compile(r"\s(?:==|!=|<=|>=|<|>)\s[-\d.* ]+")


class Prometheus:
    """One that runs."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._url = url
        self._process = process
        self._log = log

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query: `metric` and `value`. An expression that it refuses fails the test."""
        found: list[dict[str, Any]] = (await self._ask(f"query?query={quote(expression, safe='')}"))["result"]
        return found

    async def rules(self) -> list[dict[str, Any]]:
        """Every rule as it runs: name, query, type, and what alerts there are."""
        return [rule for group in (await self._ask("rules"))["groups"] for rule in group["rules"]]

    async def alerts(self, name: str, state: str = "firing") -> list[dict[str, str]]:
        """Labels of the alerts of this name that are in `state`."""
        found = (await self._ask("alerts"))["alerts"]
        return [one["labels"] for one in found if one["labels"]["alertname"] == name and one["state"] == state]

    async def firing(self, name: str, label: str) -> dict[str, float]:
        """For which value it fires, by what the label says."""
        found = (await self._ask("alerts"))["alerts"]
        alerts = [one for one in found if one["labels"]["alertname"] == name and one["state"] == "firing"]
        return {one["labels"][label]: float(one["value"]) for one in alerts}

    async def is_ready(self) -> bool:
        """Whether it answers; fails the test when it ended."""
        assert self._process.poll() is None, self._log.read_text("utf-8")
        try:
            status, _ = await fetch(f"{self._url}/-/ready")
        except OSError:
            return False
        return status == 200

    async def _ask(self, path: str) -> dict[str, Any]:
        status, body = await fetch(f"{self._url}/api/v1/{path}", 20)
        answer = json.loads(body)
        assert status == 200, f"{path}: {answer}"
        data: dict[str, Any] = answer["data"]
        return data


@contextmanager
def prometheus(folder: Path, *target_files: Path) -> Iterator[Prometheus]:
    """Run one on loopback with the shipped configuration, which is told where the zones' target files are."""
    port = free_port()
    log = folder / "prometheus.log"
    command = [
        "prometheus",
        f"--config.file={configuration(folder, target_files)}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
    try:
        yield Prometheus(f"http://127.0.0.1:{port}", process, log)
    finally:
        process.terminate()
        process.wait(timeout=20)


def configuration(folder: Path, target_files: Sequence[Path]) -> Path:
    """The shipped configuration with places of this test in it."""
    text = (SHIPPED / "prometheus.yml").read_text("utf-8")
    indent, line = "          - ", "/srv/ayumi/targets.json"
    assert text.count(indent + line) == 1
    text = text.replace(indent + line, "\n".join(f"{indent}{path}" for path in target_files))
    text = text.replace("rules/*.yml", str(SHIPPED / "rules" / "*.yml"))
    path = folder / "prometheus.yml"
    path.write_text(text, "utf-8")
    return path


def legs(expression: str) -> list[str]:
    """What a rule looks at, each without its thresholds: so none may be empty, also while nothing is wrong."""
    bare = _THRESHOLD.sub(" ", re.sub(r"\s+", " ", expression)).strip()
    while bare.startswith("(") and _closing(bare) == len(bare) - 1:
        bare = bare[1:-1].strip()
    if bare.startswith("absent("):
        return legs(bare.removeprefix("absent"))
    cuts = [found for found in _SET_OPERATOR.finditer(bare) if _depth(bare[: found.start()]) == 0]
    if not cuts:
        return [bare]
    edges = [0, *(edge for found in cuts for edge in found.span()), len(bare)]
    pieces = zip(edges[::2], edges[1::2], strict=True)
    return [leg for start, end in pieces for leg in legs(bare[start:end])]


def _closing(text: str) -> int:
    """Where the bracket that `text` begins with is closed."""
    return next(at for at in range(1, len(text)) if _depth(text[: at + 1]) == 0)


def _depth(text: str) -> int:
    return text.count("(") - text.count(")")
