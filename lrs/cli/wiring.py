"""Who gets what: the one place that makes the stores, the publisher and the parts, and hands them to each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from lrs.cli.health_part import HealthPart
from lrs.kernel.errors import StopError
from lrs.kernel.handover import Handover
from lrs.kernel.parts import Check, Part
from lrs.kernel.progress import ArchiveProgress
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder

if TYPE_CHECKING:
    from lrs.cli.letters_wiring import LettersWiring
    from lrs.cli.operations_wiring import OperationsWiring
    from lrs.store.archive import Archive
    from lrs.store.engine import Engine
    from lrs.store.facts import Facts
    from lrs.store.ids import IdIndex
    from lrs.store.registry import Registry
    from lrs.store.tallies import Tallies
    from producers.publisher import KafkaPublisher


class Closable(Protocol):
    """Something that holds files or connections."""

    def close(self) -> object:
        """Let go of them."""
        ...


C = TypeVar("C", bound=Closable)

_FACTS_PARTS = frozenset({"loader", "board"})
_SERVING_PARTS = frozenset({"gateway", "board"})


class Wiring:
    """Makes each shared thing once, when first asked for, and closes all of them in reverse order."""

    def __init__(self, settings: Settings, folder: ZoneFolder) -> None:
        self._settings = settings
        self._folder = folder
        self._exit = contextlib.ExitStack()
        self._progress = ArchiveProgress(settings.broker.partitions)
        self._handover: Handover | None = None
        self._made: list[Part] = []
        self._ids_folder = folder.ids

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def migrate(self, names: Sequence[str]) -> list[str]:
        """Bring the stores that the named parts write to this release; the names of the migrations applied."""
        from lrs.store.migrate import migrate  # noqa: PLC0415

        done: list[str] = []
        if {"recorder", "letters"} & set(names):
            done += [f"archive/{name}" for name in migrate(self._archive_engine, "archive")]
        if "gateway" in names:
            done += [f"registry/{name}" for name in self._registry.migrate()]
        if _FACTS_PARTS & set(names):
            done += [f"facts/{name}" for name in migrate(self._facts_engine, "facts")]
        return done

    def parts(self, names: Sequence[str]) -> list[Part]:
        """The named parts, and one that serves health and metrics where none of them does."""
        makers: dict[str, Callable[[], Part]] = {
            "gateway": self._gateway,
            "recorder": self._recorder,
            "letters": self._letters_part,
            "processor": self._processor,
            "loader": self._loader,
            "board": self._board,
            "accountant": self._accountant,
        }
        # The id index has one writer: the recorder, or in a process without one whoever follows what it archives.
        self._ids_folder = self._folder.ids if "recorder" in names else self._folder.ids / "follower"
        if {"gateway", "recorder"} <= set(names):
            self._handover = Handover()
        self._made = [makers[name]() for name in names]
        if "board" in names:
            self._made.append(self._operations.observer(compares="accountant" not in names))
        if "gateway" in names and "recorder" not in names:
            self._made.append(self._follower())
        if _SERVING_PARTS & set(names):
            return self._made
        return [*self._made, HealthPart(self._settings.zone.host, self._metrics_port(names), self.checks)]

    def checks(self) -> list[Check]:
        """Readiness of the process: that of all its parts."""
        return [check for part in self._made for check in part.checks()]

    def _metrics_port(self, names: Sequence[str]) -> int:
        settings = self._settings
        ports = {
            "recorder": settings.recorder.metrics_port,
            "letters": settings.letters.metrics_port,
            "processor": settings.processor.metrics_port,
            "loader": settings.loader.metrics_port,
            "accountant": settings.accountant.metrics_port,
        }
        return ports[names[0]]

    def _gateway(self) -> Part:
        from lrs.api.gateway import GatewayPart  # noqa: PLC0415 - a process loads only its own parts
        from lrs.api.operator import OperatorGate, archive_operator_routes  # noqa: PLC0415
        from producers.publisher import KafkaPublisher  # noqa: PLC0415

        settings = self._settings
        # It waits longer than the gateway does: an answered 503 keeps its ids claimed until the outcome is known.
        publisher = KafkaPublisher(settings.broker, settings.zone.name)
        gate = OperatorGate.of(self._folder)
        gateway = GatewayPart(
            settings,
            self._folder,
            publisher=publisher,
            archive=self._archive,
            ids=self._ids,
            progress=self._progress,
            registry=self._registry,
            handover=self._handover,
            process_checks=self.checks,
            operator_routes=[
                *archive_operator_routes(gate, engine=self._archive_engine, tallies=self._archive_tallies),
                self._operations.archive_route(
                    gate, self._archive_engine, self._archive_tallies, self._registry.credentials.quotas
                ),
                *self._letters.operator_routes(gate, publisher, self._ids),
            ],
            vendor_routes=self._letters.vendor_routes(),
        )
        return PublishingPart(gateway, publisher)

    def _follower(self) -> Part:
        from lrs.cli.following import ArchiveFollower  # noqa: PLC0415

        return ArchiveFollower(self._archive, self._ids, self._progress, self._settings.broker.partitions)

    def _recorder(self) -> Part:
        from processors.recorder import RecorderPart  # noqa: PLC0415

        return RecorderPart(
            self._settings,
            archive=self._archive,
            tallies=self._archive_tallies,
            ids=self._ids,
            progress=self._progress,
            handover=self._handover,
        )

    def _letters_part(self) -> Part:
        return self._letters.part()

    def _processor(self) -> Part:
        from processors.processor import ProcessorPart  # noqa: PLC0415

        root_key = read_root_key(self._settings, self._folder)
        return ProcessorPart(self._settings, root_key=root_key, folder=self._folder.run / "faust")

    def _loader(self) -> Part:
        from processors.loader import LoaderPart  # noqa: PLC0415

        return LoaderPart(self._settings, facts=self._facts, tallies=self._facts_tallies)

    def _board(self) -> Part:
        from lrs.api.board import BoardPart  # noqa: PLC0415

        return BoardPart(
            self._settings,
            self._folder,
            facts=self._facts,
            tallies=self._facts_tallies,
            engine=self._facts_engine,
            process_checks=self.checks,
            more_routes=self._operations.board_routes(self._facts_engine, self._facts_tallies),
        )

    def _accountant(self) -> Part:
        from lrs.cli.accountant_part import AccountantPart  # noqa: PLC0415

        return AccountantPart(self._settings, self._folder, self._operations.verdicts)

    @cached_property
    def _archive_engine(self) -> Engine:
        from lrs.store.engine import archive_engine  # noqa: PLC0415

        return self._closing(archive_engine(self._settings, self._folder))

    @cached_property
    def _letters(self) -> LettersWiring:
        from lrs.cli.letters_wiring import LettersWiring  # noqa: PLC0415
        from lrs.store.engine import archive_engine  # noqa: PLC0415

        return LettersWiring(self._settings, self._closing(archive_engine(self._settings, self._folder)))

    @cached_property
    def _operations(self) -> OperationsWiring:
        from lrs.cli.operations_wiring import OperationsWiring  # noqa: PLC0415

        return OperationsWiring(self._settings, self._folder)

    @cached_property
    def _facts_engine(self) -> Engine:
        from lrs.store.engine import facts_engine  # noqa: PLC0415

        return self._closing(facts_engine(self._settings, self._folder))

    @cached_property
    def _archive(self) -> Archive:
        from lrs.store.archive import Archive  # noqa: PLC0415

        return Archive(self._archive_engine)

    @cached_property
    def _facts(self) -> Facts:
        from lrs.store.facts import Facts  # noqa: PLC0415

        return Facts(self._facts_engine)

    @cached_property
    def _archive_tallies(self) -> Tallies:
        from lrs.store.tallies import Tallies  # noqa: PLC0415

        return Tallies(self._archive_engine, self._settings.zone.operator)

    @cached_property
    def _facts_tallies(self) -> Tallies:
        from lrs.store.tallies import Tallies  # noqa: PLC0415

        return Tallies(self._facts_engine, self._settings.zone.operator)

    @cached_property
    def _ids(self) -> IdIndex:
        from lrs.store.ids import IdIndex  # noqa: PLC0415

        return self._closing(IdIndex.open(self._ids_folder))

    @cached_property
    def _registry(self) -> Registry:
        from lrs.store.registry import open_registry  # noqa: PLC0415

        return self._closing(open_registry(self._settings, self._folder))

    def _closing(self, thing: C) -> C:
        self._exit.callback(thing.close)
        return thing


class PublishingPart:
    """A part with a publisher that lives on the part's own event loop, begun before it and closed after it."""

    def __init__(self, part: Part, publisher: KafkaPublisher) -> None:
        self.name = part.name
        self._part = part
        self._publisher = publisher

    async def run(self, stop: asyncio.Event) -> None:
        """Run the part between start and stop of the publisher."""
        async with self._publisher:
            await self._part.run(stop)

    def checks(self) -> list[Check]:
        """The part's."""
        return self._part.checks()


def read_root_key(settings: Settings, folder: ZoneFolder) -> bytes:
    """The zone's 32-byte root key. Raises `StopError` when the file does not hold one."""
    path = settings.processor.root_key_file or folder.root_key
    remedy = "Restore it from your backup: with another key, no learner's old and new facts belong together any more."
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise StopError(f"the root key {path} cannot be read: {type(error).__name__}", remedy=remedy) from error
    if len(key) != 32:
        raise StopError(f"the root key {path} has {len(key)} bytes instead of 32", remedy=remedy)
    return key
