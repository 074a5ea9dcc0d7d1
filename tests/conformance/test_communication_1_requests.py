"""Communication 1.1 to 1.4: HEAD, headers, the alternate request syntax, encoding."""

from __future__ import annotations

import base64
import json
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.conformance.lrs import Lrs, Zone, refusal
from tests.conformance.statements import iri, learner, new_id, statement

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def basic(user: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(user).encode()).decode()


# --- 1.1: HEAD ---


def test_head_answers_like_get_without_a_body_on_every_resource(lrs: Lrs) -> None:
    found = lrs.stored(statement())
    agent, activity = json.dumps(found["actor"]), found["object"]["id"]
    state = {"activityId": activity, "agent": agent, "stateId": "s"}
    lrs.ask("PUT", "activities/state", params=state, content=b"here")
    requests: list[tuple[str, dict[str, str]]] = [
        ("about", {}),
        ("statements", {"statementId": found["id"]}),
        ("statements", {"statementId": new_id()}),
        ("statements", {"agent": agent}),
        ("statements", {"nonsense": "1"}),
        ("agents", {"agent": agent}),
        ("activities", {"activityId": activity}),
        ("activities/state", state),
        ("activities/state", {**state, "stateId": "none"}),
        ("activities/profile", {"activityId": activity}),
        ("agents/profile", {"agent": agent}),
    ]
    for resource, parameters in requests:
        get, head = (lrs.ask(method, resource, params=parameters) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (get.status_code, b""), resource
        for name in ("Content-Type", "Content-Length", "ETag", "Last-Modified", "X-Experience-API-Version"):
            assert head.headers.get(name) == get.headers.get(name), (resource, name)


# --- 1.2: headers ---


def test_every_answer_says_its_version_and_its_date_also_when_it_refuses(lrs: Lrs) -> None:
    answers = [
        lrs.post(statement()),
        lrs.post({}),
        lrs.ask("GET", "statements"),
        lrs.ask("GET", "statements", params={"limit": "x"}),
        lrs.ask("GET", "statements", params={"statementId": new_id()}),
        lrs.ask("GET", "activities/state"),
        lrs.ask("GET", "agents"),
        lrs.ask("GET", "nothing"),
        lrs.ask("PATCH", "statements"),
        lrs.ask("GET", "statements", auth=("a", "b")),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 200, 400, 404, 400, 400, 404, 405, 401]
    for answer in answers:
        assert answer.headers["X-Experience-API-Version"] == lrs.version
        assert parsedate_to_datetime(answer.headers["Date"])


# --- 1.3: alternate request syntax ---


def alternate(place: Zone, method: str, form: dict[str, Any] | bytes, **headers: str) -> httpx.Response:
    """A request as a browser of old sends it: everything but the method is in the form."""
    content = form if isinstance(form, bytes) else urlencode(form).encode()
    return httpx.post(
        f"{place.url}/xAPI/statements?method={method}", content=content, headers={**FORM, **headers}, timeout=30
    )


def known(place: Zone) -> dict[str, str]:
    """Credential and version as fields of the form."""
    return {"Authorization": basic(place.drill), "X-Experience-API-Version": "1.0.3"}


def test_a_form_stands_for_a_put_and_a_get_in_1_0_3(lrs1: Lrs, place: Zone) -> None:
    statement_id, whole = new_id(), statement()
    form = {
        **known(place),
        "statementId": statement_id,
        "content": json.dumps(whole),
        "Content-Type": "application/json",
    }
    assert alternate(place, "PUT", form).status_code == 204
    assert lrs1.find(statement_id)["actor"] == whole["actor"]
    answer = alternate(place, "GET", {**known(place), "agent": json.dumps(whole["actor"])})
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["statements"]] == [statement_id]


def test_a_form_stands_for_a_post(lrs1: Lrs, place: Zone) -> None:
    whole = statement(result={"response": "鉛筆 & 消しゴム=100%+"})
    answer = alternate(place, "POST", {**known(place), "content": json.dumps(whole, ensure_ascii=False)})
    assert answer.status_code == 200
    assert lrs1.find(answer.json()[0])["result"] == whole["result"]


def test_a_form_stands_for_requests_of_documents(place: Zone) -> None:
    url = f"{place.url}/xAPI/activities/state"
    form = {**known(place), "activityId": iri(), "agent": json.dumps(learner()), "stateId": "s"}
    put = {**form, "content": "page 2 & 3", "Content-Type": "text/plain"}
    assert httpx.post(f"{url}?method=PUT", data=put, timeout=30).status_code == 204
    answer = httpx.post(f"{url}?method=GET", data=form, timeout=30)
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (200, "page 2 & 3", "text/plain")
    assert httpx.post(f"{url}?method=DELETE", data=form, timeout=30).status_code == 204
    assert httpx.post(f"{url}?method=GET", data=form, timeout=30).status_code == 404


def test_what_the_form_says_counts_before_what_the_headers_say(place: Zone) -> None:
    headers = {"Authorization": basic(place.drill), "X-Experience-API-Version": "1.0.3"}
    assert alternate(place, "GET", {}, **headers).status_code == 200
    assert alternate(place, "GET", {"X-Experience-API-Version": "0.8"}, **headers).status_code == 400
    assert alternate(place, "GET", {"Authorization": basic(("a", "b"))}, **headers).status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"statementId": "7d6d2d7a-6d3c-4f6c-9e6a-0b2d5c8f1a11"},
        {"statementId": "7d6d2d7a-6d3c-4f6c-9e6a-0b2d5c8f1a11", "content": ""},
        {"statementId": "7d6d2d7a-6d3c-4f6c-9e6a-0b2d5c8f1a11", "content": "{"},
        {"content": json.dumps(statement())},
    ],
    ids=["nothing", "no content", "empty content", "broken content", "no id"],
)
def test_a_form_that_stands_for_no_put_is_refused(place: Zone, form: dict[str, str]) -> None:
    refusal(alternate(place, "PUT", {**known(place), **form}))


def test_a_body_that_is_no_form_is_refused(place: Zone) -> None:
    body = json.dumps(statement()).encode()
    for headers in ({}, {"Content-Type": "application/json"}):
        named = {"Authorization": basic(place.drill), "X-Experience-API-Version": "1.0.3", **headers}
        refusal(alternate(place, "PUT", body, **named))


@pytest.mark.parametrize(
    "query",
    ["method=GET&limit=1", "limit=1&method=GET", "method=PATCH", "method=get", "method=", "method=GET&method=GET"],
)
def test_other_parameters_beside_method_are_refused(place: Zone, query: str) -> None:
    refusal(httpx.post(f"{place.url}/xAPI/statements?{query}", data=known(place), timeout=30))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_a_post_has_the_parameter_method(lrs1: Lrs, method: str) -> None:
    refusal(lrs1.ask(method, "statements", params={"method": "GET"}))


@pytest.mark.parametrize("form", [None, {"content": json.dumps(statement())}, {"limit": "1"}])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_2_0_has_no_alternate_request_syntax(lrs2: Lrs, method: str, form: dict[str, str] | None) -> None:
    answer = lrs2.ask("POST", "statements", params={"method": method}, data=form)
    assert 400 <= answer.status_code < 500


def test_a_form_without_method_is_a_document_like_any_other(lrs: Lrs) -> None:
    document = {"activityId": iri(), "agent": json.dumps(learner()), "stateId": "s"}
    assert lrs.ask("POST", "activities/state", params=document, content=b"a=1", headers=FORM).status_code == 204
    assert lrs.ask("GET", "activities/state", params=document).content == b"a=1"
    answer = lrs.ask("POST", "activities/state", params=document, content=b"b=2", headers=FORM)
    refusal(answer)


# --- 1.4: encoding ---


@pytest.mark.parametrize(
    "text", ["日本語", "ﬁ ⅷ Å", "👩🏽‍🏫", "\u0000\u001f", '\\"/', "𠮷野家", "\u202eabc"], ids=ascii
)
def test_all_of_unicode_comes_back_as_it_was_sent(lrs: Lrs, text: str) -> None:
    whole = statement(result={"response": text, "extensions": {"https://drill.example.jp/語": {text: text}}})
    assert lrs.stored(whole)["result"] == whole["result"]
    body = json.dumps(whole, ensure_ascii=False).encode()
    answer = lrs.ask("POST", "statements", content=body, headers={"Content-Type": "application/json"})
    assert lrs.find(answer.json()[0])["result"] == whole["result"]


def test_numbers_come_back_with_their_digits(lrs: Lrs) -> None:
    score = b'{"scaled":0.123456789012345678,"raw":1.50,"min":-1e-7,"max":3.4028234663852886e+38}'
    body = json.dumps(statement(result={"score": 0})).encode().replace(b'"score": 0', b'"score":' + score)
    answer = lrs.ask("POST", "statements", content=body, headers={"Content-Type": "application/json"})
    found = lrs.ask("GET", "statements", params={"statementId": answer.json()[0]})
    assert score in found.content
