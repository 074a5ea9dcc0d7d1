"""What a statement declares about its attachments (xAPI 1.0.3 Data 2.4.11). Whether their bytes came, others know."""

from __future__ import annotations

import re

from msgspec import UNSET

from lrs.kernel.statements.iris import is_iri
from lrs.kernel.statements.languages import check_language_map
from lrs.kernel.statements.rules import broken
from lrs.kernel.statements.shapes import Attachment

SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"
_MOST_BYTES = 2**63 - 1
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD}(?:\s*;.*)?", re.DOTALL).fullmatch
# SHA-224, SHA-256, SHA-384 or SHA-512, in hexadecimal.
_SHA2 = re.compile(r"[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128}").fullmatch


def check_attachments(attachments: list[Attachment], path: str) -> None:
    """Raise `RefusedError` for the first attachment with a property of the wrong form."""
    for index, attachment in enumerate(attachments):
        _check_attachment(attachment, f"{path}[{index}]")


def _check_attachment(attachment: Attachment, path: str) -> None:
    if not is_iri(attachment.usageType):
        raise broken(f"{path}.usageType", "a usageType is an IRI with a scheme", "Data 2.4.11")
    check_language_map(attachment.display, f"{path}.display")
    if attachment.description is not UNSET:
        check_language_map(attachment.description, f"{path}.description")
    if not _MEDIA_TYPE(attachment.contentType):
        raise broken(f"{path}.contentType", "a contentType is an Internet media type", "Data 2.4.11")
    if attachment.usageType == SIGNATURE and attachment.contentType != "application/octet-stream":
        raise broken(f"{path}.contentType", "a signature's contentType is application/octet-stream", "Data 2.6")
    if not 0 <= attachment.length <= _MOST_BYTES:
        raise broken(f"{path}.length", "a length is a number of octets", "Data 2.4.11")
    if not _SHA2(attachment.sha2):
        raise broken(f"{path}.sha2", "sha2 is a SHA-2 hash in hexadecimal", "Data 2.4.11")
    if attachment.fileUrl is not UNSET and not is_iri(attachment.fileUrl):
        raise broken(f"{path}.fileUrl", "a fileUrl is an IRL with a scheme", "Data 2.4.11")
