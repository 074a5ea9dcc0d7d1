"""The two versions of xAPI that are spoken here."""

from __future__ import annotations

import re
from enum import StrEnum

# 1.0, any patch of 1.0 and of 2.0. Each request may carry statements of the other version (a record store that forwards
# has them); the `-rc1` is Semantic Versioning 1.0.0, which xAPI 1.0.3 Data 2.4.10 prescribes.
_STATEMENT_VERSION = re.compile(r"1\.0(\.[0-9]{1,9}(-[0-9A-Za-z-]+)?)?|2\.0\.[0-9]{1,9}(-[0-9A-Za-z-]+)?").fullmatch


class XapiVersion(StrEnum):
    """The version that a request is made in; its value is what responses carry in X-Experience-API-Version."""

    V1 = "1.0.3"
    V2 = "2.0.0"


def is_statement_version(text: str) -> bool:
    """Whether a statement may carry `text` as its `version` (xAPI 1.0.3 Data 2.4.10)."""
    return _STATEMENT_VERSION(text) is not None
