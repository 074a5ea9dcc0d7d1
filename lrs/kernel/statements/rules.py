"""How a broken rule is told: a JSON path, one plain sentence, the section of the standard. No rule of its own."""

from __future__ import annotations

import re

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
_LONGEST_NAME = 80


def broken(path: str, rule: str, section: str) -> RefusedError:
    """The error for a value at `path` that breaks `rule` of `section`: `Data 2.4.1` of 1.0.3, or `2.0 4.2.2.5`."""
    source = f"1.0.3 {section}" if section.startswith("Data") else section
    return RefusedError(Refusal.INVALID, f"{rule} (xAPI {source})", path=path)


def step(name: str) -> str:
    """One step of a JSON path: `.name`, or `['na-me']` where the name is no identifier. Long names are cut."""
    if _PLAIN_NAME(name):
        return f".{name[:_LONGEST_NAME]}"
    quoted = name[:_LONGEST_NAME].replace("\\", "\\\\").replace("'", "\\'")
    return f"['{quoted}']"
