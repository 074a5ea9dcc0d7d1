"""Data 2.4.11 and Communication 1.5: attachments, and the content types of requests that bring them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.conformance.lrs import JSON, Lrs, refusal
from tests.conformance.parcels import (
    MIXED,
    Part,
    declaration,
    file_part,
    read,
    sha2,
    statements_part,
    written,
)
from tests.conformance.statements import GONE, changed, complete, inside, new_id, statement

URL = "https://drill.example.jp/files/1"


def content() -> bytes:
    """A file that nothing else uses, with bytes that are no text."""
    return f"work {new_id()}".encode() + b"\r\n\x00\xff\r\n--"


def sent(lrs: Lrs, *parts: Part, headers: dict[str, str] | None = None, **form: Any) -> httpx.Response:  # noqa: ANN401
    """POST a body of parts."""
    return lrs.ask("POST", "statements", content=written(*parts, **form), headers=headers or MIXED)


def returned(lrs: Lrs, statement_id: str) -> list[Part]:
    answer = lrs.ask("GET", "statements", params={"statementId": statement_id, "attachments": "true"})
    assert answer.status_code == 200, answer.text
    return read(answer)


# --- what a statement declares ---


@pytest.mark.parametrize("name", ["usageType", "display", "contentType", "length", "sha2"])
def test_a_required_property_of_an_attachment_is_missed(lrs: Lrs, name: str) -> None:
    path = f"attachments[0].{name}"
    assert lrs.refused(changed(complete(), path, GONE)) == f"$.{path}"
    assert lrs.refused(inside(changed(complete(), path, GONE))) == f"$.object.{path}"


@pytest.mark.parametrize("name", ["description", "fileUrl"])
def test_an_optional_property_of_an_attachment_is_not(lrs: Lrs, name: str) -> None:
    file = content()
    whole = changed(
        statement(attachments=[declaration(file, description={"en": "a"}, fileUrl=URL)]), f"attachments[0].{name}", GONE
    )
    assert sent(lrs, statements_part(whole), file_part(file)).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("contentType", "text"), ("contentType", ""), ("length", -1), ("sha2", "abc"), ("sha2", "z" * 64), ("sha2", "")],
)
def test_a_property_of_an_attachment_of_the_wrong_form_is_refused(lrs: Lrs, name: str, value: object) -> None:
    assert lrs.refused(changed(complete(), f"attachments[0].{name}", value)) == f"$.attachments[0].{name}"


def test_attachments_that_are_elsewhere_come_as_json_with_a_fileurl(lrs: Lrs) -> None:
    whole = statement(attachments=[declaration(content(), fileUrl=URL)])
    assert lrs.stored(whole)["attachments"] == whole["attachments"]


def test_an_attachment_with_neither_part_nor_fileurl_is_refused(lrs: Lrs) -> None:
    whole = statement(attachments=[declaration(content())])
    assert lrs.refused(whole).startswith("$.attachments[0]")
    assert refusal(sent(lrs, statements_part(whole)))["path"].startswith("$.attachments[0]")
    assert lrs.refused(inside(whole)).startswith("$.object.attachments[0]")


# --- what comes with it ---


def test_a_file_is_returned_byte_for_byte_with_its_statement(lrs: Lrs) -> None:
    file = content()
    whole = statement(id=new_id(), attachments=[declaration(file)])
    answer = sent(lrs, statements_part(whole), file_part(file))
    assert (answer.status_code, answer.json()) == (200, [whole["id"]])
    first, part = returned(lrs, whole["id"])
    assert json.loads(first.content)["id"] == whole["id"]
    assert part.content == file
    assert part.headers["X-Experience-API-Hash"] == sha2(file)
    assert part.headers["Content-Transfer-Encoding"] == "binary"
    assert part.headers["Content-Type"].startswith("text/plain")


def test_a_file_comes_by_put_too(lrs: Lrs) -> None:
    file, statement_id = content(), new_id()
    body = written(statements_part(statement(attachments=[declaration(file)])), file_part(file))
    answer = lrs.ask("PUT", "statements", params={"statementId": statement_id}, content=body, headers=MIXED)
    assert answer.status_code == 204
    assert returned(lrs, statement_id)[1].content == file


def test_a_batch_shares_a_file_and_each_file_is_returned_once(lrs: Lrs) -> None:
    shared, own = content(), content()
    one = statement(id=new_id(), attachments=[declaration(shared), declaration(own), declaration(shared)])
    two = statement(id=new_id(), attachments=[declaration(shared)], actor=one["actor"])
    assert sent(lrs, statements_part([one, two]), file_part(own), file_part(shared)).status_code == 200
    assert sorted(part.content for part in returned(lrs, one["id"])[1:]) == sorted([shared, own])
    answer = lrs.ask("GET", "statements", params={"agent": json.dumps(one["actor"]), "attachments": "true"})
    first, *parts = read(answer)
    assert {found["id"] for found in json.loads(first.content)["statements"]} == {one["id"], two["id"]}
    assert sorted(part.content for part in parts) == sorted([shared, own])


def test_a_file_of_a_substatement_is_taken_and_returned(lrs: Lrs) -> None:
    file = content()
    whole = {**inside(statement(attachments=[declaration(file)])), "id": new_id()}
    assert sent(lrs, statements_part(whole), file_part(file)).status_code == 200
    assert returned(lrs, whole["id"])[1].content == file


def test_a_file_with_a_fileurl_is_kept_all_the_same(lrs: Lrs) -> None:
    file = content()
    whole = statement(id=new_id(), attachments=[declaration(file, fileUrl=URL)])
    assert sent(lrs, statements_part(whole), file_part(file)).status_code == 200
    assert returned(lrs, whole["id"])[1].content == file


def test_the_declared_length_is_not_held_against_a_file_whose_hash_fits(lrs: Lrs) -> None:
    file = content()
    whole = statement(id=new_id(), attachments=[declaration(file, length=2 * len(file))])
    assert sent(lrs, statements_part(whole), file_part(file)).status_code == 200
    assert returned(lrs, whole["id"])[1].content == file


@pytest.mark.parametrize(
    "form",
    [{"colon": ":"}, {"before": b"\r\n"}, {"before": b"preamble\r\n"}, {"last": b"--"}, {"last": b"--\r\nepilogue"}],
    ids=["no space after the colon", "line end before", "preamble", "no line end at the end", "epilogue"],
)
def test_a_body_of_parts_may_be_written_in_all_ways_of_rfc_2046(lrs: Lrs, form: dict[str, Any]) -> None:
    file = content()
    whole = statement(id=new_id(), attachments=[declaration(file)])
    assert sent(lrs, statements_part(whole), file_part(file), **form).status_code == 200
    assert returned(lrs, whole["id"])[1].content == file


def test_files_are_told_apart_where_no_line_end_is_before_a_boundary(lrs: Lrs) -> None:
    files = [content(), content() + b"\r\n", content()]
    whole = statement(id=new_id(), attachments=[declaration(file) for file in files])
    body = written(statements_part(whole), *map(file_part, files))
    for file in files[:-1]:
        body = body.replace(file + b"\r\n--", file + b"--", 1)
    assert lrs.ask("POST", "statements", content=body, headers=MIXED).status_code == 200
    assert sorted(part.content for part in returned(lrs, whole["id"])[1:]) == sorted(files)


def test_statements_without_files_may_come_as_the_only_part(lrs: Lrs) -> None:
    assert sent(lrs, statements_part([statement(), statement()])).status_code == 200
    assert sent(lrs, statements_part(statement(attachments=[declaration(content(), fileUrl=URL)]))).status_code == 200


FILE = b"the file of the tables below"
WHOLE = statement(attachments=[declaration(FILE)])


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [file_part(FILE)],
        [file_part(FILE), statements_part(WHOLE)],
        [statements_part(WHOLE).having("Content-Type", "text/plain"), file_part(FILE)],
        [statements_part(WHOLE).without("Content-Type"), file_part(FILE)],
        [statements_part(WHOLE), statements_part(statement()), file_part(FILE)],
        [statements_part(WHOLE), file_part(FILE).without("X-Experience-API-Hash")],
        [statements_part(WHOLE), file_part(FILE).having("X-Experience-API-Hash", sha2(b"other"))],
        [statements_part(WHOLE), file_part(FILE)._replace(content=b"other")],
        [statements_part(WHOLE), file_part(FILE).without("Content-Transfer-Encoding")],
        [statements_part(WHOLE), file_part(FILE).having("Content-Transfer-Encoding", "base64")],
        [statements_part(WHOLE), file_part(FILE), file_part(b"declared by nobody")],
        [statements_part([WHOLE, statement(attachments=[declaration(b"missing")])]), file_part(FILE)],
        [Part({"Content-Type": "application/json"}, b"{"), file_part(FILE)],
        [Part({"Content-Type": "application/json"}, b""), file_part(FILE)],
    ],
    ids=[
        "no part",
        "no statements",
        "file first",
        "statements as text",
        "statements without a type",
        "two parts of statements",
        "no hash",
        "another hash",
        "another content",
        "no transfer encoding",
        "base64",
        "an undeclared file",
        "a missing file",
        "no JSON",
        "empty statements",
    ],
)
def test_parts_that_do_not_fit_together_are_refused(lrs: Lrs, parts: list[Part]) -> None:
    refusal(sent(lrs, *parts))


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/mixed",
        "multipart/mixed; boundary=",
        "multipart/mixed; boundary=another",
        "multipart/form-data; boundary=between-the-parts",
        "multipart/related; boundary=between-the-parts",
        "text/plain",
        "application/xml",
        "application/octet-stream",
    ],
)
def test_a_body_of_parts_under_another_content_type_is_refused(lrs: Lrs, content_type: str) -> None:
    refusal(sent(lrs, statements_part(WHOLE), file_part(FILE), headers={"Content-Type": content_type}))


def test_a_body_without_its_boundary_is_refused(lrs: Lrs) -> None:
    refusal(lrs.ask("POST", "statements", content=json.dumps(WHOLE).encode(), headers=MIXED))


def test_a_refused_request_leaves_nothing_behind(lrs: Lrs) -> None:
    whole = {**WHOLE, "id": new_id()}
    refusal(sent(lrs, statements_part([whole, statement(verb={"id": "no"})]), file_part(FILE)))
    assert lrs.ask("GET", "statements", params={"statementId": whole["id"]}).status_code == 404


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_statements_without_files_come_as_json(lrs: Lrs, content_type: str) -> None:
    body = json.dumps(statement()).encode()
    answer = lrs.ask("POST", "statements", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200


# --- asking for them ---


def test_attachments_true_is_always_multipart_and_otherwise_json(lrs: Lrs) -> None:
    statement_id = lrs.store(statement())[0]
    assert [json.loads(part.content)["id"] for part in returned(lrs, statement_id)] == [statement_id]
    for parameters in ({}, {"attachments": "false"}):
        answer = lrs.ask("GET", "statements", params={"statementId": statement_id, **parameters})
        assert answer.headers["Content-Type"].partition(";")[0] == "application/json"
    answer = lrs.ask("GET", "statements", params={"verb": f"urn:none:{new_id()}", "attachments": "true"})
    assert json.loads(read(answer)[0].content) == {"statements": [], "more": ""}


def test_the_boundary_stands_unquoted_and_second_in_the_content_type(lrs: Lrs) -> None:
    file = content()
    whole = statement(id=new_id(), attachments=[declaration(file)])
    sent(lrs, statements_part(whole), file_part(file))
    answer = lrs.ask("GET", "statements", params={"statementId": whole["id"], "attachments": "true"})
    kind, _, boundary = answer.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/mixed"
    assert answer.content.split(b"--" + boundary.encode())[-1].strip() == b"--"
    assert answer.content.count(sha2(file).encode()) == 2


def test_files_of_a_voided_statement_come_with_it(lrs: Lrs) -> None:
    file = content()
    whole = statement(id=new_id(), attachments=[declaration(file)])
    sent(lrs, statements_part(whole), file_part(file))
    lrs.store(
        statement(
            verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
            object={"objectType": "StatementRef", "id": whole["id"]},
        )
    )
    parameters = {"voidedStatementId": whole["id"], "attachments": "true"}
    assert read(lrs.ask("GET", "statements", params=parameters))[1].content == file


def test_more_keeps_asking_for_attachments(lrs: Lrs) -> None:
    file, actor = content(), statement()["actor"]
    first = statement(actor=actor, attachments=[declaration(file)])
    assert sent(lrs, statements_part(first), file_part(file)).status_code == 200
    lrs.store(statement(actor=actor))
    parameters = {"agent": json.dumps(actor), "limit": "1", "attachments": "true"}
    [page] = read(lrs.ask("GET", "statements", params=parameters))
    answer = lrs.http.get(json.loads(page.content)["more"], headers={"X-Experience-API-Version": lrs.version, **JSON})
    assert read(answer)[1].content == file
