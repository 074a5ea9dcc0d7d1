"""Documents over SQLite and over a PostgreSQL that the test starts: what is stored, and who wins when many write."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.store.registry import Registry, documents
from lrs.store.registry.documents import Content, Context, Document, DocumentKey, DocumentKind, Documents
from tests.support.postgres import new_database, postgres_server

STATE = Context(DocumentKind.STATE, "https://drill.example.jp/items/1", "account\x1fhttps://board.example.jp\x1fu1")
KEY = DocumentKey("drill-a", STATE, "bookmark")
NOTE = Content("text/plain", b"page 7")


class LostError(Exception):
    """What a writer raises who sees that another was first."""


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.sqlite"
    return new_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
def stores(url: str) -> Iterator[list[Documents]]:
    """Two processes' worth of access to the same database."""
    opened = [Registry.open(url) for _ in range(2)]
    yield [registry.documents for registry in opened]
    for registry in opened:
        registry.close()


@pytest.fixture
def store(stores: list[Documents]) -> Documents:
    return stores[0]


def _put(store: Documents, key: DocumentKey, content: Content = NOTE) -> Document:
    stored = store.change(key, lambda _: content)
    assert stored is not None
    return stored


def _ids(store: Documents, context: Context, app: str | None = "drill-a", since_ms: int | None = None) -> list[str]:
    return [one.document_id for one in store.list(context, app, since_ms=since_ms)]


# --- what is stored ---


@pytest.mark.parametrize("content", [b"", bytes(range(256)), b"\x00" * 3, b"x" * 3_000_000, "歩み".encode()])
def test_content_and_type_come_back_as_they_were_with_the_sha1_of_the_content(store: Documents, content: bytes) -> None:
    stored = _put(store, KEY, Content("text/html; charset=x", content))
    found = store.get(KEY)
    assert found == stored
    assert (found.content, found.content_type) == (content, "text/html; charset=x")
    assert found.etag == hashlib.sha1(content).hexdigest()  # noqa: S324 - what the standard asks for


def test_a_change_sees_the_document_as_it_is_and_replaces_all_of_it(store: Documents) -> None:
    first = _put(store, KEY)
    seen: list[Document | None] = []
    second = store.change(KEY, lambda document: seen.append(document) or Content("a/b", b"2"))  # type: ignore[func-returns-value]
    assert seen == [first]
    assert store.get(KEY) == second
    assert _ids(store, STATE) == ["bookmark"]


def test_what_decides_may_delete_and_may_refuse(store: Documents) -> None:
    assert store.change(KEY, lambda _: None) is None
    stored = _put(store, KEY)

    def refuse(_: Document | None) -> Content:
        raise LostError

    with pytest.raises(LostError):
        store.change(KEY, refuse)
    assert store.get(KEY) == stored
    assert store.change(KEY, lambda _: None) is None
    assert store.get(KEY) is None


_OTHERS = [
    KEY._replace(document_id="bookmark2"),
    KEY._replace(app="drill-b"),
    KEY._replace(context=STATE._replace(registration=bytes(16))),
    KEY._replace(context=STATE._replace(activity_id="https://drill.example.jp/items/2")),
    KEY._replace(context=STATE._replace(agent_key="account\x1fhttps://board.example.jp\x1fu2")),
    KEY._replace(context=Context(DocumentKind.ACTIVITY_PROFILE, STATE.activity_id)),
    KEY._replace(context=Context(DocumentKind.AGENT_PROFILE, agent_key=STATE.agent_key)),
    KEY._replace(context=STATE._replace(activity_id=STATE.activity_id + STATE.agent_key[:1], agent_key="ccount")),
]


def test_documents_of_other_names_apps_registrations_and_resources_are_others(store: Documents) -> None:
    keys = [KEY, *_OTHERS]
    for number, key in enumerate(keys):
        _put(store, key, Content("text/plain", b"%d" % number))
    found = [store.get(key) for key in keys]
    assert [one and one.content for one in found] == [b"%d" % number for number in range(len(keys))]
    store.change(KEY, lambda _: None)
    assert [store.get(key) is None for key in keys] == [True] + [False] * len(_OTHERS)


@pytest.mark.parametrize("text", ["x" * 60_000, "あ\x00\U0001f600 '\"%\\", " ", "a\x1fb"])
def test_ids_may_be_long_and_hold_any_character(store: Documents, text: str) -> None:
    long = DocumentKey("drill-a", Context(DocumentKind.STATE, f"https://a/{text}", f"openid\x1f{text}"), text)
    _put(store, long)
    assert store.get(long) is not None
    assert store.get(long._replace(document_id=text + "x")) is None
    assert _ids(store, long.context) == [text]


# --- lists ---


def test_a_list_has_the_ids_in_the_order_of_their_last_change(store: Documents) -> None:
    for name in ("a", "b", "c"):
        _put(store, KEY._replace(document_id=name))
        time.sleep(0.002)  # the order is that of milliseconds
    _put(store, KEY._replace(document_id="a"))
    assert _ids(store, STATE) == ["b", "c", "a"]
    assert _ids(store, STATE._replace(activity_id="https://drill.example.jp/items/2")) == []


def test_since_is_exclusive(store: Documents) -> None:
    stored = _put(store, KEY)
    assert _ids(store, STATE, since_ms=stored.updated_at_ms - 1) == ["bookmark"]
    assert _ids(store, STATE, since_ms=stored.updated_at_ms) == []
    assert store.list(STATE, "drill-a")[0].updated_at_ms == stored.updated_at_ms


def test_every_change_is_later_than_the_one_before_even_when_the_clock_goes_back(
    store: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _put(store, KEY)
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000)
    after = _put(store, KEY)
    assert after.updated_at_ms == before.updated_at_ms + 1


def test_without_a_registration_a_list_and_a_deletion_mean_every_registration(store: Documents) -> None:
    one, other = (STATE._replace(registration=bytes([number] * 16)) for number in (1, 2))
    for context, name in ((STATE, "none"), (one, "one"), (other, "other"), (one, "both"), (other, "both")):
        _put(store, DocumentKey("drill-a", context, name))
    assert sorted(_ids(store, STATE)) == ["both", "none", "one", "other"]
    assert sorted(_ids(store, one)) == ["both", "one"]
    assert store.delete_all(one, "drill-a") == 2
    assert sorted(_ids(store, STATE)) == ["both", "none", "other"]
    assert store.delete_all(STATE, "drill-a") == 3
    assert _ids(store, STATE) == []


def test_deleting_all_leaves_other_apps_and_contexts_alone(store: Documents) -> None:
    others = [key for key in _OTHERS if (key.context, key.app) != (STATE, "drill-a") and not key.context.registration]
    for key in (KEY, *others):
        _put(store, key)
    assert store.delete_all(STATE, "drill-a") == 1
    assert all(store.get(key) for key in others)


# --- apps ---


def test_an_app_sees_only_its_own_unless_every_app_is_asked_for(store: Documents) -> None:
    theirs = KEY._replace(app="drill-b")
    _put(store, theirs, Content("text/plain", b"theirs"))
    assert store.get(KEY) is None
    assert _ids(store, STATE) == []
    assert _ids(store, STATE, None) == ["bookmark"]
    found = store.get(KEY, every_app=True)
    assert found is not None
    assert found.content == b"theirs"


def test_of_every_app_the_own_document_comes_first_then_the_latest(store: Documents) -> None:
    for app in ("drill-b", "drill-c", "drill-d"):
        _put(store, KEY._replace(app=app), Content("text/plain", app.encode()))
        time.sleep(0.002)
    _put(store, KEY._replace(app="drill-b"), Content("text/plain", b"again"))
    found = [store.get(KEY._replace(app=app), every_app=True) for app in ("drill-a", "drill-c")]
    assert [one and one.content for one in found] == [b"again", b"drill-c"]
    assert _ids(store, STATE, None) == ["bookmark"]


# --- many writers ---

_WRITERS = 8
_DOCUMENTS = 40


def test_of_writers_that_replace_what_they_read_exactly_one_wins_each_round(stores: list[Documents]) -> None:
    keys = [KEY._replace(document_id=f"document {number}") for number in range(_DOCUMENTS)]
    for key in keys:
        _put(stores[0], key, Content("text/plain", b"start"))
    won: Counter[str] = Counter()

    def write(job: tuple[DocumentKey, int]) -> bool:
        key, writer = job
        read = before[key]

        def replace(document: Document | None) -> Content:
            if document is None or document.etag != read:
                raise LostError
            return Content("text/plain", f"{round_number} {writer}".encode())

        try:
            stored = stores[writer % 2].change(key, replace)
        except LostError:
            return False
        assert stored is not None
        won[key.document_id] += 1
        last[key] = stored.content
        return True

    with ThreadPoolExecutor(_WRITERS) as pool:
        for round_number in range(3):
            before = {key: _etag(stores[0], key) for key in keys}
            last: dict[DocumentKey, bytes] = {}
            jobs = list(product(keys, range(_WRITERS)))
            random.Random(round_number).shuffle(jobs)
            assert sum(pool.map(write, jobs)) == _DOCUMENTS
            for key in keys:
                found = stores[1].get(key)
                assert found is not None
                assert found.content == last[key]
    assert set(won.values()) == {3}


def _etag(store: Documents, key: DocumentKey) -> str:
    found = store.get(key)
    assert found is not None
    return found.etag


def test_of_writers_that_make_a_document_at_once_exactly_one_does(stores: list[Documents]) -> None:
    gate = threading.Barrier(_WRITERS)

    def write(writer: int) -> int:
        made = 0
        for number in range(_DOCUMENTS):
            gate.wait(30)
            key = KEY._replace(document_id=f"new {number}")
            try:
                stores[writer % 2].change(key, lambda document: _only_new(document, writer))
                made += 1
            except LostError:
                pass
        return made

    with ThreadPoolExecutor(_WRITERS) as pool:
        assert sum(pool.map(write, range(_WRITERS))) == _DOCUMENTS
    assert len(_ids(stores[0], STATE)) == _DOCUMENTS


def _only_new(document: Document | None, writer: int) -> Content:
    if document is not None:
        raise LostError
    return Content("text/plain", b"%d" % writer)


def test_no_addition_is_lost_among_writers_that_add_and_delete(stores: list[Documents]) -> None:
    """What was deleted now and then, and what is left in the end, is all that was added."""
    gate = threading.Barrier(_WRITERS + 2)
    gone: list[bytes] = []

    def add(writer: int) -> None:
        gate.wait(30)
        for number in range(20):
            line = b"%d-%d\n" % (writer, number)
            stores[writer % 2].change(KEY, lambda document, line=line: _appended(document, line))  # type: ignore[misc]

    def take(store: Documents) -> None:
        gate.wait(30)
        for _ in range(10):
            taken: list[bytes] = []
            store.change(KEY, lambda document, taken=taken: taken.append(document.content if document else b""))  # type: ignore[misc]
            gone.append(taken[-1])

    with ThreadPoolExecutor(_WRITERS + 2) as pool:
        futures = [pool.submit(add, writer) for writer in range(_WRITERS)]
        futures += [pool.submit(take, store) for store in stores]
        for future in futures:
            future.result(60)
    left = stores[0].get(KEY)
    lines = (b"".join(gone) + (left.content if left else b"")).splitlines()
    assert sorted(lines) == sorted(b"%d-%d" % (writer, number) for writer in range(_WRITERS) for number in range(20))


def _appended(document: Document | None, line: bytes) -> Content:
    return Content("text/plain", (document.content if document else b"") + line)


def test_deletions_of_all_at_once_neither_fail_nor_miss_a_document(stores: list[Documents]) -> None:
    for number in range(100):
        _put(stores[0], KEY._replace(document_id=str(number)))
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda number: stores[number % 2].delete_all(STATE, "drill-a"), range(4)))
    assert sum(counts) == 100
    assert _ids(stores[0], STATE) == []


# --- keys ---

_texts = st.text(max_size=5)
_contexts = st.builds(
    Context, st.sampled_from(DocumentKind), _texts, _texts, st.none() | st.binary(min_size=16, max_size=16)
)
_keys = st.builds(DocumentKey, st.sampled_from(["a", "b"]), _contexts, _texts)


@given(_keys, _keys)
def test_two_keys_lead_to_one_row_only_if_they_are_equal(one: DocumentKey, other: DocumentKey) -> None:
    rows = [documents._identity(key) for key in (one, other)]  # noqa: SLF001 - the key of the table itself
    primary = [(row["context"], row["name"], row["app"]) for row in rows]
    assert (primary[0] == primary[1]) == (one == other)
