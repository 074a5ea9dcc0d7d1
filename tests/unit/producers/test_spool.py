"""The spool: what was appended comes back in order, whatever a kill or a bad disk does to the files."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrs.kernel.errors import RetryError, StopError
from producers.spool import Spool

VALUES = [b"first", b"", bytes(range(256)) * 3, b"\xa5Ay\x01" * 3, b"last"]


@contextmanager
def opened(folder: Path, max_bytes: int = 1 << 20) -> Iterator[Spool]:
    """A spool, closed at the end."""
    spool = Spool(folder, max_bytes=max_bytes)
    try:
        yield spool
    finally:
        spool.close()


def emptied(spool: Spool) -> tuple[list[bytes], int]:
    """Every value in order, and the bytes that were none."""
    values: list[bytes] = []
    lost = 0
    while not spool.is_empty:
        segment = spool.oldest()
        values += segment.values
        lost += segment.lost_bytes
        spool.discard_oldest(segment)
    return values, lost


def test_values_come_back_in_order_and_their_room_is_free_again(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.append(VALUES[:2])
        spool.append(VALUES[2:])
        assert emptied(spool) == (VALUES, 0)
        assert (spool.is_empty, spool.size) == (True, 0)


def test_what_is_appended_while_the_oldest_is_sent_follows_it(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.append([b"1"])
        oldest = spool.oldest()
        spool.append([b"2"])
        assert spool.oldest() == oldest
        spool.discard_oldest(oldest)
        assert emptied(spool) == ([b"2"], 0)


def test_many_values_are_sent_some_megabytes_at_a_time(tmp_path: Path) -> None:
    given = [b"%06d" % number + bytes(1 << 16) for number in range(200)]
    with opened(tmp_path, 20 << 20) as spool:
        for start in range(0, len(given), 7):
            spool.append(given[start : start + 7])
        first = spool.oldest()
        assert sum(map(len, first.values)) < 5 << 20
        assert emptied(spool) == (given, 0)


def test_the_next_opener_finds_what_the_last_one_left_and_goes_on_behind_it(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.append([b"1"])
        spool.append([b"2"])
    with opened(tmp_path) as spool:
        spool.append([b"3"])
        assert emptied(spool) == ([b"1", b"2", b"3"], 0)


def test_a_full_spool_refuses_the_whole_call_and_keeps_what_it_had(tmp_path: Path) -> None:
    with opened(tmp_path, 1000) as spool:
        spool.append([b"a" * 500])
        with pytest.raises(RetryError, match="room in the spool is not available"):
            spool.append([b"b", b"c" * 500])
        spool.append([b"d"])
        assert emptied(spool) == ([b"a" * 500, b"d"], 0)


def test_a_full_disk_refuses_the_call_and_leaves_no_half_of_it(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.append([b"before"])
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
        try:
            with pytest.raises(RetryError, match="the spool is not available"):
                spool.append([b"x" * 500, b"y" * 5000])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        spool.append([b"after"])
        assert emptied(spool) == ([b"before", b"after"], 0)


def test_a_second_opener_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(StopError, match="another process uses the spool"):
        Spool(tmp_path, max_bytes=1)
    with opened(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StopError, match="cannot be written"):
        Spool(tmp_path / "file" / "spool", max_bytes=1)


def test_files_of_others_in_the_folder_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with opened(tmp_path) as spool:
        spool.append([b"1"])
        assert emptied(spool) == ([b"1"], 0)
    assert (tmp_path / "notes.txt").read_text() == "mine"


_APPEND_UNTIL_KILLED = """
import sys
from pathlib import Path
from producers.spool import Spool
spool = Spool(Path(sys.argv[1]), max_bytes=1 << 28)
for number in range(10**9):
    spool.append([b"%d" % number])
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _APPEND_UNTIL_KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        told = [int(process.stdout.readline()) for _ in range(50)]
        process.kill()
        told += [int(line) for line in process.stdout.read().splitlines()]
    with opened(tmp_path) as spool:
        values, _ = emptied(spool)
    assert [int(value) for value in values][: len(told)] == told


def _damaged(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.damaged"))


def _one_file(folder: Path) -> Path:
    with opened(folder) as spool:
        for value in VALUES:
            spool.append([value])
    [file] = folder.glob("*.spool")
    return file


def test_a_tail_that_was_cut_off_costs_its_last_statement_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _one_file(tmp_path)
    os.truncate(file, file.stat().st_size - 1)
    with opened(tmp_path) as spool:
        values, lost = emptied(spool)
        spool.append([b"later"])
        assert emptied(spool) == ([b"later"], 0)
    assert values == VALUES[:-1]
    assert lost == 12 + len(VALUES[-1]) - 1
    assert "spool_damaged" in "".join(capsys.readouterr())
    assert _damaged(tmp_path) == [file.with_suffix(".damaged")]


def test_a_damaged_file_that_was_put_aside_still_counts_for_the_limit(tmp_path: Path) -> None:
    file = _one_file(tmp_path)
    os.truncate(file, file.stat().st_size - 1)
    with opened(tmp_path, 1100) as spool:
        emptied(spool)
        with pytest.raises(RetryError, match="room in the spool"):
            spool.append([b"x" * 500])
        _damaged(tmp_path)[0].unlink()
        spool.append([b"x" * 500])


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_whatever_is_done_to_a_file_every_whole_value_comes_back_in_order_and_the_rest_is_counted(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    file = _one_file(folder)
    raw = bytearray(file.read_bytes())
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 300)))
    raw[start:end] = data.draw(st.binary(max_size=40))
    file.write_bytes(raw)
    places = [0]
    for value in VALUES:
        places.append(places[-1] + 12 + len(value))
    untouched = [
        value for value, at, behind in zip(VALUES, places, places[1:], strict=False) if behind <= start or at >= end
    ]
    with opened(folder) as spool:
        values, lost = emptied(spool)
    assert [value for value in values if value in untouched] == untouched
    assert sum(12 + len(value) for value in values) + lost == len(raw)
