"""The rules by themselves: Prometheus's own tool finds them right, and each alert fires when it must and only then."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.prometheus import SHIPPED, configuration, legs

RULES = sorted((SHIPPED / "rules").glob("*.yml"))
TESTS = sorted((SHIPPED / "tests").glob("*.yml"))
ALERTS = re.findall(r"- alert: (\w+)", (SHIPPED / "rules" / "alerts.yml").read_text("utf-8"))


def promtool(*words: str | Path) -> str:
    """What it says; it must be content."""
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_is_right_and_finds_every_rule(tmp_path: Path) -> None:
    targets = tmp_path / "targets.json"
    targets.write_text("[]", "utf-8")
    said = promtool("check", "config", configuration(tmp_path, [targets]))
    assert f"{len(RULES)} rule files found" in said
    assert "WARNING" not in said


def test_no_rule_is_written_twice() -> None:
    assert promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES).count("SUCCESS") == len(RULES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_an_alert_fires_when_it_must_and_is_silent_when_it_must_not(path: Path) -> None:
    promtool("test", "rules", path)
    expectations = re.findall(rf"alertname: {path.stem}\n +exp_alerts:(.*)", path.read_text("utf-8"))
    assert "" in expectations, "never expected to fire"
    assert " []" in expectations, "never expected to be silent"


def test_every_alert_has_its_tests() -> None:
    assert sorted(ALERTS) == [path.stem for path in TESTS]


def test_what_a_rule_looks_at_is_taken_apart() -> None:
    expression = """time() - max by (a) (x{b="c"}) > 60
      or ( sum(y) / (sum(z) > 0) > 1 unless sum by (a) (increase(w[3m])) > 0 )"""
    assert legs(expression) == [
        'time() - max by (a) (x{b="c"})',
        "sum(y) / (sum(z) )",
        "sum by (a) (increase(w[3m]))",
    ]
    assert legs('absent(up{job="ayumi"})') == ['up{job="ayumi"}']
    assert legs("min(x) < 2 * 1024 * 1024") == ["min(x)"]
