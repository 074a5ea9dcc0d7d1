"""Attachments and signed statements over HTTP: what is sent comes back, to those who may see its statement."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, NamedTuple

import httpx
import pytest

from tests.support.http_zone import VERSIONS, Zone, client_of, count, new_id, statement
from tests.support.signing import certificate, signature_of, signed, x5c

KIND = {"Content-Type": "multipart/mixed; boundary=between"}
BINARY = b"\x00\xff\r\n--betwee\r\n\r\n--\r\n"


def _sha2(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _attachment(content: bytes, **changes: object) -> dict[str, Any]:
    return {
        "usageType": "http://example.com/u",
        "display": {"ja": "手書き"},
        "contentType": "image/png",
        "length": len(content),
        "sha2": _sha2(content),
        **changes,
    }


def _body(statements: object, *contents: bytes) -> bytes:
    body = b"\r\n--between\r\nContent-Type:application/json\r\n\r\n" + json.dumps(statements).encode()
    for content in contents:
        head = f"Content-Transfer-Encoding:binary\r\nX-Experience-API-Hash:{_sha2(content)}\r\n\r\n"
        body += b"\r\n--between\r\n" + head.encode() + content
    return body + b"\r\n--between--"


class Answered(NamedTuple):
    """A multipart answer taken apart."""

    content: Any
    files: list[tuple[str, bytes]]
    kinds: list[str]


async def _with_attachments(app: httpx.AsyncClient, **params: str) -> Answered:
    answer = await app.get("/xAPI/statements", params={"attachments": "true", **params})
    assert answer.status_code == 200
    kind, _, boundary = answer.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/mixed"
    first, *parts, end = answer.content.removeprefix(b"--" + boundary.encode()).split(b"\r\n--" + boundary.encode())
    assert end == b"--\r\n"
    heads = [part.partition(b"\r\n\r\n") for part in parts]
    lines = [dict(line.split(": ", 1) for line in head.decode().strip().split("\r\n")) for head, _, _ in heads]
    assert {one["Content-Transfer-Encoding"] for one in lines} <= {"binary"}
    return Answered(
        json.loads(first.partition(b"\r\n\r\n")[2]),
        [(one["X-Experience-API-Hash"], content) for one, (_, _, content) in zip(lines, heads, strict=True)],
        [one["Content-Type"] for one in lines],
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_was_attached_comes_back_byte_for_byte_once_for_all_statements(
    app: httpx.AsyncClient, version: str
) -> None:
    activity = {"id": f"http://example.com/{new_id()}"}
    one, other = os.urandom(100_000) + BINARY, b"here is a simple attachment"
    sub = {**statement(), "objectType": "SubStatement", "attachments": [_attachment(other)]}
    sent = [
        statement(object=activity, attachments=[_attachment(one), _attachment(other, fileUrl="http://example.com/f")]),
        statement(object=activity, attachments=[_attachment(one)]),
        statement(object=sub, context={"contextActivities": {"parent": [activity]}}),
    ]
    headers = KIND | {"X-Experience-API-Version": version}
    answer = await app.post("/xAPI/statements", content=_body(sent, one, other), headers=headers)
    assert answer.status_code == 200
    listed = await _with_attachments(app, activity=activity["id"], related_activities="true")
    assert {found["id"] for found in listed.content["statements"]} == set(answer.json())
    assert sorted(listed.files) == sorted([(_sha2(one), one), (_sha2(other), other)])
    assert set(listed.kinds) == {"image/png"}
    single = await _with_attachments(app, statementId=answer.json()[2])
    assert single.files == [(_sha2(other), other)]


async def test_a_put_takes_attachments_too(app: httpx.AsyncClient) -> None:
    statement_id = new_id()
    answer = await app.put(
        "/xAPI/statements",
        params={"statementId": statement_id},
        content=_body(statement(attachments=[_attachment(b"file")]), b"file"),
        headers=KIND,
    )
    assert answer.status_code == 204
    assert (await _with_attachments(app, statementId=statement_id)).files == [(_sha2(b"file"), b"file")]


async def test_without_anything_attached_the_answer_is_multipart_all_the_same_and_false_is_json(
    app: httpx.AsyncClient,
) -> None:
    [statement_id] = (await app.post("/xAPI/statements", content=_body(statement()), headers=KIND)).json()
    answered = await _with_attachments(app, statementId=statement_id)
    assert (answered.content["id"], answered.files) == (statement_id, [])
    plain = await app.get("/xAPI/statements", params={"statementId": statement_id, "attachments": "false"})
    assert plain.headers["Content-Type"] == "application/json"


async def test_a_list_with_attachments_goes_on_with_attachments(app: httpx.AsyncClient) -> None:
    activity = {"id": f"http://example.com/{new_id()}"}
    for content in (b"1", b"2"):
        sent = _body(statement(object=activity, attachments=[_attachment(content)]), content)
        assert (await app.post("/xAPI/statements", content=sent, headers=KIND)).status_code == 200
    first = await _with_attachments(app, activity=activity["id"], limit="1")
    assert [content for _, content in first.files] == [b"2"]
    answer = await app.get(first.content["more"].removeprefix("/a"))
    assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=")
    assert b"\r\n\r\n1\r\n--" in answer.content


async def test_head_tells_the_length_of_an_answer_with_files(app: httpx.AsyncClient) -> None:
    sent = _body(statement(attachments=[_attachment(b"file")]), b"file")
    [statement_id] = (await app.post("/xAPI/statements", content=sent, headers=KIND)).json()
    params = {"statementId": statement_id, "attachments": "true"}
    get, head = await app.get("/xAPI/statements", params=params), await app.head("/xAPI/statements", params=params)
    assert get.headers["Content-Length"] == head.headers["Content-Length"] == str(len(get.content))
    assert head.content == b""


@pytest.mark.parametrize(
    ("statements", "contents", "path"),
    [
        (statement(attachments=[_attachment(b"a")]), [], "$.attachments[0]"),
        ([statement(), statement(attachments=[_attachment(b"a")])], [b"b"], "$[1].attachments[0]"),
        (statement(), [b"a"], "X-Experience-API-Hash"),
        (statement(attachments=[_attachment(b"a")]), [b"a", b"b"], "X-Experience-API-Hash"),
    ],
)
async def test_files_and_declarations_that_do_not_fit_are_a_400_and_store_nothing(
    app: httpx.AsyncClient, running: Zone, statements: object, contents: list[bytes], path: str
) -> None:
    before, received = _stored(running), await count(app, "received")
    answer = await app.post("/xAPI/statements", content=_body(statements, *contents), headers=KIND)
    assert (answer.status_code, answer.json()["path"]) == (400, path)
    assert (_stored(running), await count(app, "received")) == (before, received)


async def test_json_alone_declares_attachments_by_url_only(app: httpx.AsyncClient) -> None:
    by_url = statement(attachments=[_attachment(b"a", fileUrl="http://example.com/a")])
    assert (await app.post("/xAPI/statements", json=by_url)).status_code == 200
    answer = await app.post("/xAPI/statements", json=statement(attachments=[_attachment(b"a")]))
    assert (answer.status_code, answer.json()["path"]) == (400, "$.attachments[0]")


async def test_a_repeat_is_a_success_and_a_conflict_stores_no_file(app: httpx.AsyncClient, running: Zone) -> None:
    sent = statement(id=new_id(), attachments=[_attachment(b"first")])
    for _ in range(2):
        answer = await app.post("/xAPI/statements", content=_body(sent, b"first"), headers=KIND)
        assert (answer.status_code, answer.json()) == (200, [sent["id"]])
    before, content = _stored(running), new_id().encode()
    other = {**sent, "attachments": [_attachment(content)]}
    answer = await app.post("/xAPI/statements", content=_body(other, content), headers=KIND)
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    assert _stored(running) == before


async def test_who_declares_the_hash_of_anothers_file_does_not_get_it(app: httpx.AsyncClient, running: Zone) -> None:
    secret = os.urandom(50)
    sent = _body(statement(attachments=[_attachment(secret)]), secret)
    assert (await app.post("/xAPI/statements", content=sent, headers=KIND)).status_code == 200
    thief = running._replace(auth=running.registry.credentials.add("drill-c"))
    async with client_of(thief) as other:
        declared = statement(attachments=[_attachment(secret, fileUrl="http://example.com/f")])
        [statement_id] = (await other.post("/xAPI/statements", json=declared)).json()
        assert (await _with_attachments(other, statementId=statement_id)).files == []
    reader = running._replace(auth=running.registry.credentials.add("reader", scopes=("statements/read",)))
    async with client_of(reader) as other:
        assert (await _with_attachments(other, statementId=statement_id)).files == []


async def test_a_file_of_many_pieces_is_sent_whole(app: httpx.AsyncClient) -> None:
    content = os.urandom(900_000)
    sent = _body(statement(attachments=[_attachment(content)]), content)
    [statement_id] = (await app.post("/xAPI/statements", content=sent, headers=KIND)).json()
    assert (await _with_attachments(app, statementId=statement_id)).files == [(_sha2(content), content)]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_signed_statement_is_taken_with_its_signature_and_only_with_its_own(
    app: httpx.AsyncClient, version: str
) -> None:
    headers = KIND | {"X-Experience-API-Version": version}

    async def status(token: bytes, **changes: object) -> int:
        attachments = [signature_of(token, _sha2(token)) | changes]
        sent = _body(statement(attachments=attachments), token)
        return (await app.post("/xAPI/statements", content=sent, headers=headers)).status_code

    chain = x5c(certificate("signer", "issuer"), certificate("issuer", "issuer"))
    assert await status(signed(statement(), algorithm="RS512")) == 200
    assert await status(signed(statement(), x5c=chain)) == 200
    assert await status(signed(statement(), key="other", x5c=chain)) == 400
    assert await status(signed(statement(), algorithm="HS256")) == 400
    assert await status(signed(statement(result={"success": True}))) == 400
    assert await status(b"no signature") == 400
    assert await status(signed(statement()), contentType="text/plain") == 400


def _stored(zone: Zone) -> set[str]:
    return {path.name for path in (zone.folder.objects / "apps").rglob("*") if path.is_file()}
