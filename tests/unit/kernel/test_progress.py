"""How far the archive has come, as readers are told."""

from __future__ import annotations

from lrs.kernel.progress import ArchiveProgress


def test_nothing_is_promised_before_every_partition_has_told() -> None:
    progress = ArchiveProgress(2)
    assert progress.consistent_through_ms() == 0
    progress.advance(0, 10, 5000)
    assert progress.consistent_through_ms() == 0
    progress.advance(1, 0, 0)
    assert progress.consistent_through_ms() == 0
    progress.advance(1, 3, 4000)
    assert progress.consistent_through_ms() == 4000


def test_the_partition_that_is_furthest_behind_counts() -> None:
    progress = ArchiveProgress(3)
    for partition, through_ms in enumerate((5000, 3000, 4000)):
        progress.advance(partition, 1, through_ms)
    assert progress.consistent_through_ms() == 3000


def test_a_partition_that_goes_to_another_owner_takes_nothing_back() -> None:
    progress = ArchiveProgress(2)
    progress.advance(0, 7, 5000)
    progress.advance(1, 7, 6000)
    progress.forget(0)
    assert (progress.next_offset(0), progress.consistent_through_ms()) == (0, 5000)
    progress.advance(0, 7, 0)
    assert (progress.next_offset(0), progress.consistent_through_ms()) == (7, 5000)


def test_what_a_reader_saw_counts_where_the_partitions_do_not_tell() -> None:
    progress = ArchiveProgress(2)
    progress.passed(3000)
    progress.passed(2000)
    assert progress.consistent_through_ms() == 3000
    for partition in range(2):
        progress.advance(partition, 1, 4000)
    assert progress.consistent_through_ms() == 4000
