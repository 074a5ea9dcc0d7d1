"""The document resources over a real registry: the whole matrix of methods, headers and versions, without HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from email.utils import formatdate
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from lrs.api.gateway.access import Access, Account, Token
from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.calls import Call
from lrs.api.gateway.documents import DocumentResource
from lrs.kernel.statements import XapiVersion
from lrs.store.registry import Credential, Registry
from lrs.store.registry.documents import Content, Context, Document, DocumentKey, DocumentKind

V1, V2 = XapiVersion.V1, XapiVersion.V2
STATE, ACTIVITY, AGENT = DocumentKind.STATE, DocumentKind.ACTIVITY_PROFILE, DocumentKind.AGENT_PROFILE
MOST = 10_000
OTHER_TAG = f'"{"1" * 40}"'
NEW = MappingProxyType({"If-None-Match": "*"})
JSON = MappingProxyType({"Content-Type": "application/json"})
REGISTRATION = "6fa459ea-ee8a-3ca4-894e-db77e160355e"
_AGENT = '{"mbox":"mailto:a@example.com"}'
_GIVEN = {
    STATE: {"activityId": "https://a.example/1", "agent": _AGENT, "stateId": "x"},
    ACTIVITY: {"activityId": "https://a.example/1", "profileId": "x"},
    AGENT: {"agent": _AGENT, "profileId": "x"},
}


class Outcome(NamedTuple):
    """An answer, or what became of the request instead."""

    status: int
    body: bytes
    headers: dict[str, str]
    path: str = ""
    rule: str = ""


@dataclass(frozen=True)
class Client:
    """An app that asks one resource in one version."""

    resource: DocumentResource
    kind: DocumentKind
    version: XapiVersion
    app: str
    scopes: tuple[str, ...] = ()
    token: Token | None = None

    async def ask(self, method: str, body: bytes = b"", /, **given: Any) -> Outcome:  # noqa: ANN401 - parameters and headers
        """`headers` is a mapping; all else are parameters, and one that is None is left out."""
        headers = {name.lower().encode(): value.encode("latin-1") for name, value in given.pop("headers", {}).items()}
        parameters = {name: value for name, value in {**_GIVEN[self.kind], **given}.items() if value is not None}
        access = Access(Credential("key", self.app, self.scopes, 0), self.token)
        call = Call(method, urlencode(parameters).encode(), headers, body, self.version, access)
        try:
            answer = await self.resource.handle(call)
        except HttpError as error:
            return Outcome(error.status, b"", {}, error.path, error.rule)
        found = {name.decode(): value.decode() for name, value in answer.headers}
        return Outcome(answer.status, answer.body, {**found, "content-type": answer.content_type.decode()})

    async def make(self, body: bytes = b"first", /, **given: Any) -> str:  # noqa: ANN401
        """PUT a new document; its ETag."""
        made = await self.ask("PUT", body, **{"headers": NEW, **given})
        assert made.status == 204, made
        return made.headers["etag"]

    async def content(self, **given: Any) -> bytes | None:  # noqa: ANN401
        """What a GET finds."""
        found = await self.ask("GET", **given)
        assert found.status in {200, 404}
        return found.body if found.status == 200 else None

    async def ids(self, **given: Any) -> Any:  # noqa: ANN401 - JSON
        """What a GET without an id lists."""
        found = await self.ask("GET", **{self.id_name: None}, **given)
        assert (found.status, found.headers["content-type"]) == (200, "application/json")
        return json.loads(found.body)

    @property
    def id_name(self) -> str:
        """The parameter that names a document."""
        return "stateId" if self.kind is STATE else "profileId"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    opened = Registry.open(f"sqlite:///{tmp_path_factory.mktemp('registry')}/registry.sqlite")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4, thread_name_prefix="documents") as pool:
        yield pool


@pytest.fixture(params=list(DocumentKind))
def kind(request: pytest.FixtureRequest) -> DocumentKind:
    found: DocumentKind = request.param
    return found


@pytest.fixture(params=list(XapiVersion))
def version(request: pytest.FixtureRequest) -> XapiVersion:
    found: XapiVersion = request.param
    return found


@pytest.fixture
def client(
    registry: Registry,
    threads: ThreadPoolExecutor,
    kind: DocumentKind,
    version: XapiVersion,
    request: pytest.FixtureRequest,
) -> Client:
    """An app of the test's own, so that all tests share one registry."""
    resource = DocumentResource(kind, registry.documents, threads, max_document_bytes=MOST)
    return Client(resource, kind, version, hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20])


# --- reading ---


@pytest.mark.parametrize("content", [b"", bytes(range(256)), "歩み".encode(), b'{"a": 1}\n'])
async def test_a_document_is_returned_byte_for_byte_with_its_type_and_validators(
    client: Client, content: bytes
) -> None:
    tag = await client.make(content, headers={**NEW, "Content-Type": "application/x-save; v=1"})
    assert tag == f'"{hashlib.sha1(content).hexdigest()}"'  # noqa: S324 - what the standard asks for
    found = await client.ask("GET")
    assert (found.status, found.body) == (200, content)
    assert found.headers["content-type"] == "application/x-save; v=1"
    assert found.headers["etag"] == tag
    assert found.headers["last-modified"].endswith(" GMT")
    assert await client.ask("HEAD") == found


async def test_a_document_that_is_not_there_is_a_404_that_names_the_id(client: Client) -> None:
    for method in ("GET", "HEAD"):
        found = await client.ask(method)
        assert (found.status, found.path) == (404, client.id_name)


async def test_what_the_caller_has_already_is_not_sent_again(client: Client) -> None:
    tag = await client.make()
    found = await client.ask("GET", headers={"If-None-Match": tag})
    assert (found.status, found.body, found.headers["etag"]) == (304, b"", tag)
    assert (await client.ask("GET", headers={"If-None-Match": OTHER_TAG})).status == 200
    assert (await client.ask("GET", headers={"If-Match": tag})).status == 200
    assert (await client.ask("GET", headers={"If-Match": OTHER_TAG})).status == 412


async def test_a_page_that_an_app_stored_cannot_act_in_a_browser(client: Client) -> None:
    await client.make(b"<script>1</script>", headers={**NEW, "Content-Type": "text/html"})
    headers = (await client.ask("GET")).headers
    assert (headers["content-security-policy"], headers["x-content-type-options"]) == ("sandbox", "nosniff")


# --- PUT ---


async def test_put_with_if_none_match_makes_a_document_once(client: Client) -> None:
    await client.make(b"first")
    again = await client.ask("PUT", b"second", headers=NEW)
    assert (again.status, again.path) == (412, "If-None-Match")
    assert await client.content() == b"first"


async def test_put_with_if_match_replaces_what_it_names_and_nothing_else(client: Client) -> None:
    missing = await client.ask("PUT", b"x", headers={"If-Match": OTHER_TAG})
    assert (missing.status, missing.path) == (412, "If-Match")
    assert await client.content() is None
    first = await client.make(b"first")
    assert (await client.ask("PUT", b"second", headers={"If-Match": first})).status == 204
    assert (await client.ask("PUT", b"third", headers={"If-Match": first})).status == 412
    assert await client.content() == b"second"
    assert (await client.ask("PUT", b"third", headers={"If-Match": "*"})).status == 204
    assert await client.content() == b"third"


_UNCONDITIONAL = {
    # (kind, version): status of a PUT without conditions on a new document, on an existing one
    (STATE, V1): (204, 204),
    (ACTIVITY, V1): (400, 409),
    (AGENT, V1): (400, 409),
    (STATE, V2): (204, 409),
    (ACTIVITY, V2): (204, 409),
    (AGENT, V2): (204, 409),
}


async def test_put_without_a_condition_does_what_the_version_says(client: Client) -> None:
    on_new, on_existing = _UNCONDITIONAL[client.kind, client.version]
    first = await client.ask("PUT", b"first")
    assert first.status == on_new
    if on_new == 400:
        assert first.path == "If-None-Match"
        assert await client.content() is None
        await client.make(b"first")
    second = await client.ask("PUT", b"second")
    assert second.status == on_existing
    assert await client.content() == (b"second" if on_existing == 204 else b"first")
    if on_existing == 409:
        assert second.path == "If-Match"
        assert "ETag" in second.rule


# --- POST ---


async def test_post_makes_a_document_as_it_is_and_merges_into_json(client: Client) -> None:
    assert (await client.ask("POST", b'{"a" : {"x":1}, "b":2}', headers=JSON)).status == 204
    assert await client.content() == b'{"a" : {"x":1}, "b":2}'
    before = (await client.ask("GET")).headers["etag"]
    assert (await client.ask("POST", b'{"a":{"y":1}}', headers=JSON)).status == 204
    found = await client.ask("GET")
    assert json.loads(found.body) == {"a": {"y": 1}, "b": 2}
    assert found.headers["etag"] == f'"{hashlib.sha1(found.body).hexdigest()}"' != before  # noqa: S324


@pytest.mark.parametrize(
    ("existing", "posted"),
    [
        ((b"{}", "application/json"), (b"abcdefg", "not/json")),
        ((b"{}", "application/json"), (b"a=b", "application/x-www-form-urlencoded")),
        ((b"{}", "application/json"), (b"{}", None)),
        ((b"/ asdf / undefined", "application/octet-stream"), (b"{}", "application/json")),
        ((b"{}", "application/json"), (b"{}{", "application/json")),
        ((b"{}", "application/json"), (b"[]", "application/json")),
        ((b"[]", "application/json"), (b"{}", "application/json")),
        ((b"a", "text/plain"), (b"b", "text/plain")),
    ],
)
async def test_post_of_what_cannot_be_merged_is_a_400_and_changes_nothing(
    client: Client, existing: tuple[bytes, str], posted: tuple[bytes, str | None]
) -> None:
    tag = await client.make(existing[0], headers={**NEW, "Content-Type": existing[1]})
    headers = {"Content-Type": posted[1]} if posted[1] else {}
    answer = await client.ask("POST", posted[0], headers=headers)
    assert (answer.status, answer.path in {"body", "Content-Type"}) == (400, True)
    assert (await client.ask("GET")).headers["etag"] == tag


async def test_post_heeds_both_conditions(client: Client) -> None:
    assert (await client.ask("POST", b"{}", headers={**JSON, "If-Match": OTHER_TAG})).status == 412
    tag = await client.make(b"{}", headers={**NEW, **JSON})
    assert (await client.ask("POST", b'{"a":1}', headers={**JSON, **NEW})).status == 412
    assert (await client.ask("POST", b'{"a":1}', headers={**JSON, "If-Match": OTHER_TAG})).status == 412
    assert await client.content() == b"{}"
    assert (await client.ask("POST", b'{"a":1}', headers={**JSON, "If-Match": tag})).status == 204
    assert await client.content() == b'{"a":1}'


async def test_posts_cannot_grow_a_document_without_end(client: Client) -> None:
    answers = [await client.ask("POST", b'{"%d":"%s"}' % (number, b"x" * 4000), headers=JSON) for number in range(4)]
    assert [answer.status for answer in answers] == [204, 204, 413, 413]
    assert len(await client.content() or b"") < MOST


async def test_without_a_type_a_document_is_bytes(client: Client) -> None:
    await client.make()
    assert (await client.ask("GET")).headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("content_type", ["text/plain\r\nSet-Cookie: a=b", "a\x00", "é", "x" * 256])
async def test_a_type_that_is_no_header_is_a_400(client: Client, content_type: str) -> None:
    for method in ("PUT", "POST"):
        answer = await client.ask(method, b"x", headers={**NEW, "Content-Type": content_type})
        assert (answer.status, answer.path) == (400, "Content-Type")


# --- DELETE ---


async def test_delete_is_done_once_and_is_no_error_after_that(client: Client) -> None:
    await client.make()
    for _ in range(2):
        assert (await client.ask("DELETE")).status == 204
        assert await client.content() is None


async def test_delete_heeds_if_match(client: Client) -> None:
    assert (await client.ask("DELETE", headers={"If-Match": OTHER_TAG})).status == 412
    tag = await client.make()
    assert (await client.ask("DELETE", headers={"If-Match": OTHER_TAG})).status == 412
    assert await client.content() == b"first"
    assert (await client.ask("DELETE", headers={"If-Match": tag})).status == 204
    assert await client.content() is None


@pytest.mark.parametrize("kind", [STATE])
async def test_all_states_of_a_context_are_deleted_together(client: Client) -> None:
    for name, registration in (("a", None), ("b", None), ("c", REGISTRATION)):
        await client.make(stateId=name, registration=registration)
    await client.make(activityId="https://a.example/2")
    assert (await client.ask("DELETE", stateId=None, registration=REGISTRATION)).status == 204
    assert sorted(await client.ids()) == ["a", "b"]
    assert (await client.ask("DELETE", stateId=None)).status == 204
    assert await client.ids() == []
    assert await client.ids(activityId="https://a.example/2") == ["x"]
    for header in ("If-Match", "If-None-Match"):
        answer = await client.ask("DELETE", stateId=None, activityId="https://a.example/2", headers={header: "*"})
        assert (answer.status, answer.path) == (400, header)


# --- lists ---


async def test_a_list_has_every_id_once_and_the_time_of_the_last_change(client: Client, registry: Registry) -> None:
    assert await client.ids() == []
    names = ["a", "b/c?", "図", "x"]
    for name in names:
        await client.make(**{client.id_name: name})
    assert sorted(await client.ids()) == sorted(names)
    found = await client.ask("GET", **{client.id_name: None})
    given = _GIVEN[client.kind]
    key = "mbox\x1fmailto:a@example.com" if "agent" in given else ""
    listed = registry.documents.list(Context(client.kind, given.get("activityId", ""), key), client.app)
    assert found.headers["last-modified"] == formatdate(listed[-1].updated_at_ms // 1000, usegmt=True)
    assert found.headers["etag"] == f'"{hashlib.sha1(found.body).hexdigest()}"'  # noqa: S324


async def test_since_leaves_out_what_did_not_change_after_it(client: Client) -> None:
    await client.make()
    assert await client.ids(since="2020-01-01T00:00:00Z") == ["x"]
    assert await client.ids(since="2999-01-01T00:00:00+09:00") == []


@pytest.mark.parametrize("kind", [STATE])
async def test_a_registration_tells_documents_apart_and_narrows_lists(client: Client) -> None:
    await client.make(b"none")
    await client.make(b"one", registration=REGISTRATION)
    assert (await client.content(), await client.content(registration=REGISTRATION.upper())) == (b"none", b"one")
    assert await client.ids() == ["x"]
    await client.make(stateId="y")
    assert await client.ids(registration=REGISTRATION) == ["x"]
    assert sorted(await client.ids()) == ["x", "y"]


# --- who may ---


async def test_another_app_sees_and_touches_nothing(client: Client) -> None:
    other = replace(client, app=client.app + "b")
    tag = await client.make()
    assert (await other.content(), await other.ids()) == (None, [])
    assert (await other.ask("DELETE")).status == 204
    assert (await other.ask("PUT", b"x", headers={"If-Match": tag})).status == 412
    await other.make(b"theirs")
    assert (await client.content(), await other.content()) == (b"first", b"theirs")


@pytest.mark.parametrize("scope", ["all", "all/read"])
async def test_who_may_read_all_reads_own_documents_first_and_writes_no_others(client: Client, scope: str) -> None:
    # A context of the test's own: whoever may read all sees what the other tests wrote.
    own = {"activityId": f"https://a.example/{client.app}", "agent": json.dumps({"openid": f"https://a/{client.app}"})}
    given = {name: own[name] for name in _GIVEN[client.kind] if name in own}
    reader = replace(client, app=client.app + "b", scopes=(scope,))
    await client.make(b"theirs", **given)
    assert (await reader.content(**given), await reader.ids(**given)) == (b"theirs", ["x"])
    written = await reader.ask("PUT", b"own", headers=NEW, **given)
    deleted = await reader.ask("DELETE", **{**given, client.id_name: "y"})
    if scope == "all":
        assert (written.status, deleted.status) == (204, 204)
        assert (await reader.content(**given), await reader.ids(**given)) == (b"own", ["x"])
    else:
        assert (written.status, deleted.status, written.path) == (403, 403, "Authorization")
    assert await client.content(**given) == b"theirs"


async def test_a_credential_without_the_scope_is_refused_before_anything_is_read(client: Client) -> None:
    scope = "profile" if client.kind is STATE else "state"
    without = replace(client, scopes=(scope, "statements/read", "statements/write"))
    for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        assert (await without.ask(method, nonsense="1")).status == 403
    needed = "state" if client.kind is STATE else "profile"
    await replace(client, scopes=(needed,)).make()


@pytest.mark.parametrize("kind", [STATE, AGENT])
async def test_a_persons_token_is_not_for_another_person_of_the_same_system(client: Client) -> None:
    def agent(home_page: str, name: str) -> str:
        return json.dumps({"account": {"homePage": home_page, "name": name}})

    person = replace(client, token=Token(Account("https://id.example", "u1"), ""))
    for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        refused = await person.ask(method, agent=agent("https://id.example", "u2"))
        assert (refused.status, refused.path) == (403, "agent")
    for other in (agent("https://id.example", "u1"), agent("https://id.example.jp", "u2"), _AGENT):
        await person.make(agent=other)
    every = replace(person, scopes=("all",))
    assert (await every.ask("GET", agent=agent("https://id.example", "u2"))).status == 404
    without_person = replace(client, token=Token(None, ""))
    assert (await without_person.ask("GET", agent=agent("https://id.example", "u2"))).status == 404


# --- the registry is asked beside the event loop ---


@pytest.mark.parametrize(("kind", "version"), [(STATE, V1)])
async def test_the_event_loop_never_asks_the_registry_itself(
    client: Client, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()
    documents = registry.documents
    for name in ("get", "list", "change", "delete_all"):
        real = getattr(documents, name)

        def noted(*given: Any, real: Any = real, **named: Any) -> Any:  # noqa: ANN401
            asked.add(threading.current_thread().name.partition("_")[0])
            return real(*given, **named)

        monkeypatch.setattr(documents, name, noted)
    await client.make()
    await client.ask("POST", b"{}", headers=JSON)
    await client.ids()
    await client.ask("DELETE")
    await client.ask("DELETE", stateId=None)
    assert asked == {"documents"}


@pytest.mark.parametrize(("kind", "version"), [(STATE, V1)])
async def test_an_id_that_an_earlier_writer_took_meanwhile_is_a_412(client: Client, registry: Registry) -> None:
    """The condition is decided where the change is made, not when the request arrived."""
    tag = await client.make()
    context = Context(STATE, "https://a.example/1", "mbox\x1fmailto:a@example.com")
    key = DocumentKey(client.app, context, "x")

    def slow(document: Document | None) -> Content:
        started.set()
        assert going_on.wait(30)
        return Content("text/plain", b"slow" + (document.content if document else b""))

    started, going_on = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(registry.documents.change, key, slow)
        assert started.wait(30)
        waiting = asyncio.create_task(client.ask("PUT", b"late", headers={"If-Match": tag}))
        await asyncio.sleep(0)
        going_on.set()
        assert (await waiting).status == 412
        assert changing.result(30) is not None
    assert await client.content() == b"slowfirst"
