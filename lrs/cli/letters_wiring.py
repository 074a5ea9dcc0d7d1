"""Wires the dead letters: their part, and the routes that the gateway serves for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.store.dead_letter_queries import LetterQueries
from lrs.store.dead_letters import DeadLetters
from lrs.store.tallies import Tallies

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import Route

    from lrs.api.letters.vendor import Authenticate
    from lrs.api.operator import OperatorGate
    from lrs.kernel.parts import Part
    from lrs.kernel.publishing import Publisher
    from lrs.kernel.settings import Settings
    from lrs.store.engine import Engine
    from lrs.store.ids import IdIndex


class LettersWiring:
    """Everything about dead letters of one process, over store handles of their own: they hold up no statement."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        """`engine` is another one of the archive's database, migrated before the first use."""
        self._settings = settings
        self._engine = engine
        self._queries = LetterQueries(engine)

    def part(self) -> Part:
        """The part `letters`."""
        from processors.letters import LettersPart  # noqa: PLC0415 - a process loads only its own parts

        tallies = Tallies(self._engine, self._settings.zone.operator)
        return LettersPart(self._settings, letters=DeadLetters(self._engine), tallies=tallies)

    def operator_routes(self, gate: OperatorGate, publisher: Publisher, ids: IdIndex) -> list[Route]:
        """The operator's view, and the replay."""
        from lrs.api.letters.operator import operator_letter_routes  # noqa: PLC0415
        from lrs.api.letters.replaying import Replaying  # noqa: PLC0415
        from processors.rejudging import Rejudging  # noqa: PLC0415

        judge = Rejudging(self._settings, ids)
        replaying = Replaying(self._queries, DeadLetters(self._engine), publisher, judge)
        operator = self._settings.zone.operator
        return operator_letter_routes(gate, queries=self._queries, replaying=replaying, operator=operator)

    def vendor_routes(self) -> Callable[[Authenticate], list[Route]]:
        """Makes the vendors' view, given who checks credentials."""
        from lrs.api.letters.vendor import vendor_letter_routes  # noqa: PLC0415

        operator = self._settings.zone.operator
        return lambda authenticate: vendor_letter_routes(authenticate, queries=self._queries, operator=operator)
