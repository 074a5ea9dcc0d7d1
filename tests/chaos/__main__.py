"""`python -m tests.chaos`: many rounds of faults, printed as they happen. Exit code 0: nothing lost, nothing double.

The first line names the seed; `--seed` with it plays the same faults at the same times again, `--rounds` fewer of them.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from lrs.cli.progress_bars import count_bar
from lrs.kernel.logs import configure_logs
from tests.chaos.plan import Round, draw
from tests.chaos.run import Chaos, Failure
from tests.chaos.world import World
from tests.support.small_disk import enter_namespace


def main() -> int:
    """Parse, draw, run, tell."""
    words = _words()
    seed = words.seed or secrets.token_hex(4)
    if not words.seed:
        sys.argv += ["--seed", seed]
    enter_namespace(["-m", "tests.chaos", *sys.argv[1:]])
    configure_logs("error", part="chaos")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that the broker is away is what this is about
    rounds = draw(seed, words.kills, seconds=words.seconds, kills_a_round=words.kills_a_round)[: words.rounds]
    log = Log(seed, words)
    for one in rounds:
        log.plan(one)
    with tempfile.TemporaryDirectory(prefix="ayumi-chaos-", ignore_cleanup_errors=True) as name:
        return asyncio.run(_run(Path(name), seed, rounds, words, log))


async def _run(folder: Path, seed: str, rounds: list[Round], words: argparse.Namespace, log: Log) -> int:
    async with World(folder) as world:
        chaos = Chaos(world, seed, seconds=words.seconds, rate=words.rate, tell=log.tell)
        with count_bar("Kills", sum(one.kills for one in rounds)) as advance:
            for one in rounds:
                log.round = one.number
                try:
                    await chaos.round(one)
                except (Failure, AssertionError) as failure:
                    return log.failed(str(failure), folder, chaos)
                except Exception:  # noqa: BLE001 - whatever it is, the logs go with the folder
                    return log.failed(traceback.format_exc(), folder, chaos)
                finally:
                    if words.keep_logs:
                        shutil.copytree(folder / "logs", words.keep_logs, dirs_exist_ok=True)
                advance(one.kills)
    return log.passed(chaos)


class Log:
    """The run's log on standard output; a failed run's also lies beside the zone's logs."""

    def __init__(self, seed: str, words: argparse.Namespace) -> None:
        self.round = 0
        self._lines: list[str] = []
        self._again = (
            f"make chaos SEED={seed} KILLS={words.kills} SECONDS={words.seconds:g} RATE={words.rate:g} "
            f"KILLS_A_ROUND={words.kills_a_round}"
        )
        self._began = time.monotonic()
        self._print(f"seed {seed}; the same faults again: {self._again}")

    def plan(self, one: Round) -> None:
        """What is going to happen in a round."""
        self._print(f"plan of round {one.number}:")
        for when, faults in (("before the start", one.before), ("while starting", one.early), ("", one.faults)):
            for fault in faults:
                self._print(f"  {when or 'under load'}{f', +{fault.at} s' if fault.at else ''}: {fault}")

    def tell(self, what: str) -> None:
        """Something happened now."""
        self._print(f"{time.monotonic() - self._began:7.1f} s  round {self.round}: {what}")

    def failed(self, differences: str, folder: Path, chaos: Chaos) -> int:
        """What differs, and where to look."""
        kept = Path(tempfile.mkdtemp(prefix="ayumi-chaos-logs-"))
        shutil.copytree(folder / "logs", kept, dirs_exist_ok=True)
        self.tell("FAILED")
        self._print(differences)
        self._sum(chaos)
        self._print(f"The zone's logs and faults.log, which is this, are kept in {kept}")
        self._print(f"The same faults again: {self._again} ROUNDS={self.round}")
        (kept / "faults.log").write_text("\n".join(self._lines) + "\n", "utf-8")
        return 1

    def passed(self, chaos: Chaos) -> int:
        """The sum of it."""
        self._sum(chaos)
        sent = chaos.sent.truth.counts()["sent"]
        self._print(f"{sent} statements sent in {self.round} rounds: 0 lost, 0 double, every sum exact")
        return 0

    def _sum(self, chaos: Chaos) -> None:
        injector = chaos.injector
        killed = ", ".join(f"{count} of {name}" for name, count in sorted(injector.killed.items()))
        self._print(f"{injector.killed.total()} kills ({killed}); faults: ")
        for kind, count in sorted(injector.happened.items()):
            self._print(f"  {count:4} {kind.value}")
        for name, count in sorted(chaos.died.items()):
            self._print(f"  {name} ended by itself {count} times")

    def _print(self, line: str) -> None:
        self._lines.append(line)
        print(line, flush=True)  # noqa: T201 - the log


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", default="", help="decides every fault; default: a new one")
    parser.add_argument("--kills", type=int, default=200, help="the zone's processes to kill, over all rounds")
    parser.add_argument("--rounds", type=int, default=None, help="stop after so many rounds")
    parser.add_argument(
        "--kills-a-round", type=int, default=8, help="at most so many processes are killed in one round"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="how long a round is under load")
    parser.add_argument("--rate", type=float, default=250.0, help="statements a second")
    parser.add_argument("--keep-logs", type=Path, default=None, help="copy the zone's logs there in any case")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
