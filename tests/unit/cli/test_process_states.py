"""Facts about reading metrics, and the sizes of folders."""

from __future__ import annotations

import math
from pathlib import Path

from lrs.cli.folder_sizes import size_of
from lrs.cli.process_states import Told, read_metrics

EXPOSITION = """\
# HELP ayumi_gateway_statements_total Statements
ayumi_gateway_statements_total{app="drill-a",outcome="received"} 12.0
ayumi_gateway_statements_total{app="a\\"b,c\\\\d} e",outcome="received"} 3.0
ayumi_gateway_statements_total{app="drill-a",outcome="rejected"} 2.0
ayumi_gateway_statements_created{app="drill-a",outcome="rejected"} 1.7e+09
ayumi_loader_freshness_seconds_bucket{le="0.5"} 4.0
ayumi_loader_freshness_seconds_bucket{le="+Inf"} 6.0
ayumi_loader_freshness_seconds_sum 3.0
ayumi_gateway_last_seen_timestamp_seconds{app="a\\"b,c\\\\d} e"} 1.795e+09
process_open_fds 12.0
"""


def test_metrics_of_all_processes_add_up_whatever_an_app_is_called() -> None:
    told = Told({}, {}, {})
    read_metrics(EXPOSITION, told)
    read_metrics(EXPOSITION, told)
    assert told.freshness == {0.5: 8.0, math.inf: 12.0}
    assert told.door == {"received": 30, "rejected": 4}
    assert told.last_seen == {'a"b,c\\d} e': 1.795e9}


def test_the_size_of_a_folder_is_that_of_all_files_below_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"x" * 9000)
    (tmp_path / "a" / "b" / "two").write_bytes(b"x" * 20_000)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert 29_000 <= size_of(tmp_path) < 60_000
    assert size_of(tmp_path / "nowhere") == 0
