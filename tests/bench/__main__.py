"""`make bench`: every hop, the whole way, and the gateway beside its peer; a table, and bench-results/bench.json.

python -m tests.bench [hops] [flow] [freshness] [http] [reading] [letters] [--count N] [--reading-count N]

`letters` is run only when it is named. `python -m tests.bench reading` alone is GET at 100,000 and at 10,000,000
statements; it says how long it took to make them.
"""

from __future__ import annotations

import argparse
import asyncio

from lrs.kernel.logs import configure_logs
from tests.bench.flow import freshness, whole_way
from tests.bench.hops import hops
from tests.bench.http import beside_ralph
from tests.bench.letters import letters
from tests.bench.measuring import Results
from tests.bench.reading import reading

_GROUPS = ("hops", "flow", "freshness", "http", "reading")
_NAMED = ("letters",)


async def main() -> int:
    """Run the named groups, or all; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*_GROUPS, *_NAMED, []], default=[])
    parser.add_argument(
        "--count",
        type=int,
        default=500_000,
        help="statements of the whole way, and at most of each HTTP run; dead letters of letters",
    )
    parser.add_argument("--hop-count", type=int, default=200_000, help="statements of each hop")
    parser.add_argument("--seconds", type=float, default=60, help="length of the freshness run")
    parser.add_argument(
        "--reading-count", type=int, default=10_000_000, help="statements of the archive that is read, from 100,000 on"
    )
    options = parser.parse_args()
    groups = options.groups or _GROUPS
    configure_logs("error", part="bench")
    results = Results()
    if "hops" in groups:
        await hops(results, options.hop_count)
    if "flow" in groups:
        await whole_way(results, options.count)
    if "freshness" in groups:
        await freshness(results, 5000, options.seconds)
    if "http" in groups:
        await beside_ralph(results, options.count)
    if "reading" in groups:
        await reading(results, options.reading_count)
    if "letters" in groups:
        results.verdict = await letters(results, options.count)
    for what in results.verdict or ():
        print("  ", what)  # noqa: T201 - a program's output
    print(f"saved to {results.save('bench' if len(groups) > 1 else groups[0])}")  # noqa: T201 - a program's output
    return 1 if results.verdict else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
