"""UUIDs in the standard string form (xAPI 1.0.3 Data 4.4)."""

from __future__ import annotations

import os
import re

# Any version and variant: MEXCBT's learner ids are version 1, and variant 2 is recommended only.
_UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}").fullmatch


def uuid_bytes(text: str) -> bytes | None:
    """The 16 bytes of a UUID, or None if `text` is not one."""
    return bytes.fromhex(text.replace("-", "")) if _UUID(text) else None


def mint_id() -> bytes:
    """A random UUID's 16 bytes, of version 4: there are clients that know only the versions of RFC 4122."""
    octets = bytearray(os.urandom(16))
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    return bytes(octets)


def uuid_text(key: bytes) -> str:
    """The standard string form, in lower case, of 16 bytes."""
    digits = key.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
