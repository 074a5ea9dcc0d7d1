"""The wrapper's promises, each against the hazard that it is there for."""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import chdb
import clickhouse_connect
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrs.kernel.errors import RetryError, StopError
from lrs.store.engine import Engine, EngineError
from lrs.store.native import BlockError
from lrs.store.templates import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
_TABLE = "CREATE TABLE {name} (a UInt64, b String) ENGINE = MergeTree ORDER BY a"


def _table(engine: Engine, name: str = "things") -> None:
    engine.command(_TABLE.replace("{name}", name))


def test_a_failed_query_leaves_nothing_in_the_next_result(engine: Engine) -> None:
    for _ in range(5):
        with pytest.raises(EngineError):
            engine.query("SELECT throwIf(number = 3000000) FROM numbers(10000000) SETTINGS max_result_rows = 0")
        assert engine.query("SELECT 'mine'") == [("mine",)]


def test_the_embedded_engine_does_leave_bytes_behind_so_handles_must_go(embedded: str) -> None:
    # When this fails, the engine has been mended and handles may live on.
    client = clickhouse_connect.get_client(dsn=embedded, chdb_options={"max_server_memory_usage": 1500 << 20})
    try:
        failing = "SELECT throwIf(number = 3000000, 'x') FROM numbers(10000000) FORMAT TSV"
        with pytest.raises(clickhouse_connect.driver.exceptions.DatabaseError):
            client.raw_query(failing)
        assert client.raw_query("SELECT 1 FORMAT TSV") != b"1\n"
    finally:
        client.close()


def test_the_embedded_streaming_insert_acknowledges_what_it_does_not_store(embedded: str) -> None:
    # When this fails, the engine has been mended and blocks need no temporary file.
    connection = chdb.connect(f"{embedded.removeprefix('chdb://')}?max_server_memory_usage={1500 << 20}")
    try:
        connection.query("USE anchor")
        connection.query("CREATE TABLE small (a UInt64, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a")
        with connection.send_insert("INSERT INTO small (a)", "TSV") as stream:
            stream.append("99\n")
            assert stream.finish().rows_written == 1
        assert connection.query("SELECT count() FROM small", "TSV").bytes() == b"0\n"
    finally:
        connection.close()


def test_a_query_that_takes_too_long_can_be_tried_again(dsn: str) -> None:
    engine = Engine.open(dsn, "slow", readers=1, max_memory_mb=1500, query_seconds=0.3)
    try:
        with pytest.raises(RetryError):
            engine.query("SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1")
        assert engine.query("SELECT 1") == [(1,)]
    finally:
        engine.close()


def test_a_caller_that_finds_all_handles_busy_is_told_to_try_again(dsn: str) -> None:
    engine = Engine.open(dsn, "busy", readers=1, max_memory_mb=1500, query_seconds=0.5)
    try:
        with engine._readers.borrow(), pytest.raises(RetryError, match="busy"):  # noqa: SLF001 - holds the one handle
            engine.query("SELECT 1")
        assert engine.query("SELECT 1") == [(1,)]
    finally:
        engine.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE things",
        "DROP TABLE things",
        "SELECT * FROM things WHERE b = 'it''s 児童'",
        "SELECT * FROM things WHERE b = 'a\\'b'",
        "SELECT * FROM default.things",
        "SELECT * FROM file('/etc/passwd')",
        "SELECT 1 -- and more",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT {a:UInt8}",
        "",
    ],
)
def test_what_is_not_one_reading_template_is_refused(engine: Engine, sql: str) -> None:
    with pytest.raises(TemplateError):
        engine.query(sql)


def test_a_command_template_must_change_something_and_stand_alone(engine: Engine) -> None:
    for sql in (
        "SELECT 1",
        "CREATE TABLE a (x UInt8) ENGINE = Kafka",
        "DROP TABLE a; DROP TABLE b",
        "SET readonly = 1",
    ):
        with pytest.raises(TemplateError):
            engine.command(sql)


def test_values_travel_as_parameters_byte_for_byte(engine: Engine) -> None:
    text = "it's\t\\ {x:String} 児童; DROP TABLE things --\n"
    assert engine.query("SELECT {x:String} AS x", {"x": text}) == [(text,)]
    raw = bytes(range(256))
    key = b"\x00\\'\n\t\xff" + bytes(10)
    assert engine.query("SELECT {x:FixedString(16)} AS x", {"x": key}) == [(key,)]
    assert engine.query(
        "SELECT [{x:FixedString(16)}] = {y:Array(FixedString(16))} AS same", {"x": key, "y": [key]}
    ) == [(1,)]
    engine.command("CREATE TABLE blobs (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    engine.insert("blobs", ("a", "b"), [(1, raw), (2, "児童"), (3, b"x" * 70_000)])
    rows = engine.query("SELECT b FROM blobs ORDER BY a", as_bytes=("b",))
    assert rows == [(raw,), ("児童".encode(),), (b"x" * 70_000,)]


_ROWS = st.lists(
    st.tuples(
        st.text(max_size=300),
        st.binary(max_size=300),
        st.binary(min_size=16, max_size=16),
        st.integers(0, 2**64 - 1),
        st.integers(0, 4_102_444_800_000),
        st.one_of(st.none(), st.floats(allow_nan=False)),
        st.one_of(st.none(), st.booleans()),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_every_value_of_every_column_type_comes_back(engine: Engine, rows: list[tuple[object, ...]]) -> None:
    engine.command(
        "CREATE TABLE IF NOT EXISTS kinds (n UInt32, s LowCardinality(String), b String, f FixedString(16), u UInt64, "
        "d DateTime64(3, 'UTC'), x Nullable(Float64), y Nullable(Bool)) ENGINE = MergeTree ORDER BY n"
    )
    engine.command("TRUNCATE TABLE kinds")
    numbered = [(number, *row) for number, row in enumerate(rows)]
    engine.insert("kinds", ("n", "s", "b", "f", "u", "d", "x", "y"), numbered)
    sql = "SELECT n, s, b, f, u, toUnixTimestamp64Milli(d), x, y FROM kinds ORDER BY n"
    assert engine.query(sql, as_bytes=("b",)) == numbered


def test_a_thousand_keys_fit_into_one_query(engine: Engine) -> None:
    keys = [index.to_bytes(16, "big") for index in range(1000)]
    assert engine.query("SELECT length({x:Array(FixedString(16))}) AS n", {"x": keys}) == [(1000,)]


def test_a_reader_can_neither_write_nor_lift_its_limits(engine: Engine) -> None:
    _table(engine)
    with engine._readers.borrow() as handle:  # noqa: SLF001 - goes round the templates on purpose
        for sql in ("INSERT INTO things VALUES (1, 'x')", "SET readonly = 0", "DROP TABLE things"):
            with pytest.raises(clickhouse_connect.driver.exceptions.DatabaseError):
                handle.command(sql)
    assert engine.query("SELECT count() FROM things") == [(0,)]


def test_reading_never_makes_the_writer_readonly(engine: Engine) -> None:
    _table(engine)
    for number in range(3):
        engine.query("SELECT count() FROM things")
        engine.insert("things", ("a", "b"), [(number, "x")])
    assert engine.query("SELECT count() FROM things") == [(3,)]


def test_one_insert_is_one_part_however_large(engine: Engine) -> None:
    _table(engine)
    engine.insert("things", ("a", "b"), [(number, b"y" * 1000) for number in range(20_000)])
    sql = "SELECT count(), sum(rows), max(level) FROM system.parts WHERE active AND database = currentDatabase()"
    assert engine.query(sql) == [(1, 20_000, 0)]


def test_an_insert_that_does_not_fit_is_refused_whole_and_without_quoting_data(engine: Engine) -> None:
    _table(engine)
    with pytest.raises(BlockError, match="column a") as refused:
        engine.insert("things", ("a", "b"), [(1, "fine"), ("secret-name", "x")])
    assert "secret-name" not in str(refused.value)
    with pytest.raises(EngineError, match="nothing"):
        engine.insert("things", ("a", "nothing"), [(1, "x")])
    engine.command("CREATE TABLE checked (a UInt64, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a")
    with pytest.raises(EngineError) as violated:
        engine.insert("checked", ("a",), [(1,), (987654,)])
    assert "987654" not in str(violated.value)
    assert engine.query("SELECT count() FROM checked") == [(0,)]
    assert engine.query("SELECT count() FROM things") == [(0,)]


def test_deleted_rows_leave_every_kind_of_projection(engine: Engine) -> None:
    engine.command(
        "CREATE TABLE counted (k UInt8, v UInt64, PROJECTION sums (SELECT k, sum(v), count() GROUP BY k), "
        "PROJECTION places (SELECT _part_offset ORDER BY v)) ENGINE = MergeTree ORDER BY k"
    )
    engine.insert("counted", ("k", "v"), [(number % 5, number) for number in range(5000)])
    engine.command("ALTER TABLE counted DELETE WHERE k = {k:UInt8}", {"k": 3})
    assert engine.query("SELECT count() FROM counted WHERE k = 3") == [(0,)]
    assert engine.query("SELECT count(), sum(v) FROM counted") == [(4000, sum(n for n in range(5000) if n % 5 != 3))]
    assert engine.query("SELECT count() FROM counted WHERE v = 8") == [(0,)]
    assert engine.query("SELECT count() FROM counted WHERE v = 9") == [(1,)]


def test_two_databases_of_one_store_are_apart(open_database: Callable[[str], Engine]) -> None:
    first, second = open_database("first"), open_database("second")
    _table(first)
    first.insert("things", ("a", "b"), [(1, "x")])
    with pytest.raises(EngineError, match="UNKNOWN_TABLE"):
        second.query("SELECT count() FROM things")


def test_many_threads_read_while_one_writes(engine: Engine) -> None:
    _table(engine)
    wrong: list[object] = []

    def read(number: int) -> None:
        for _ in range(20):
            try:
                found = engine.query("SELECT {n:UInt64}, count() >= 0 FROM things", {"n": number})
            except RetryError:
                continue
            if found != [(number, 1)]:
                wrong.append(found)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for number in range(20):
        engine.insert("things", ("a", "b"), [(number, "x")])
    for thread in threads:
        thread.join()
    assert not wrong
    assert engine.query("SELECT count() FROM things") == [(20,)]


@pytest.mark.parametrize("name", ["default", "Default", "a-b", "x; DROP", ""])
def test_only_own_databases_are_opened(dsn: str, name: str) -> None:
    with pytest.raises(StopError):
        Engine.open(dsn, name, readers=1, max_memory_mb=1500, query_seconds=5)


@pytest.mark.parametrize("wrong", ["ftp://x", "chdb://memory", "chdb://", "", "postgresql://x/y"])
def test_a_dsn_that_names_no_store_says_what_to_write(wrong: str) -> None:
    with pytest.raises(StopError, match="Write chdb:///"):
        Engine.open(wrong, "archive", readers=1, max_memory_mb=1500, query_seconds=5)


def test_a_server_that_is_away_can_be_tried_again() -> None:
    with pytest.raises(RetryError):
        Engine.open("http://127.0.0.1:9", "archive", readers=1, max_memory_mb=1500, query_seconds=5)


def test_after_close_nothing_is_answered(engine: Engine) -> None:
    engine.close()
    with pytest.raises(RetryError, match="closed"):
        engine.query("SELECT 1")
    engine.close()


def test_rows_left_behind_by_a_killed_insert_are_gone_after_start(tmp_path: Path) -> None:
    inserts = tmp_path / "store" / "inserts"
    inserts.mkdir(parents=True)
    (inserts / "tmp123.native").write_bytes(b"rows of a child")
    program = f"""
import tempfile
from pathlib import Path
from lrs.store.engine import Engine
before = tempfile.gettempdir()
def open_store(name):
    return Engine.open("chdb://{tmp_path}/store", name, readers=1, max_memory_mb=1500, query_seconds=5)
first, second = open_store("first"), open_store("second")
first.close()
assert tempfile.gettempdir() == "{inserts}"
assert list(Path("{inserts}").iterdir()) == []
second.command("CREATE TABLE things (a UInt64) ENGINE = MergeTree ORDER BY a")
second.insert("things", ("a",), [(1,)])
assert list(Path("{inserts}").iterdir()) == []
second.close()
assert tempfile.gettempdir() == before
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True)
    assert inserts.stat().st_mode & 0o077 == 0


def test_a_store_that_another_process_has_open_says_so(embedded: str) -> None:
    program = f"""
from lrs.store.engine import Engine
Engine.open({embedded!r}, "second", readers=1, max_memory_mb=1500, query_seconds=5)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode
    assert "StopError" in done.stderr
    assert "one process owns an embedded store" in done.stderr


def test_closing_leaves_nothing_on_standard_error(tmp_path: Path) -> None:
    program = f"""
from lrs.store.engine import Engine
engine = Engine.open("chdb://{tmp_path}", "quiet", readers=2, max_memory_mb=1500, query_seconds=5)
engine.query("SELECT 1")
engine.close()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stderr == ""


def test_an_insert_whose_answer_is_lost_is_not_repeated_below_us(front: str) -> None:
    engine = Engine.open(front, "lost", readers=1, max_memory_mb=1500, query_seconds=5)
    try:
        _table(engine, "lost_things")
        engine.insert("lost_things", ("a", "b"), [(1, "x")])
        urllib.request.urlopen(urllib.request.Request(f"{front}/drop-after-insert", method="POST")).close()  # noqa: S310
        with pytest.raises(RetryError):
            engine.insert("lost_things", ("a", "b"), [(2, "y")])
        assert engine.query("SELECT a FROM lost_things ORDER BY a") == [(1,), (2,)]
    finally:
        engine.close()


def test_an_insert_does_not_wait_for_a_command_beside_it(engine: Engine) -> None:
    for table in ("slow", "notes"):
        engine.command(f"CREATE TABLE {table} (number UInt64) ENGINE = MergeTree ORDER BY number")
    # The engine lets a block sleep for three seconds at most.
    sql = "INSERT INTO slow SELECT number FROM numbers(20) WHERE sleepEachRow(0.5) = 0 SETTINGS max_block_size = 1"
    rewriting = threading.Thread(target=lambda: engine.command(sql, beside=True))
    rewriting.start()
    while not engine.query("SELECT query FROM system.processes WHERE query LIKE 'INSERT INTO slow %'"):
        assert rewriting.is_alive()
    engine.insert("notes", ("number",), [(1,)])
    assert rewriting.is_alive()
    rewriting.join()
    assert engine.query("SELECT count() FROM slow") == [(20,)]
