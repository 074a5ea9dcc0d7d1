"""The `more` link: where a list of statements goes on, as an opaque token (xAPI 1.0.3 Data 2.5).

It names filters by their keys and holds no app: whose statements a page shows is decided anew by who asks for it.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from lrs.api.gateway.answers import bad_request
from lrs.kernel.statements.relations import KEY_BYTES, Condition
from lrs.store.archive import Cursor, StatementFilter

Format = Literal["exact", "ids", "canonical"]
MOST_STATEMENTS = 500
"""Most statements of one page."""
_CHECK_BYTES = 4
_LONGEST = 1024
_Moment = Annotated[int, Meta(ge=-(2**62), le=2**62)]
_Key = Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
_Keys = Annotated[list[_Key], Meta(min_length=1, max_length=3)]


class _Token(Struct, array_like=True, forbid_unknown_fields=True):
    conditions: Annotated[list[tuple[_Keys, bool]], Meta(max_length=4)]
    since_ms: _Moment | None
    until_ms: _Moment | None
    limit: Annotated[int, Meta(ge=1, le=MOST_STATEMENTS)]
    ascending: bool
    after: tuple[_Moment, Annotated[int, Meta(ge=0, le=65535)], Annotated[int, Meta(ge=0, le=2**62)]]
    format: Format
    attachments: bool


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Token).decode


def write_cursor(wanted: StatementFilter, after: Cursor, *, format: Format, attachments: bool) -> str:  # noqa: A002 - the parameter's name
    """A token for the page behind `after`. It holds no secret: all of it came from, or went to, who holds it."""
    conditions = [(list(condition.keys), condition.narrow) for condition in wanted.conditions]
    token = _Token(
        conditions, wanted.since_ms, wanted.until_ms, wanted.limit, wanted.ascending, after[:], format, attachments
    )
    content = _encode(token)
    return base64.urlsafe_b64encode(zlib.crc32(content).to_bytes(_CHECK_BYTES) + content).decode().rstrip("=")


def read_cursor(text: str) -> tuple[StatementFilter, Format, bool]:
    """The filter, format and attachments that `write_cursor` wrote. Raises a 400 for anything else."""
    try:
        padded = text[:_LONGEST].encode("ascii") + b"=" * (-len(text) % 4)
        content = base64.b64decode(padded, altchars=b"-_", validate=True)
        intact = zlib.crc32(content[_CHECK_BYTES:]).to_bytes(_CHECK_BYTES) == content[:_CHECK_BYTES]
        token = _decode(content[_CHECK_BYTES:] if intact else b"")
    except (binascii.Error, UnicodeEncodeError, ValueError, msgspec.DecodeError) as error:
        raise bad_request("cursor", "use the `more` link of a list of statements as it is") from error
    conditions = tuple(Condition(tuple(keys), narrow) for keys, narrow in token.conditions)
    wanted = StatementFilter(
        conditions, token.since_ms, token.until_ms, token.limit, token.ascending, Cursor(*token.after)
    )
    return wanted, token.format, token.attachments
