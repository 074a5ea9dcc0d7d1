"""What goes back over HTTP: an answer, and the one table that turns an error into one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

import orjson

from lrs.kernel.errors import AyumiError, RefusedError, RetryError
from lrs.kernel.reasons import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Header = tuple[bytes, bytes]
JSON = b"application/json"

_STATUS = {
    Refusal.NOT_JSON: 400,
    Refusal.INVALID: 400,
    Refusal.TOO_LARGE: 413,
    Refusal.CONFLICT: 409,
}
_SECTION = re.compile(r"\(xAPI (?:1\.0\.3 )?(Data|Communication|2\.0) [0-9.]+\)\Z")
COMMUNICATION = "https://github.com/adlnet/xAPI-Spec/blob/master/xAPI-Communication.md"
_DOCS = {
    "Data": "https://github.com/adlnet/xAPI-Spec/blob/master/xAPI-Data.md",
    "Communication": COMMUNICATION,
    "2.0": "https://opensource.ieee.org/xapi/xapi-base-standard-documentation",
}


class Stream(Protocol):
    """A body that is too large to be held: sent piece by piece, as fast as the client takes it."""

    @property
    def size(self) -> int:
        """Bytes of all pieces together."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The body in order."""
        ...


class Answer(NamedTuple):
    """A response without the headers that every response has. With `stream` the body is there and not in `body`."""

    status: int
    body: bytes = b""
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()
    stream: Stream | None = None


class HttpError(AyumiError):
    """An error about the request and not about a statement. `path` names the header or the parameter."""

    def __init__(
        self, status: int, reason: str, rule: str, *, path: str = "", headers: tuple[Header, ...] = ()
    ) -> None:
        """`reason` is a word for programs, `rule` a sentence for people."""
        super().__init__(f"{path}: {rule}" if path else rule)
        self.status = status
        self.reason = reason
        self.rule = rule
        self.path = path
        self.headers = headers


def bad_request(path: str, rule: str) -> HttpError:
    """A 400: a parameter or a header breaks a rule."""
    return HttpError(400, "bad_request", rule, path=path)


def error_answer(error: AyumiError) -> Answer:
    """The status and the JSON body of an error that was raised on purpose."""
    if isinstance(error, HttpError):
        return _answer(error.status, error.reason, error.path, error.rule, error.headers)
    if isinstance(error, RefusedError):
        # A body that is too large was not read to its end: nobody can tell where the next request would begin.
        headers = ((b"connection", b"close"),) if error.reason == Refusal.TOO_LARGE else ()
        return _answer(_STATUS.get(Refusal(error.reason), 400), error.reason, error.path, error.rule, headers)
    if isinstance(error, RetryError):
        seconds = str(max(1, round(error.after_seconds))).encode()
        return _answer(503, "unavailable", "", str(error), ((b"retry-after", seconds),))
    return internal_error()


def internal_error() -> Answer:
    """A fault of ours; what happened is in the log and nowhere else."""
    return _answer(500, "internal_error", "", "the record store failed; the request is in its log", ())


def _answer(status: int, reason: str, path: str, rule: str, headers: tuple[Header, ...]) -> Answer:
    section = _SECTION.search(rule)
    doc = _DOCS[section[1]] if section else COMMUNICATION
    body = orjson.dumps({"error": reason, "path": path, "rule": rule, "doc": doc})
    return Answer(status, body, headers=headers)
