"""Content codings (RFC 9110 8.4): request bodies that came compressed, answers that go out so. All of it is bounded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import cramjam

from lrs.api.gateway.answers import HttpError, bad_request
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal

_LEAST_BYTES = 1024  # below, a coding costs more than it saves
_IN_PLACE = 64 * 1024  # what takes less than about a millisecond is done on the event loop
_TOO_SHORT = "failed to write whole buffer"  # what the library says when the output is full
_QUALITY = re.compile(r"q=([01](?:\.[0-9]{0,3})?)\Z").match


class _Coding(NamedTuple):
    decompress_into: Callable[[bytes, bytearray], int]
    compress: Callable[[bytes, int], Any]
    level: int


# Levels by measurement on a page of statements, 425 kB: gzip 4 takes 1.4 ms, brotli 1 2.7 ms, zstd 1 0.3 ms, and the
# levels above them many times that for a few bytes.
_CODINGS = {
    "zstd": _Coding(cramjam.zstd.decompress_into, cramjam.zstd.compress, 1),
    "br": _Coding(cramjam.brotli.decompress_into, cramjam.brotli.compress, 1),
    "gzip": _Coding(cramjam.gzip.decompress_into, cramjam.gzip.compress, 4),
}
# One: a bomb of 30 bytes takes 50 ms of a core, and four clients that send them took all the cores there were.
_decoding = ThreadPoolExecutor(1, thread_name_prefix="request-codings")
_ACCEPTED = (b"accept-encoding", ", ".join(_CODINGS).encode())


async def decoded(body: bytes, header: bytes, most: int) -> bytes:
    """The body without its Content-Encoding, at most `most` bytes of it.

    Raises a 415 for a coding that is not spoken here, a 400 for bytes that are not of their coding, and `RefusedError`
    for what grows beyond `most`, before it has grown further.
    """
    name = header.strip().lower().decode("ascii", "replace")
    if name in {"", "identity"} or not body:
        return body
    coding = _CODINGS.get(name.removeprefix("x-"))
    if coding is None:
        rule = f"a body is encoded by one of {', '.join(_CODINGS)}, or not at all"
        raise HttpError(415, "unsupported_coding", rule, path="Content-Encoding", headers=(_ACCEPTED,))
    return await asyncio.get_running_loop().run_in_executor(_decoding, _decompressed, coding, name, body, most)


def _decompressed(coding: _Coding, name: str, body: bytes, most: int) -> bytes:
    room = bytearray(most)
    try:
        size = coding.decompress_into(body, room)
    except cramjam.DecompressionError as error:
        if _TOO_SHORT in str(error):
            rule = f"a request's body has, decoded, at most {most} bytes (AYUMI_GATEWAY__MAX_BODY_MB)"
            raise RefusedError(Refusal.TOO_LARGE, rule) from error
        raise bad_request("body", f"the body is not what Content-Encoding says: {name}") from error
    return bytes(memoryview(room)[:size])


def chosen(header: bytes, size: int) -> str:
    """The coding for an answer of `size` bytes to an Accept-Encoding header; "" for none."""
    if size < _LEAST_BYTES:
        return ""
    wanted: dict[str, float] = {}
    for item in header.decode("ascii", "replace").lower().split(",")[:20]:
        name, _, parameter = item.strip().partition(";")
        quality = _QUALITY(parameter.strip())
        wanted[name.strip()] = float(quality[1]) if quality else 1.0
    anything = wanted.get("*", 0.0)
    best = max(_CODINGS, key=lambda name: wanted.get(name, anything))
    return best if wanted.get(best, anything) > 0 else ""


async def encoded(body: bytes, name: str) -> bytes:
    """The body in a coding that `chosen` named."""
    coding = _CODINGS[name]
    if len(body) <= _IN_PLACE:
        return bytes(coding.compress(body, coding.level))
    return bytes(await asyncio.to_thread(coding.compress, body, coding.level))
