"""Which faults come when: drawn from a seed, before anything runs, so that the same seed gives the same faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TypeVar

T = TypeVar("T")

BROKER, LRS, PROCESSORS, STORE = PROCESSES = ("broker", "lrs", "processors", "store")
SUPERVISOR = "supervisor"
VICTIMS = (*PROCESSES, SUPERVISOR)
CLIENTS = (LRS, PROCESSORS, STORE, "apps")
DISKS = ("archive", "facts", "ids")
STORES = ("archive", "facts")


class Kind(StrEnum):
    """What can go wrong."""

    KILL = "kill -9"
    STALL = "stall"
    CUT = "cut connections"
    LOST_ANSWERS = "lost answers"
    HALF_OPEN = "half-open connections"
    DELAY = "slow connections"
    DISK_FULL = "full disk"
    CLOCK_STEP = "clock step"
    DAMAGED_INDEX = "damaged id index"
    CUT_MIGRATION = "kill -9 in the migration"


UNDER_LOAD = (
    Kind.STALL,
    Kind.CUT,
    Kind.LOST_ANSWERS,
    Kind.HALF_OPEN,
    Kind.DELAY,
    Kind.DISK_FULL,
    Kind.CLOCK_STEP,
)
# In every round beside its kills, so that two rounds have had each of the seven.
_OTHERS_A_ROUND = 4
_EARLY_SECONDS = 2.5
_STEP_SECONDS = 2 * 3600
# Of a release that had only the first migration: how many statements its stores need at least to reach this one.
_STATEMENTS = {"archive": 12, "registry": 1, "facts": 3}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `at`: seconds after the load began; `amount` is said in `unit`.

    `targets`: processes that are killed together or stalled, the client whose connections fail, the disk, the store.
    """

    kind: Kind
    targets: tuple[str, ...] = ()
    at: float = 0.0
    seconds: float = 0.0
    amount: int = 0
    unit: str = ""

    def __str__(self) -> str:
        words = [self.kind.value, *([f"of {' + '.join(self.targets)}"] if self.targets else [])]
        words += [f"({self.amount} {self.unit})"] if self.unit else []
        words += [f"for {self.seconds:.1f} s"] if self.seconds else []
        return " ".join(words)

    @property
    def kills(self) -> int:
        """How many processes of the zone it kills, without those that end with their supervisor."""
        return len(self.targets) if self.kind is Kind.KILL else 0


@dataclass(frozen=True, slots=True)
class Round:
    """`before`: what happens to the stopped zone; `early`: kills while it starts; `faults`: under load."""

    number: int
    before: tuple[Fault, ...]
    early: tuple[Fault, ...]
    faults: tuple[Fault, ...]

    @property
    def kills(self) -> int:
        """How many processes are killed in it."""
        return sum(fault.kills for fault in (*self.before, *self.early, *self.faults))


def draw(seed: str, kills: int, *, seconds: float, kills_a_round: int) -> list[Round]:
    """Rounds with `kills` or a few more kills in all, each under load for `seconds`."""
    chance = _Chance(Random(f"chaos {seed}"), seconds)
    rounds: list[Round] = []
    while (left := kills - sum(one.kills for one in rounds)) > 0:
        before = chance.while_stopped() if rounds else chance.older_release()
        early = chance.kill_while_starting() if rounds else ()
        count = max(1, min(left, kills_a_round) - sum(fault.kills for fault in (*before, *early)))
        faults = [*chance.kills(count), *(chance.other() for _ in range(_OTHERS_A_ROUND))]
        rounds.append(Round(len(rounds) + 1, before, early, tuple(sorted(faults, key=lambda fault: fault.at))))
    return rounds


class _Chance:
    """Draws single faults, so that whatever the seed each kind, process and disk has its turn."""

    def __init__(self, random: Random, seconds: float) -> None:
        self._random = random
        self._seconds = seconds
        # All of the others end with the supervisor: it has its turn half as often.
        self._victims = _bag(random, (*PROCESSES, *VICTIMS))
        self._parts = _bag(random, (LRS, PROCESSORS, STORE))
        self._kinds = _bag(random, UNDER_LOAD)
        self._stopped = _bag(random, (Kind.DAMAGED_INDEX, Kind.CUT_MIGRATION))
        self._stores = _bag(random, STORES)
        self._disks = _bag(random, DISKS)
        self._clients = {kind: _bag(random, CLIENTS) for kind in UNDER_LOAD}

    def kills(self, count: int) -> Iterator[Fault]:
        """Of `count` processes, most alone, some together."""
        while count > 0:
            together = min(count, self._random.choices((1, 2, 4), (70, 20, 10))[0])
            targets: list[str] = []
            while len(targets) < together:
                name = next(self._victims)
                if name not in targets:
                    targets.append(name)
            yield Fault(Kind.KILL, tuple(targets), self._moment(self._seconds))
            count -= together

    def kill_while_starting(self) -> tuple[Fault, ...]:
        """Of a part; a zone does not begin without its broker."""
        return (Fault(Kind.KILL, (next(self._parts),), self._moment(_EARLY_SECONDS)),)

    def other(self) -> Fault:
        """Something under load that is no kill."""
        kind = next(self._kinds)
        at, lasts = self._moment(self._seconds), round(self._random.uniform(0.5, self._seconds / 3), 1)
        if kind is Kind.CLOCK_STEP:
            return Fault(kind, (), at, amount=self._random.randint(-_STEP_SECONDS, _STEP_SECONDS), unit="s")
        if kind is Kind.STALL:
            return Fault(kind, (self._random.choice(PROCESSES),), at, lasts)
        if kind is Kind.DISK_FULL:
            return Fault(kind, (next(self._disks),), at, lasts, self._random.choice((0, 16, 256, 2048)), "KiB left")
        client = (next(self._clients[kind]),)
        if kind is Kind.DELAY:
            return Fault(kind, client, at, lasts, self._random.randint(5, 400), "ms")
        return Fault(kind, client, at, 0.0 if kind is Kind.HALF_OPEN else lasts)

    def older_release(self) -> tuple[Fault, ...]:
        """The folder is that of the first release; the migration of each store is killed after some statement."""
        return tuple(
            Fault(Kind.CUT_MIGRATION, (store,), amount=self._random.randint(1, most), unit="statements")
            for store, most in _STATEMENTS.items()
        )

    def while_stopped(self) -> tuple[Fault, ...]:
        """Damage, or the newest migration anew."""
        if next(self._stopped) is Kind.DAMAGED_INDEX:
            return (Fault(Kind.DAMAGED_INDEX, amount=self._random.randint(1, 64), unit="places"),)
        return (Fault(Kind.CUT_MIGRATION, (next(self._stores),), amount=self._random.randint(1, 2), unit="statements"),)

    def _moment(self, within: float) -> float:
        return round(self._random.uniform(0.3, within), 1)


def _bag(random: Random, things: Sequence[T]) -> Iterator[T]:
    """Each thing once in random order, then all of them again."""
    while True:
        yield from random.sample(things, len(things))
