"""Client libraries as vendors have them: write, read, page, void, attach, and documents with concurrency."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from tests.conformance.clients.client import LIBRARIES, Client, RefusedError, client
from tests.conformance.lrs import Lrs, Zone
from tests.conformance.parcels import declaration
from tests.conformance.statements import iri, learner, new_id, statement

Start = Callable[[str, str], Client]
EACH = [(name, version) for name, library in LIBRARIES.items() for version in library.versions]


@pytest.fixture(scope="session")
def started(place: Zone) -> Iterator[Start]:
    """Starts a library in a version, or gives the one that runs already: some take seconds to start."""
    with ExitStack() as stack:

        @cache
        def start(name: str, version: str) -> Client:
            return stack.enter_context(client(LIBRARIES[name], place, version))

        yield start


@pytest.fixture(params=EACH, ids="-".join)
def running(request: pytest.FixtureRequest, started: Start) -> tuple[Client, str]:
    """A library that runs, and the version that it speaks."""
    name, version = request.param
    return started(name, version), version


@pytest.fixture
def app(running: tuple[Client, str]) -> Client:
    """The library."""
    return running[0]


@pytest.fixture
def seen(running: tuple[Client, str], http: Any) -> Lrs:  # noqa: ANN401 - an httpx client
    """The zone as it really is."""
    return Lrs(http, running[1])


def test_what_a_library_writes_is_stored_and_read_by_it(app: Client, seen: Lrs) -> None:
    sent = [statement(id=new_id(), result={"success": True, "response": "半分"}) for _ in range(2)]
    assert app("write", statements=sent) == [one["id"] for one in sent]
    for one in sent:
        found = app("read", statement_id=one["id"]) if app.library.reads else seen.find(one["id"])
        assert (found["id"], found["result"]) == (one["id"], one["result"])
        assert found["actor"]["account"] == one["actor"]["account"]


def test_a_library_pages_through_everything_once(app: Client, seen: Lrs) -> None:
    activity = iri()
    sent = seen.store(*(statement(object={"id": activity}) for _ in range(7)))
    assert sorted(app("page", activity=activity, limit=3)) == sorted(sent)


def test_a_library_voids_a_statement_and_reads_it_as_voided(app: Client, seen: Lrs) -> None:
    sent = statement(id=new_id())
    seen.store(sent)
    voiding = statement(
        id=new_id(),
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": sent["id"]},
    )
    if not app.library.reads:
        app("write", statements=[voiding])
        assert seen.ask("GET", "statements", params={"statementId": sent["id"]}).status_code == 404
        return
    assert app("void", statement_id=sent["id"], actor=learner())
    assert app("readVoided", statement_id=sent["id"])["id"] == sent["id"]
    with pytest.raises(RefusedError) as refused:
        app("read", statement_id=sent["id"])
    assert refused.value.status == 404


def test_a_library_attaches_what_it_can(app: Client, seen: Lrs) -> None:
    if not app.library.attaches:
        declared = declaration(b"work", fileUrl="https://drill.example.jp/files/1")
        [statement_id] = app("write", statements=[statement(id=new_id(), attachments=[declared])])
        assert seen.find(statement_id)["attachments"] == [declared]
        return
    # More than one, for some write no line end between them.
    contents = [f"work {new_id()}", f"lines {new_id()}\r\n", f"last {new_id()}"]
    files = [declaration(content.encode(), contentType="text/plain") for content in contents]
    sent = statement(id=new_id(), attachments=files)
    assert app("attach", statement=sent, contents=contents) == sent["id"]
    # @xapi/xapi 3.0 takes the white space away from what it reads; the store has kept it.
    assert [one.strip() for one in app("attached", statement_id=sent["id"])] == [one.strip() for one in contents]
    kept = seen.ask("GET", "statements", params={"statementId": sent["id"], "attachments": "true"}).content
    assert all(content.encode() + b"\r\n--" in kept for content in contents)


def test_a_refusal_reaches_the_app_with_its_status(app: Client) -> None:
    with pytest.raises(RefusedError) as refused:
        app("write", statements=[statement(id=new_id(), verb={"id": "answered"})])
    assert refused.value.status == 400


DOCUMENTED = [(name, version) for name, version in EACH if LIBRARIES[name].documents]


@pytest.mark.parametrize("running", DOCUMENTED, indirect=True, ids="-".join)
def test_a_library_keeps_states(app: Client) -> None:
    about = {"activity": iri(), "agent": learner()}
    app("writeState", **about, name="page", content={"number": 2, "text": "頁"})
    app("writeState", **about, name="seen", content=[1, 2])
    assert app("readState", **about, name="page") == {"number": 2, "text": "頁"}
    assert sorted(app("states", **about)) == ["page", "seen"]
    app("deleteState", **about, name="page")
    assert app("states", **about) == ["seen"]


@pytest.mark.parametrize("running", DOCUMENTED, indirect=True, ids="-".join)
def test_of_two_changes_of_a_profile_the_one_that_has_not_seen_the_other_is_refused(app: Client, seen: Lrs) -> None:
    about = {"activity": iri(), "name": "settings"}
    if app.library.makes_profiles:
        app("makeProfile", **about, content={"level": 1})
    else:
        parameters = {"activityId": about["activity"], "profileId": about["name"]}
        made = seen.ask(
            "PUT", "activities/profile", params=parameters, json={"level": 1}, headers={"If-None-Match": "*"}
        )
        assert made.status_code == 204
    first = app("readProfile", **about)
    assert first["content"] == {"level": 1}
    app("changeProfile", **about, content={"level": 2}, etag=first["etag"])
    with pytest.raises(RefusedError) as refused:
        app("changeProfile", **about, content={"level": 3}, etag=first["etag"])
    assert refused.value.status == 412
    second = app("readProfile", **about)
    assert second["content"] == {"level": 2}
    app("changeProfile", **about, content={"level": 4}, etag=second["etag"])
    assert app("readProfile", **about)["content"] == {"level": 4}
