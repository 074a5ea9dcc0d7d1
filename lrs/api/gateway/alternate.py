"""The alternate request syntax: a POST with a form that stands for another request (xAPI 1.0.3 Communication 1.3).

It is for clients that can set neither a method nor a header. xAPI 2.0 has dropped it and refuses `method`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from lrs.api.gateway.answers import HttpError, bad_request
from lrs.api.gateway.versions import HEADER, spoken
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import XapiVersion

if TYPE_CHECKING:
    from lrs.api.gateway.requests import Bodies, Request

_SECTION = "(xAPI 1.0.3 Communication 1.3)"
_METHODS = frozenset({"GET", "PUT", "POST", "DELETE"})
_NAMED = re.compile(rb"(?:\A|&)method(?:=|&|\Z)").search
_AS_HEADERS = frozenset(
    {"authorization", "x-experience-api-version", "content-type", "content-length", "if-match", "if-none-match"}
)
_OF_THE_FORM = (b"content-type", b"content-length", b"content-encoding")
# Browsers that need this syntax send no type at all, or text/plain.
_TYPES = frozenset({b"application/x-www-form-urlencoded", b"text/plain", b""})
# Percent-decoding takes some fifteen times the text in memory.
_MOST_FORM_BYTES = 4 * 1024 * 1024
_MOST_FIELDS = 50


def is_alternate(query: bytes) -> bool:
    """Whether the query string has the parameter `method`."""
    return _NAMED(query) is not None


async def unwrap(request: Request, bodies: Bodies) -> None:
    """Turn the request into the one that it stands for. Raises a 400 where it does not stand for any."""
    method = _meant(request)
    form = await bodies.read(request)
    if len(form) > _MOST_FORM_BYTES:
        raise RefusedError(Refusal.TOO_LARGE, f"a form has at most {_MOST_FORM_BYTES} bytes")
    fields = _fields(form)
    headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_FORM}
    content = fields.pop("content", None)
    if content is None and method in {"PUT", "POST"}:
        raise bad_request("content", f"the form of a {method} has a field `content` {_SECTION}")
    for name in [name for name in fields if name.lower() in _AS_HEADERS]:
        headers[name.lower().encode()] = _header(name, fields.pop(name))
    if content is not None:
        headers.setdefault(b"content-type", b"application/json")
    request.method = method
    request.query = urlencode(fields).encode()
    request.headers = headers
    request.body = (content or "").encode()
    request.version = spoken(headers.get(HEADER))
    if request.version is XapiVersion.V2:
        raise _not_in_2_0()


def _meant(request: Request) -> str:
    if request.version is XapiVersion.V2:
        raise _not_in_2_0()
    if request.method != "POST":
        raise bad_request("method", f"a request with the parameter method is sent as a POST {_SECTION}")
    method = request.query.removeprefix(b"method=").decode("ascii", "replace")
    if method not in _METHODS:
        raise bad_request("method", f"the query is method={'|'.join(sorted(_METHODS))} and nothing else {_SECTION}")
    kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind not in _TYPES:
        rule = f"a request with the parameter method has a form as its body {_SECTION}"
        raise bad_request("Content-Type", rule)
    return method


def _not_in_2_0() -> HttpError:
    return bad_request("method", "xAPI 2.0 has no alternate request syntax; the parameter method is not known")


def _fields(form: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            form.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(form),
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        rule = f"the body is a form of at most {_MOST_FIELDS} fields, percent-encoded UTF-8 {_SECTION}"
        raise bad_request("body", rule) from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise bad_request(next(name for name in names if names.count(name) > 1)[:80], "a form's field is given once")
    return fields


def _header(name: str, value: str) -> bytes:
    try:
        return value.strip().encode("latin-1")
    except UnicodeEncodeError as error:
        raise bad_request(name, "a header has no characters beyond Latin-1") from error
