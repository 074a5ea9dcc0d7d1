"""Communication 2.2, 2.3, 2.6, 2.7: what documents are, and the parameters of their resources."""

from __future__ import annotations

import json

import pytest

from tests.conformance.documents import ACTIVITY, AGENT, RESOURCES, STATE, Documents, required
from tests.conformance.lrs import JSON, Lrs, refusal
from tests.conformance.statements import iri, learner, new_id

EACH = pytest.mark.parametrize("resource", RESOURCES)


# --- 2.2: what documents are ---


@EACH
@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/json", b'{ "a":1.0,\n "\xe8\xaa\x9e": null }'),
        ("text/plain; charset=shift_jis", b"\x93\xfa\x96\x7b"),
        ("application/octet-stream", bytes(range(256)) * 100),
        ("application/x-www-form-urlencoded", b"a=1"),
        ("image/png", b""),
        ("multipart/mixed", b"no parts"),
    ],
    ids=lambda one: one.split(";")[0] if isinstance(one, str) else "",
)
def test_a_document_comes_back_byte_for_byte_with_its_content_type(
    lrs: Lrs, resource: str, content_type: str, content: bytes
) -> None:
    documents = Documents(lrs, resource)
    documents.put(content, content_type=content_type)
    answer = documents.ask("GET")
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, content, content_type)


@EACH
def test_a_document_that_is_not_there_is_a_404_and_deleting_it_is_done(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    assert documents.ask("GET").status_code == 404
    assert documents.ask("DELETE").status_code == 204
    assert documents.names() == []


@EACH
def test_a_deleted_document_is_gone_and_the_others_stay(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    documents.put(name="a")
    documents.put(name="b")
    assert documents.ask("DELETE", "a").status_code == 204
    assert documents.ask("GET", "a").status_code == 404
    assert documents.names() == ["b"]


@EACH
def test_a_post_makes_a_document_that_was_not_there(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    answer = documents.ask("POST", content=b"text", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, documents.content()) == (204, b"text")


@EACH
def test_a_post_merges_the_properties_of_the_top_level_only(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    documents.put(b'{"a":1,"b":{"c":1,"d":2},"e":[1]}')
    answer = documents.ask("POST", content=b'{"b":{"c":3},"e":[],"f":null}', headers=JSON)
    assert answer.status_code == 204
    assert json.loads(documents.content()) == {"a": 1, "b": {"c": 3}, "e": [], "f": None}
    assert documents.ask("GET").headers["Content-Type"] == "application/json"


@EACH
@pytest.mark.parametrize(
    ("stored", "posted"),
    [
        (("text/plain", b"{}"), ("application/json", b'{"a":1}')),
        (("application/json", b"{}"), ("text/plain", b'{"a":1}')),
        (("application/json", b"{}"), ("application/x-www-form-urlencoded", b"a=1")),
        (("application/json", b"{}"), ("application/json", b"[1]")),
        (("application/json", b"{}"), ("application/json", b'"text"')),
        (("application/json", b"{}"), ("application/json", b"null")),
        (("application/json", b"{}"), ("application/json", b"{")),
        (("application/json", b"{}"), ("application/json", b"")),
        (("application/json", b"[1]"), ("application/json", b'{"a":1}')),
        (("application/json", b"{"), ("application/json", b'{"a":1}')),
    ],
)
def test_what_cannot_be_merged_is_refused_and_changes_nothing(
    lrs: Lrs, resource: str, stored: tuple[str, bytes], posted: tuple[str, bytes]
) -> None:
    documents = Documents(lrs, resource)
    documents.put(stored[1], content_type=stored[0])
    refusal(documents.ask("POST", content=posted[1], headers={"Content-Type": posted[0]}))
    answer = documents.ask("GET")
    assert (answer.headers["Content-Type"], answer.content) == stored


@EACH
def test_the_ids_of_documents_are_listed_and_since_narrows_them(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    for name in ("a", "b/c?d", "日本"):
        documents.put(name=name)
    assert documents.names() == sorted(["a", "b/c?d", "日本"])
    assert documents.names(since="1999-01-01T00:00:00Z") == documents.names()
    assert documents.names(since="2099-01-01T00:00:00Z") == []


# --- parameters ---


@pytest.mark.parametrize(("resource", "name"), [(one, name) for one in RESOURCES for name in required(one)])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_a_missing_parameter_is_refused(lrs: Lrs, resource: str, name: str, method: str) -> None:
    documents = Documents(lrs, resource)
    del documents.about[name]
    answer = documents.ask(method, content=b"{}", headers=JSON)
    assert refusal(answer)["path"] == name


@EACH
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_change_names_its_document_unless_it_deletes_all_states(lrs: Lrs, resource: str, method: str) -> None:
    answer = Documents(lrs, resource).ask(method, None, content=b"{}", headers=JSON)
    if resource == STATE and method == "DELETE":
        assert answer.status_code == 204
    else:
        assert refusal(answer)["path"] == ("stateId" if resource == STATE else "profileId")


@pytest.mark.parametrize("resource", [STATE, AGENT])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize(
    "agent",
    [
        "",
        "a",
        "{",
        "[]",
        "{}",
        '{"mbox":"should.fail.com"}',
        '{"name":"A"}',
        '{"mbox":"mailto:a@b.jp","x":1}',
        '{"mbox":null}',
    ],
)
def test_an_agent_that_is_none_is_refused(lrs: Lrs, resource: str, method: str, agent: str) -> None:
    answer = Documents(lrs, resource, agent=agent).ask(method, content=b"{}", headers=JSON)
    assert refusal(answer)["path"].startswith("agent")


@pytest.mark.parametrize("resource", [STATE, AGENT])
def test_broken_percent_encoding_is_refused(lrs: Lrs, resource: str) -> None:
    query = "activityId=a:b&stateId=s" if resource == STATE else "profileId=s"
    answer = lrs.ask("GET", f"{resource}?{query}&agent=%7B%22mbox%22%3A%22mailto%3Aa%40b.jp%E3%22%7D")
    assert answer.status_code == 400


@pytest.mark.parametrize("resource", [STATE, ACTIVITY])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_an_activityid_without_a_scheme_is_refused(lrs: Lrs, resource: str, method: str) -> None:
    answer = Documents(lrs, resource, activityId="items/1").ask(method, content=b"{}", headers=JSON)
    assert refusal(answer)["path"] == "activityId"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("name", ["a", None], ids=["one", "all"])
def test_a_registration_that_is_no_uuid_is_refused(lrs: Lrs, method: str, name: str | None) -> None:
    if name or method in {"GET", "DELETE"}:
        answer = Documents(lrs, STATE, registration="1").ask(method, name, content=b"{}", headers=JSON)
        assert refusal(answer)["path"] == "registration"


@EACH
@pytest.mark.parametrize("since", ["", "yesterday", "2026-04-08", "2026-04-08T09:00:00-00:00"])
def test_a_since_that_is_no_timestamp_is_refused(lrs: Lrs, resource: str, since: str) -> None:
    assert refusal(Documents(lrs, resource).ask("GET", None, params={"since": since}))["path"] == "since"


@EACH
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("parameter", ["x", "Agent", "activityid", "StateId"])
def test_an_unknown_parameter_is_refused(lrs: Lrs, resource: str, method: str, parameter: str) -> None:
    answer = Documents(lrs, resource).ask(method, content=b"{}", headers=JSON, params={parameter: "1"})
    assert refusal(answer)["path"] == parameter


# --- 2.3: state ---


def test_states_of_different_registrations_are_kept_apart(lrs: Lrs) -> None:
    without = Documents(lrs, STATE)
    first, second = (Documents(lrs, STATE, **without.about, registration=new_id()) for _ in range(2))
    for number, documents in enumerate((without, first, second)):
        documents.put(b"%d" % number, content_type="text/plain")
    assert [documents.content() for documents in (without, first, second)] == [b"0", b"1", b"2"]
    assert first.ask("DELETE").status_code == 204
    assert [documents.ask("GET").status_code for documents in (without, first, second)] == [200, 404, 200]


def test_deleting_states_without_an_id_deletes_those_of_that_agent_activity_and_registration(lrs: Lrs) -> None:
    registered = Documents(lrs, STATE, registration=new_id())
    another_agent = Documents(lrs, STATE, **{**registered.about, "agent": json.dumps(learner())})
    another_registration = Documents(lrs, STATE, **{**registered.about, "registration": new_id()})
    for documents in (registered, another_agent, another_registration):
        documents.put(name="a")
        documents.put(name="b")
    assert registered.ask("DELETE", None).status_code == 204
    assert registered.names() == []
    assert another_agent.names() == another_registration.names() == ["a", "b"]


@EACH
def test_documents_about_another_agent_or_activity_are_others(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    documents.put()
    for name in required(resource):
        value = iri() if name == "activityId" else json.dumps(learner())
        assert Documents(lrs, resource, **{**documents.about, name: value}).ask("GET").status_code == 404
