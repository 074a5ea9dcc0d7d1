"""Which xAPI version a request is made in (xAPI 1.0.3 Communication 3.3)."""

from __future__ import annotations

import re

from lrs.api.gateway.answers import bad_request
from lrs.kernel.statements import XapiVersion

HEADER = b"x-experience-api-version"
# What a response to a request without a usable version says of itself: the one value that clients of either version
# accept there, since before 1.0 nobody had to send a version.
NEITHER = b"0.95"

_USUAL = {version.value.encode(): version for version in XapiVersion}
_V1 = re.compile(rb"1\.0(\.[0-9]{1,9})?").fullmatch
_V2 = re.compile(rb"2\.0(\.[0-9]{1,9})?").fullmatch


def spoken(header: bytes | None) -> XapiVersion | None:
    """The version that answers a request with this header; None when it is missing or not one we speak."""
    if header is None:
        return None
    usual = _USUAL.get(header)
    if usual is not None:
        return usual
    if _V1(header):
        return XapiVersion.V1
    return XapiVersion.V2 if _V2(header) else None


def refuse_version(header: bytes | None) -> Exception:
    """The error for a request whose version is not spoken here."""
    given = "is missing" if header is None else f"is {header[:40].decode('ascii', 'replace')!r}"
    rule = f"the header says 1.0.x or 2.0.x; it {given} (xAPI Communication 3.3)"
    return bad_request("X-Experience-API-Version", rule)
