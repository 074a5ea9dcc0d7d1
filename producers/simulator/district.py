"""A synthetic school district: who learns there, what the apps offer, and the reference files that a zone needs of it.

Everything is synthetic. The same seed, size and faults give the same bytes on every machine.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.school_year import start_ms
from producers.simulator.agenda import Agenda
from producers.simulator.emissions import NOT_ON_ROSTER, Faults
from producers.simulator.items import build_units
from producers.simulator.places import build_schools
from producers.simulator.stream import Statements
from producers.simulator.timetable import school_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from producers.simulator.places import Learner

_PURPOSE = "dashboards"
_STATEMENTS_A_DAY = 400
_SHORTEST_DAYS = 14


class References(NamedTuple):
    """The reference files of a district."""

    catalogue: Path
    roster: Path
    consent: Path


class District:
    """Boards, schools, classes, learners and the items of three apps, drawn from `seed`."""

    def __init__(  # noqa: PLR0913 - the choices of a plan, by name
        self,
        seed: int | str = 1,
        *,
        schools: int = 9,
        http_share: float = 0.3,
        faults: Faults | None = None,
        school_year: int = 2025,
        purpose: str = _PURPOSE,
    ) -> None:
        """`http_share` is the part of all sittings that goes over HTTP; `school_year` begins in April of that year."""
        if schools < 1:
            msg = f"a district has at least one school, not {schools}"
            raise ValueError(msg)
        if not 0 <= http_share <= 1:
            msg = f"http_share is a share from 0 to 1, not {http_share}"
            raise ValueError(msg)
        self.seed = str(seed)
        self.faults = faults or Faults()
        self.schools = build_schools(self.seed, schools, self.faults)
        self.units = build_units(self.seed, self.faults.unlisted)
        self._http_share = http_share
        self._year = school_year
        self._purpose = purpose
        self._agenda = Agenda(self.schools, self.units)

    @property
    def learners(self) -> Iterator[Learner]:
        """Every learner, those who are not on the roster included."""
        return (learner for school in self.schools for room in school.classrooms for learner in room.learners)

    def statements(self, count: int, *, days: int | None = None) -> Statements:
        """Exactly `count` emissions, over the first `days` of the school year.

        Without `days` as many as give the daily cells enough learners to be shown: about 400 statements a day, at least
        two weeks and at most the whole year.
        """
        wanted = days or max(_SHORTEST_DAYS, count // _STATEMENTS_A_DAY)
        return Statements(
            self.seed,
            self._agenda,
            school_days(self._year)[:wanted],
            count,
            http_share=self._http_share,
            faults=self.faults,
        )

    def write_references(self, folder: Path) -> References:
        """Write catalogue.csv, roster.csv and consent.csv (UTF-8 with a header) into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        files = References(folder / "catalogue.csv", folder / "roster.csv", folder / "consent.csv")
        _write(files.catalogue, _CATALOGUE, self._catalogue())
        _write(files.roster, _ROSTER, self._roster())
        _write(files.consent, _CONSENT, self._consent())
        return files

    def _catalogue(self) -> Iterator[tuple[str, ...]]:
        for unit in self.units:
            yield unit.assessment_id, unit.code, unit.subject, "assessment", unit.title
            yield unit.page_id, unit.code, unit.subject, "page", unit.title
            for item in unit.items:
                if item.listed:
                    yield item.activity_id, unit.code, unit.subject, "question", item.title

    def _roster(self) -> Iterator[tuple[str, ...]]:
        for learner in self.learners:
            if learner.expect is not NOT_ON_ROSTER:
                place = (learner.school_code, str(learner.grade), learner.class_name)
                yield learner.home_page, learner.name, *place, learner.salt

    def _consent(self) -> Iterator[tuple[str, ...]]:
        # Decided when the last school year ended; what expired did so before this one began.
        new_year = datetime.fromtimestamp(start_ms(self._year) / 1000, UTC)
        decided = _moment(new_year - timedelta(days=20))
        expired = _moment(new_year - timedelta(days=1))
        withdrawn = _moment(new_year - timedelta(days=2))
        decisions = {
            "granted": [("true", decided, "")],
            "refused": [("false", decided, "")],
            "withdrawn": [("true", decided, ""), ("false", withdrawn, "")],
            "expired": [("true", decided, expired)],
            "none": [],
        }
        for learner in self.learners:
            for granted, at, until in decisions[learner.consent]:
                yield learner.home_page, learner.name, self._purpose, *_WHO_AND_WHAT, granted, "true", at, until


_WHO_AND_WHAT = ("学校・教員", "学習履歴・学校教育")
_CATALOGUE = ("activity_id", "curriculum_code", "subject", "item_type", "title")
_ROSTER = ("home_page", "name", "school_code", "grade", "class_name", "salt")
_CONSENT = (
    "home_page",
    "name",
    "purpose",
    "recipient_kind",
    "data_class",
    "granted",
    "guardian",
    "decided_at",
    "valid_until",
)


def _write(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
