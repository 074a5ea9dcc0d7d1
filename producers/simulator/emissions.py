"""What the simulator sends, and what a zone must do with each statement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from lrs.kernel.reasons import Refusal, Withholding

Way = Literal["http", "sdk"]


class Fate(StrEnum):
    """Where one emission ends. The first two are answered at the gateway's door and never reach the log."""

    REJECTED = "rejected"
    REPEATED = "repeated"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    WITHHELD = "withheld"
    PUBLISHED = "published"


class Expected(NamedTuple):
    """What must become of an emission. `reason`: a Refusal or a Withholding; `path`: that of a refusal, where known."""

    outcome: Fate
    reason: str = ""
    retracted: bool = False
    path: str = ""


PUBLISHED = Expected(Fate.PUBLISHED)
RETRACTED = Expected(Fate.PUBLISHED, retracted=True)
REPEATED = Expected(Fate.REPEATED)
DUPLICATE = Expected(Fate.DUPLICATE)
VOIDING = Expected(Fate.WITHHELD, Withholding.VOIDING)
NOT_A_LEARNER = Expected(Fate.WITHHELD, Withholding.NOT_A_LEARNER)
NOT_AN_ACTIVITY = Expected(Fate.WITHHELD, Withholding.NOT_AN_ACTIVITY)
NO_CONSENT = Expected(Fate.WITHHELD, Withholding.NO_CONSENT)
NOT_ON_ROSTER = Expected(Fate.WITHHELD, Withholding.NOT_ON_ROSTER)


def turned_down(way: Way, reason: Refusal, path: str = "") -> Expected:
    """A statement that breaks a rule: the gateway rejects it, the recorder writes it to the dead letters."""
    return Expected(Fate.REJECTED if way == "http" else Fate.REFUSED, reason, path=path)


class Emission(NamedTuple):
    """One statement to send, the n-th of its stream.

    `after` is the number (from 0) of the emission that must be acknowledged before this one may be sent, or -1: an
    identical repeat, a conflict or a voiding statement means what it should only once the zone has its original.
    """

    way: Way
    app: str
    statement_id: bytes | None
    body: bytes
    expect: Expected
    after: int = -1

    @property
    def alone(self) -> bool:
        """Whether it needs a request of its own: a rejected statement takes its whole batch with it."""
        return self.expect.outcome is Fate.REJECTED


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of what goes wrong. The first seven are shares of statements, then of learners, then of items."""

    late: float = 0.02
    duplicated: float = 0.01
    conflicting: float = 0.004
    voided: float = 0.006
    malformed: float = 0.01
    groups: float = 0.005
    references: float = 0.003
    without_consent: float = 0.06
    off_roster: float = 0.01
    unlisted: float = 0.02

    def __post_init__(self) -> None:
        """Raise `ValueError` when a share is not one, or when nothing good would be left."""
        for name in self.__slots__:
            if not 0 <= getattr(self, name) <= 1:
                msg = f"{name} is a share from 0 to 1, not {getattr(self, name)}"
                raise ValueError(msg)
        if self.duplicated + self.conflicting + self.voided + self.malformed + self.groups + self.references > 0.5:
            msg = "duplicated, conflicting, voided, malformed, groups and references may make up half of all statements"
            raise ValueError(msg)


NO_FAULTS = Faults(*[0.0] * 10)
