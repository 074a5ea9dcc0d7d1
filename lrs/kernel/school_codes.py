"""School codes (学校コード): type, prefecture, founder, number and a check digit in 13 characters."""

from __future__ import annotations

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal

# 幼稚園, こども園, 小, 中, 義務教育, 高, 中等教育, 特別支援, 大学, 短大, 高専, 専修, 各種.
_TYPES = frozenset({"A1", "A2", "B1", "C1", "C2", "D1", "D2", "E1", "F1", "F2", "G1", "H1", "H2"})
_LENGTH = 13


def check_digit(body: str) -> str:
    """The thirteenth character for the first twelve: letter as two digits, weights 1 and 2, digit sums, modulo 10."""
    digits = f"{ord(body[0]) - ord('A') + 1:02d}{body[1:]}"
    total = 0
    for position, digit in enumerate(digits):
        product = int(digit) * (1 + position % 2)
        total += product // 10 + product % 10
    return str(-total % 10)


def check_school_code(text: str, *, path: str = "$") -> str:
    """`text` itself, if it is a school code. Raises `RefusedError` that names the rule it breaks."""
    rule = _broken_rule(text)
    if rule is not None:
        raise RefusedError(Refusal.INVALID, rule, path=path)
    return text


def _broken_rule(text: str) -> str | None:
    if len(text) != _LENGTH:
        return f"a school code has 13 characters, {text[:40]!r} has {len(text)}"
    if not (text[1:].isascii() and text[1:].isdigit()):
        return f"a school code is one letter and twelve digits, {text!r} is not"
    if text[:2] not in _TYPES:
        return f"a school code begins with a school type such as B1 (小学校) or C1 (中学校), not {text[:2]!r}"
    for holds, rule in (
        ("01" <= text[2:4] <= "47", f"has a prefecture from 01 to 47 in places 3 and 4, not {text[2:4]!r}"),
        (text[4] in "123", f"has its founder in place 5, 1 (国), 2 (公) or 3 (私), not {text[4]!r}"),
        (text[5] != "0", "has no 0 in place 6, where the school's number begins"),
        (text[-1] == check_digit(text[:-1]), f"ends in a check digit, and that of {text!r} does not fit"),
    ):
        if not holds:
            return f"a school code {rule}"
    return None
