"""The `more` link: where a list of statements goes on, as an opaque token (xAPI 1.0.3 Data 2.5)."""

from __future__ import annotations

import base64
import binascii
import zlib

import msgspec

from lrs.api.gateway.answers import bad_request
from lrs.store.archive import Cursor, StatementFilter

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[bool, StatementFilter]).decode
_CHECK_BYTES = 4


def write_cursor(wanted: StatementFilter, after: Cursor, *, attachments: bool) -> str:
    """A token for the page behind `after`. It holds no secret: all of it came from, or went to, who holds it."""
    content = _encode((attachments, wanted._replace(after=after)))
    return base64.urlsafe_b64encode(zlib.crc32(content).to_bytes(_CHECK_BYTES) + content).decode().rstrip("=")


def read_cursor(token: str) -> tuple[StatementFilter, bool]:
    """What `write_cursor` wrote. Raises a 400 for anything else."""
    try:
        content = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        intact = zlib.crc32(content[_CHECK_BYTES:]).to_bytes(_CHECK_BYTES) == content[:_CHECK_BYTES]
        attachments, wanted = _decode(content[_CHECK_BYTES:] if intact else b"")
    except (binascii.Error, UnicodeEncodeError, ValueError, msgspec.DecodeError) as error:
        raise bad_request("cursor", "use the `more` link of a list of statements as it is") from error
    return wanted, attachments
