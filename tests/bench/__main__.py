"""`make bench`: every hop, the whole way, and the gateway beside its peer; a table, and bench-results/bench.json.

python -m tests.bench [hops] [flow] [freshness] [http] [reading] [--count N]
"""

from __future__ import annotations

import argparse
import asyncio

from lrs.kernel.logs import configure_logs
from tests.bench.flow import freshness, whole_way
from tests.bench.hops import hops
from tests.bench.http import beside_ralph
from tests.bench.measuring import Results
from tests.bench.reading import reading

_GROUPS = ("hops", "flow", "freshness", "http", "reading")


async def main() -> None:
    """Run the named groups, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*_GROUPS, []], default=[])
    parser.add_argument(
        "--count", type=int, default=500_000, help="statements of the whole way, and at most of each HTTP run"
    )
    parser.add_argument("--hop-count", type=int, default=200_000, help="statements of each hop")
    parser.add_argument("--seconds", type=float, default=60, help="length of the freshness run")
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
        await reading(results, options.count)
    print(f"saved to {results.save('bench' if len(groups) > 1 else groups[0])}")  # noqa: T201 - a program's output


if __name__ == "__main__":
    asyncio.run(main())
