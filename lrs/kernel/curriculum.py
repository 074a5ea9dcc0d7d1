"""Course-of-study codes (学習指導要領コード): the published tables, what is above what, subject, stage, grades.

A code has 16 characters and no check digit, so it is valid when a published table lists it. Codes are case-sensitive:
`82N…` is 特別活動, `82n…` is 各教科. Nothing is read before the first call of `curriculum()`.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TABLES = Path(__file__).resolve().parents[1] / "data" / "curriculum"
_CODE = re.compile(r"[0-9A-Za-z]{16}")
_LENGTH = 16


class Stage(StrEnum):
    """The kind of school that a code belongs to."""

    ELEMENTARY = "elementary"
    LOWER_SECONDARY = "lower_secondary"


_STAGES = {"2": Stage.ELEMENTARY, "3": Stage.LOWER_SECONDARY}
_FIRST_GRADE = {Stage.ELEMENTARY: 1, Stage.LOWER_SECONDARY: 7}

# Position 3. Names are the subjects' own, without the chapter and section numbers of the tables.
_SUBJECTS = {
    "0": "総則", "1": "国語", "2": "社会", "6": "理科", "7": "生活", "8": "音楽", "9": "図画工作", "A": "美術",
    "C": "技術・家庭", "F": "家庭", "H": "外国語", "K": "特別の教科 道徳", "L": "外国語活動", "M": "総合的な学習の時間",
    "N": "特別活動", "n": "各教科",
}  # fmt: skip
_SUBJECTS_BY_STAGE = {
    Stage.ELEMENTARY: {"5": "算数", "G": "体育"},
    Stage.LOWER_SECONDARY: {"5": "数学", "G": "保健体育"},
}

# Position 6, as years within the stage; 0 binds a code to no grade.
_YEARS: dict[str, tuple[int, ...]] = {
    **{str(year): (year,) for year in range(1, 7)},
    "A": (1, 2), "B": (2, 3), "C": (3, 4), "D": (5, 6), "L": (3, 4, 5, 6),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Code:
    """One course-of-study code. `parent` is None at a subject's node; `grades` are school grades 1 to 9, () if none."""

    code: str
    text: str
    parent: str | None
    subject: str
    stage: Stage
    grades: tuple[int, ...]


class Quarantined(NamedTuple):
    """A row of a table that is not a code, and the rule that it breaks."""

    table: str
    line: int
    code: str
    rule: str


class Curriculum:
    """The codes of all tables. Build it with `curriculum()`."""

    def __init__(self, texts: dict[str, str], quarantined: Iterable[Quarantined] = ()) -> None:
        """`texts` maps each valid code to its text."""
        self.quarantined = tuple(quarantined)
        subjects = _subject_nodes(texts)
        self._codes = {code: _code(code, text, _parent(code, texts, subjects)) for code, text in texts.items()}
        self._children: dict[str | None, list[str]] = {}
        for entry in self._codes.values():
            self._children.setdefault(entry.parent, []).append(entry.code)

    def get(self, code: str) -> Code | None:
        """The entry of exactly this code, or None. Case-sensitive."""
        return self._codes.get(code)

    def path(self, code: str) -> list[Code]:
        """From the subject's node down to the code itself; empty if the code is unknown."""
        steps: list[Code] = []
        entry = self._codes.get(code)
        while entry is not None:
            steps.append(entry)
            entry = self._codes.get(entry.parent) if entry.parent else None
        return steps[::-1]

    def children(self, code: str | None) -> list[Code]:
        """The codes right below, in the tables' order; None: the subjects' nodes."""
        return [self._codes[child] for child in self._children.get(code, ())]

    def codes(self) -> Iterator[Code]:
        """Every code, in the tables' order."""
        return iter(self._codes.values())

    def __len__(self) -> int:
        return len(self._codes)

    def __contains__(self, code: object) -> bool:
        return code in self._codes


@cache
def curriculum() -> Curriculum:
    """The shipped tables (小学校 and 中学校 2017), read once a process. Rows that are no codes are in `quarantined`."""
    texts: dict[str, str] = {}
    quarantined: list[Quarantined] = []
    for path in sorted(_TABLES.glob("*.csv")):
        _read_table(path, texts, quarantined)
    return Curriculum(texts, quarantined)


def check_code(text: str, *, path: str = "$") -> Code:
    """The entry of a code that somebody typed or sent. Raises `RefusedError` that names the rule it breaks."""
    rule = _shape_error(text)
    if rule is None:
        entry = curriculum().get(text)
        if entry is not None:
            return entry
        rule = f"{text!r} is in none of the course-of-study code tables; upper and lower case are different codes"
    raise RefusedError(Refusal.INVALID, rule, path=path)


def _shape_error(code: str) -> str | None:
    if len(code) != _LENGTH:
        return f"a course-of-study code has 16 characters, {code[:40]!r} has {len(code)}"
    if not _CODE.fullmatch(code):
        return f"a course-of-study code consists of the digits 0-9 and the letters A-Z and a-z, {code!r} does not"
    return None


def _read_table(path: Path, texts: dict[str, str], quarantined: list[Quarantined]) -> None:
    with path.open(encoding="utf-8", newline="") as source:
        rows = csv.reader(source)
        next(rows)
        for code, text in rows:
            rule = _shape_error(code)
            if rule is None and code in texts:
                rule = f"the code {code!r} is listed twice"
            if rule is None and code[1] not in _STAGES:
                rule = f"the second character of {code!r} names no known stage"
            if rule is None:
                texts[code] = text.strip()
            else:
                quarantined.append(Quarantined(path.name, rows.line_num, code, rule))


def _code(code: str, text: str, parent: str | None) -> Code:
    stage = _STAGES[code[1]]
    before = _FIRST_GRADE[stage] - 1
    subject = _SUBJECTS_BY_STAGE[stage].get(code[2]) or _SUBJECTS.get(code[2], "")
    return Code(code, text, parent, subject, stage, tuple(before + year for year in _YEARS.get(code[5], ())))


def _subject_nodes(texts: Iterable[str]) -> dict[str, str]:
    # Subjects not taught in every grade have their node under a span of grades: 82200L0… is 社会 of grades 3 to 6.
    nodes: dict[str, str] = {}
    for code in texts:
        if code[3:5] == "00" and code[6:] == "0000000000":
            known = nodes.get(code[:3])
            nodes[code[:3]] = code if known is None else min(known, code)
    return nodes


def _parent(code: str, texts: dict[str, str], subjects: dict[str, str]) -> str | None:
    """Replace the last character that is not 0 by 0 and climb until the code exists.

    Levels may be missing in between. The tables' climb ends in 総則 (`8200…0`), which is above no subject, so it stops
    at the subject's node, known by the first three characters.
    """
    root = subjects.get(code[:3])
    if code == root:
        return None
    above = code
    while len(stem := above.rstrip("0")) > len("823"):
        above = stem[:-1].ljust(_LENGTH, "0")
        if above in texts and above.startswith(code[:3]):
            return above
    return root
