"""Attachments of statements, both ways: taken in with a request, kept, and given out with the statements."""

from __future__ import annotations

import asyncio
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from lrs.api.gateway.answers import Answer
from lrs.api.gateway.declared import declared
from lrs.api.gateway.parcels import Parcel, read_parcel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from lrs.api.gateway.answers import Header
    from lrs.store.objects import Objects

T = TypeVar("T")

_THREADS = 4
# What a statement says of its file's type goes into a header line: only where it is one.
_TYPE = re.compile(r"[!-~]+(?:[ \t]+[!-~]+)*").fullmatch
_UNKNOWN = "application/octet-stream"


class Attachments:
    """Belongs to one event loop; the disk is asked beside it."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="attachments")

    async def open(self, content_type: bytes, body: bytes) -> Parcel:
        """What is in a multipart/mixed request; see `read_parcel`. Hashing megabytes is done beside the event loop."""
        return await self._ask(lambda: read_parcel(content_type, body))

    async def keep(self, app: str, files: Mapping[str, memoryview]) -> None:
        """Store what `app` sent; durable when this returns. Raises `RetryError` when the store does not take it."""
        await self._ask(lambda: self._keep(app, files))

    async def answer(self, body: bytes, statements: Sequence[tuple[str, bytes]], headers: tuple[Header, ...]) -> Answer:
        """A 200 of multipart/mixed: `body`, JSON, then each file once which `statements` declare and the store has.

        `statements` are the answer's raw statements, each with the app that sent it. Multipart even where there is
        nothing to attach. The boundary is unquoted and last, as clients cut it out (xAPI Communication 1.5.2).
        """
        wanted: dict[str, list[_File]] = {}
        for app, raw in statements:
            for _, attachment in declared(raw):
                sha2 = attachment.sha2.lower()
                wanted.setdefault(sha2, []).append(_File(app, sha2, attachment.contentType, 0))
        files = await self._ask(lambda: list(self._found(wanted))) if wanted else []
        boundary = secrets.token_hex(16).encode()
        kind = b"multipart/mixed; boundary=" + boundary
        first = b"--" + boundary + b"\r\nContent-Type: application/json\r\n\r\n" + body
        last = b"\r\n--" + boundary + b"--\r\n"
        if not files:
            return Answer(200, first + last, kind, headers)
        pieces = [(_part_head(boundary, file), file) for file in files]
        size = len(first) + len(last) + sum(len(head) + file.size for head, file in pieces)
        return Answer(200, b"", kind, headers, _Body(self, first, pieces, last, size))

    async def read(self, app: str, sha2: str) -> AsyncIterator[bytes]:
        """A file in pieces, each read when the one before has been taken."""
        pieces = self._objects.pieces(app, sha2)
        while piece := await self._ask(lambda: next(pieces, b"")):
            yield piece

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _keep(self, app: str, files: Mapping[str, memoryview]) -> None:
        for sha2, content in files.items():
            self._objects.put(app, sha2, content)

    def _found(self, wanted: Mapping[str, Sequence[_File]]) -> Iterator[_File]:
        for files in wanted.values():
            for file in dict.fromkeys(files):
                size = self._objects.size(file.app, file.sha2)
                if size is not None:
                    yield file._replace(size=size)
                    break

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, question)


class _File(NamedTuple):
    app: str
    sha2: str
    content_type: str
    size: int


class _Body(NamedTuple):
    """A multipart answer that is never in memory as a whole."""

    attachments: Attachments
    first: bytes
    files: Sequence[tuple[bytes, _File]]
    last: bytes
    size: int

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self.first
        for head, file in self.files:
            yield head
            async for piece in self.attachments.read(file.app, file.sha2):
                yield piece
        yield self.last


def _part_head(boundary: bytes, file: _File) -> bytes:
    kind = file.content_type if _TYPE(file.content_type) else _UNKNOWN
    lines = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {file.sha2}\r\n\r\n"
    return b"\r\n--" + boundary + b"\r\n" + lines.encode()
