"""What goes wrong with single statements on their way, and what the zone must then do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.reasons import Refusal
from producers.simulator import templates
from producers.simulator.emissions import (
    DUPLICATE,
    NOT_A_LEARNER,
    NOT_AN_ACTIVITY,
    PUBLISHED,
    REPEATED,
    RETRACTED,
    VOIDING,
    Emission,
    Expected,
    Faults,
    Way,
    turned_down,
)
from producers.simulator.malformed import spoil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from producers.simulator.agenda import Appointment
    from producers.simulator.sittings import Clock, Draft

_VOID_DELAY_MS = 90_000
_LAST_MS = 86_399_999


class Ready(NamedTuple):
    """An emission in its place of the day; each of `then` follows it some way behind."""

    at_ms: int
    emission: Emission
    then: tuple[Ready, ...] = ()


class Sender(NamedTuple):
    """Whose statement it is and by which way it goes."""

    way: Way
    appointment: Appointment
    clock: Clock

    @property
    def app(self) -> str:
        """The app's credential id."""
        return self.appointment.unit.app.name

    def emission(self, statement_id: bytes | None, body: bytes, expect: Expected) -> Emission:
        """An emission of this sender."""
        return Emission(self.way, self.app, statement_id, body, expect)


class Mishaps:
    """Draws and makes the faults of single statements. `chance` is the probability that one has any."""

    def __init__(self, random: Random, ids: Iterator[tuple[bytes, bytes]], faults: Faults) -> None:
        self._random = random
        self._ids = ids
        extra = faults.duplicated + faults.conflicting + faults.voided + faults.groups + faults.references
        kinds: list[tuple[Callable[[Draft, Sender], list[Ready]], float]] = [
            (self._malformed, faults.malformed),
            (self._duplicated, faults.duplicated),
            (self._conflicting, faults.conflicting),
            (self._voided, faults.voided),
            (self._group, faults.groups),
            (self._reference, faults.references),
        ]
        self._kinds = [kind for kind, _ in kinds]
        # The shares are of all statements sent; the draw is per original, and some originals lead to two statements.
        self._weights = [share / (1 - extra) for _, share in kinds]
        self.chance = sum(self._weights)

    def make(self, draft: Draft, sender: Sender) -> list[Ready]:
        """The faulty statement, or the good one with what goes wrong after it."""
        kind = self._random.choices(self._kinds, self._weights)[0]
        return kind(draft, sender)

    def _malformed(self, draft: Draft, sender: Sender) -> list[Ready]:
        broken = spoil(self._random, draft.body, sender.way)
        expect = turned_down(sender.way, broken.reason, broken.path)
        return [_ready(draft, sender.emission(draft.statement_id if broken.has_id else None, broken.body, expect))]

    def _duplicated(self, draft: Draft, sender: Sender) -> list[Ready]:
        again = REPEATED if sender.way == "http" else DUPLICATE
        return [_good(draft, sender, _ready(draft, sender.emission(draft.statement_id, draft.body, again)))]

    def _conflicting(self, draft: Draft, sender: Sender) -> list[Ready]:
        other = draft.body.replace(b'"language":"ja-JP"', b'"language":"en-GB"', 1)
        conflict = sender.emission(draft.statement_id, other, turned_down(sender.way, Refusal.CONFLICT))
        return [_good(draft, sender, _ready(draft, conflict))]

    def _voided(self, draft: Draft, sender: Sender) -> list[Ready]:
        learner = sender.appointment.learner
        expect = RETRACTED if learner.expect is PUBLISHED else learner.expect
        original = sender.emission(draft.statement_id, draft.body, expect)
        voiding, text = self._voiding(draft, sender, draft.body[7:43].decode())
        draw = self._random.random()
        if draw < 0.1:  # a second voiding of the same statement takes nothing more out
            again, _ = self._voiding(draft, sender, draft.body[7:43].decode())
            return [_ready(draft, original, voiding, again)]
        if sender.way == "sdk" and draw < 0.2:  # voided before it came: the order of arrival does not matter
            return [voiding._replace(then=(_ready(draft, original),))]
        if sender.way == "sdk" and draw < 0.3:  # a voiding statement cannot be voided
            vain, _ = self._voiding(draft, sender, text)
            return [_ready(draft, original, voiding._replace(then=(vain,)))]
        return [_ready(draft, original, voiding)]

    def _voiding(self, draft: Draft, sender: Sender, target: str) -> tuple[Ready, str]:
        octets, text = next(self._ids)
        body = self._about(draft, sender, text, "voided", target)
        return _ready(draft, sender.emission(octets, body, VOIDING)), text.decode()

    def _group(self, draft: Draft, sender: Sender) -> list[Ready]:
        octets, text = next(self._ids)
        unit = sender.appointment.unit
        whole = unit.whole.write(next(self._ids)[1])
        at = sender.clock.write(draft.at_ms, utc=unit.app.utc)
        body = b'{"id":"%b",%b%b%b%b"}' % (text, sender.appointment.room.teachers, unit.viewed, whole, at)
        return [_good(draft, sender), _ready(draft, sender.emission(octets, body, NOT_A_LEARNER))]

    def _reference(self, draft: Draft, sender: Sender) -> list[Ready]:
        octets, text = next(self._ids)
        learner = sender.appointment.learner
        expect = NOT_AN_ACTIVITY if learner.expect is PUBLISHED else learner.expect
        body = self._about(draft, sender, text, "commented", draft.body[7:43].decode())
        return [_good(draft, sender, _ready(draft, sender.emission(octets, body, expect)))]

    def _about(self, draft: Draft, sender: Sender, text: bytes, verb: str, target: str) -> bytes:
        later = min(draft.at_ms + _VOID_DELAY_MS, _LAST_MS)
        at = sender.clock.write(later, utc=sender.appointment.unit.app.utc)
        middle = templates.reference(verb, target)
        return b'{"id":"%b",%b%b%b"}' % (text, sender.appointment.learner.actor, middle, at)


def _good(draft: Draft, sender: Sender, *then: Ready) -> Ready:
    emission = sender.emission(draft.statement_id, draft.body, sender.appointment.learner.expect)
    return _ready(draft, emission, *then)


def _ready(draft: Draft, emission: Emission, *then: Ready) -> Ready:
    return Ready(draft.at_ms, emission, then)
