"""ADL's public conformance suite, unchanged, against a fresh zone of this checkout, for xAPI 1.0.3 and 2.0.

`make conformance SUITE=<folder of adlnet/lrs-conformance-test-suite>`, or with more options

    python -m tests.conformance.public_suite SUITE [--runs 3] [--preload 1000000] [--within 90] [--grep PATTERN]
        [--version 2.0.0]

Each run has a zone of its own in a temporary folder, on free ports. It ends with 0 if and only if every test of every
run has passed, each run had as many tests as the whole suite has (unless only some are asked for, by --grep), and none
was slower than --within.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conformance.preloading import preload
from tests.conformance.suite_run import LEAST_TESTS, SuiteRun, run_suite
from tests.support.ayumi import RunningZone, ayumi, up

_VERSIONS = tuple(LEAST_TESTS)
_APP = "conformance"
# The suite's own time out does not end every test: one that waits for an answer for ever hangs.
_SECONDS = 900.0


def main() -> int:
    """Run, report, and say by the exit status whether everything passed."""
    options = _options()
    suite = options.suite.resolve()
    if problem := _not_runnable(suite):
        print(problem, file=sys.stderr)  # noqa: T201 - a program's output
        return 2
    _install(suite)
    runs: list[SuiteRun] = []
    for number in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="ayumi-conformance-") as name, up(Path(name) / "zone") as zone:
            asyncio.run(zone.ready())
            if options.preload:
                preload(zone.folder, _APP, options.preload)
            for version in options.version or _VERSIONS:
                print(f"run {number + 1} of {options.runs}, xAPI {version}", flush=True)  # noqa: T201 - a program's output
                runs.append(_run(suite, zone, version, options))
                print(runs[-1].report(), flush=True)  # noqa: T201 - a program's output
    print("\n".join(["", *(run.summary() for run in runs)]))  # noqa: T201 - a program's output
    return 0 if all(run.is_good for run in runs) else 1


def _run(suite: Path, zone: RunningZone, version: str, options: argparse.Namespace) -> SuiteRun:
    made = json.loads(ayumi("credential", "add", _APP, "--dir", str(zone.folder), "--json").stdout)
    url = f"{zone.state['addresses']['gateway']}/xAPI"
    user = (made["key"], made["secret"])
    least = 1 if options.grep else LEAST_TESTS[version]
    seconds, within = options.seconds, options.within
    return run_suite(suite, url, user, version, grep=options.grep, seconds=seconds, least=least, within=within)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=Path, help="folder of the public suite")
    parser.add_argument("--version", action="append", choices=_VERSIONS, help="only this version of xAPI")
    parser.add_argument("--runs", type=int, default=1, help="how often, each time against a fresh zone")
    parser.add_argument(
        "--preload", type=int, default=0, metavar="N", help="statements that the store holds beforehand"
    )
    parser.add_argument("--grep", default="", metavar="PATTERN", help="only tests whose name matches")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="after which a run is ended as failed")
    parser.add_argument(
        "--within", type=float, default=0, metavar="SECONDS", help="a slower run has failed; 0: its time is not judged"
    )
    return parser.parse_args()


def _not_runnable(suite: Path) -> str:
    """Why the suite cannot be run here; empty if it can."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        return f"The public suite is a Node.js program: install {' and '.join(missing)} (`make test` does, on Debian)."
    if not (suite / "bin" / "console_runner.js").is_file():
        return f"{suite} has no bin/console_runner.js: name a clone of adlnet/lrs-conformance-test-suite."
    return ""


def _install(suite: Path) -> None:
    if (suite / "node_modules").is_dir():
        return
    print("installing the packages of the public suite ...", flush=True)  # noqa: T201 - a program's output
    began = time.monotonic()
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=suite, check=True)
    print(f"installed in {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201 - a program's output


if __name__ == "__main__":
    sys.exit(main())
