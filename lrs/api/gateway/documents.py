"""The document resources: state, activity profiles and agent profiles (xAPI 1.0.3 Communication 2.2 to 2.7, 3.1).

An app reads and writes its own documents; the scopes all and all/read read those of every app.
"""

from __future__ import annotations

import asyncio
import re
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING

import orjson

from lrs.api.gateway.access import Action
from lrs.api.gateway.answers import JSON, Answer, Header, HttpError, bad_request
from lrs.api.gateway.document_parameters import Asked, read_document_parameters
from lrs.api.gateway.merging import merged
from lrs.api.gateway.preconditions import Preconditions, quoted, read_preconditions
from lrs.kernel.statements import XapiVersion
from lrs.kernel.statements.agents import agent_key as key_of
from lrs.kernel.statements.shapes import Account, Agent
from lrs.store.registry.documents import Content, DocumentKey, DocumentKind, etag_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from lrs.api.gateway.access import Access
    from lrs.api.gateway.calls import Call
    from lrs.store.registry.documents import Document, Documents

_READS = frozenset({"GET", "HEAD"})
_OPAQUE = "application/octet-stream"
_CONTENT_TYPE = re.compile(rb"[\x20-\x7e]{1,255}").fullmatch
# A document is whatever an app stored, also a page with a script: no browser may run it as if this store had said it.
_INERT: tuple[Header, ...] = ((b"content-security-policy", b"sandbox"), (b"x-content-type-options", b"nosniff"))


class DocumentResource:
    """One of the three resources, for GET, HEAD, PUT, POST and DELETE."""

    def __init__(self, kind: DocumentKind, documents: Documents, threads: Executor, *, max_document_bytes: int) -> None:
        """`threads` wait for the registry in place of the event loop. A merged document has `max_document_bytes`."""
        self._kind = kind
        self._documents = documents
        self._threads = threads
        self._max_bytes = max_document_bytes
        is_state = kind is DocumentKind.STATE
        self._read_action = Action.STATE_READ if is_state else Action.PROFILE_READ
        self._write_action = Action.STATE_WRITE if is_state else Action.PROFILE_WRITE

    async def handle(self, call: Call) -> Answer:
        """Answer one request. Raises a 4xx, or `RetryError` when the registry cannot be reached."""
        call.access.require(self._read_action if call.method in _READS else self._write_action)
        asked = read_document_parameters(self._kind, call.method, call.query)
        _check_person(call.access, asked.context.agent_key)
        conditions = read_preconditions(call.headers)
        act = partial(self._act, call, asked, conditions)
        return await asyncio.get_running_loop().run_in_executor(self._threads, act)

    def _act(self, call: Call, asked: Asked, conditions: Preconditions) -> Answer:
        if asked.document_id is None:
            return self._list(call, asked) if call.method in _READS else self._delete_all(call, asked, conditions)
        key = DocumentKey(call.access.credential.app, asked.context, asked.document_id)
        if call.method in _READS:
            return self._get(call, key, conditions)
        if call.method == "DELETE":
            return self._delete(key, conditions)
        return self._put(call, key, conditions) if call.method == "PUT" else self._post(call, key, conditions)

    def _get(self, call: Call, key: DocumentKey, conditions: Preconditions) -> Answer:
        document = self._documents.get(key, every_app=call.access.documents_app is None)
        if document is None:
            raise HttpError(404, "not_found", "there is no such document (xAPI Communication 2.2)", path=self._id_name)
        headers = (*_validators(quoted(document.etag), document.updated_at_ms), *_INERT)
        if conditions.seen(document):
            return Answer(304, headers=headers)
        conditions.check(document)
        return Answer(200, document.content, document.content_type.encode(), headers)

    def _list(self, call: Call, asked: Asked) -> Answer:
        listed = self._documents.list(asked.context, call.access.documents_app, since_ms=asked.since_ms)
        body = orjson.dumps([one.document_id for one in listed])
        latest = listed[-1].updated_at_ms if listed else None
        return Answer(200, body, JSON, _validators(quoted(etag_of(body)), latest))

    def _put(self, call: Call, key: DocumentKey, conditions: Preconditions) -> Answer:
        content = Content(_content_type(call.headers), call.body)

        def replaced(document: Document | None) -> Content:
            conditions.check(document)
            if not conditions.given:
                self._check_unconditional(call.version, document)
            return content

        stored = self._documents.change(key, replaced)
        # The tag of what was stored, as it was sent: the next change needs no GET.
        return Answer(204, headers=((b"etag", quoted(stored.etag)),) if stored else ())

    def _check_unconditional(self, version: XapiVersion, document: Document | None) -> None:
        """A PUT that does not say what it replaces: a 409 or a 400, but where the version allows it."""
        is_profile = self._kind is not DocumentKind.STATE
        if document is not None and (is_profile or version is XapiVersion.V2):
            rule = (
                "there is such a document, and nothing was changed: fetch it, decide again, and say If-Match with its "
                "ETag (xAPI Communication 3.1)"
            )
            raise HttpError(409, "conflict", rule, path="If-Match")
        if document is None and is_profile and version is XapiVersion.V1:
            rule = (
                "a PUT of a profile says If-None-Match: * to make it, or If-Match with its ETag to replace it "
                "(xAPI 1.0.3 Communication 3.1)"
            )
            raise bad_request("If-None-Match", rule)

    def _post(self, call: Call, key: DocumentKey, conditions: Preconditions) -> Answer:
        posted = Content(_content_type(call.headers), call.body)

        def joined(document: Document | None) -> Content:
            conditions.check(document)
            return merged(document, posted, self._max_bytes)

        self._documents.change(key, joined)
        return Answer(204)

    def _delete(self, key: DocumentKey, conditions: Preconditions) -> Answer:
        self._documents.change(key, conditions.check)
        return Answer(204)

    def _delete_all(self, call: Call, asked: Asked, conditions: Preconditions) -> Answer:
        if conditions.given:
            name = "If-None-Match" if conditions.match is None else "If-Match"
            raise bad_request(name, f"an ETag is of one document; name it by {self._id_name} (xAPI Communication 2.3)")
        self._documents.delete_all(asked.context, call.access.credential.app)
        return Answer(204)

    @property
    def _id_name(self) -> str:
        return "stateId" if self._kind is DocumentKind.STATE else "profileId"


def _check_person(access: Access, agent_key: str) -> None:
    """Raise a 403 when a person's token asks for what is another person's.

    Told only where it can be told: both are accounts of the same system (xAPI 1.0.3 Communication 4.2).
    """
    user = access.token.user if access.token else None
    if user is None or access.documents_app is None:
        return
    system = key_of(Agent(account=Account(user.home_page, "")))
    if agent_key.startswith(system) and agent_key != system + user.name:
        rule = "a person's token is for the documents of that person (xAPI 1.0.3 Communication 4.2)"
        raise HttpError(403, "forbidden", rule, path="agent")


def _validators(etag: bytes, updated_at_ms: int | None) -> tuple[Header, ...]:
    if updated_at_ms is None:
        return ((b"etag", etag),)
    return (b"etag", etag), (b"last-modified", formatdate(updated_at_ms // 1000, usegmt=True).encode())


def _content_type(headers: Mapping[bytes, bytes]) -> str:
    header = headers.get(b"content-type", b"").strip()
    if not header:
        return _OPAQUE
    if _CONTENT_TYPE(header) is None:
        raise bad_request("Content-Type", "a media type has at most 255 printable ASCII characters")
    return header.decode()
