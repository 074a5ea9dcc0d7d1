"""Which processes make a zone on one machine, on which ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lrs.cli.ports import free_port, is_free
from lrs.cli.settings_loading import setting_name
from lrs.kernel.errors import StopError
from lrs.kernel.settings import Settings

_PORTS = (("broker", "port"), ("gateway", "port"), ("board", "port"), ("processor", "metrics_port"))


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """One process of `ayumi run`: its parts, the port of its `/readyz`, and settings of its own."""

    name: str
    parts: tuple[str, ...]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)


def with_ports(settings: Settings, *, free_ports: bool) -> Settings:
    """`settings` with a port for everything that `ayumi up` starts: free ones where 0, everywhere with `free_ports`."""
    taken: set[int] = set()
    changes: dict[str, dict[str, int]] = {}
    for room, name in _PORTS:
        port = getattr(getattr(settings, room), name)
        if free_ports or port == 0:
            port = free_port(taken=frozenset(taken))
            changes.setdefault(room, {})[name] = port
        elif port in taken:
            raise StopError(
                f"{setting_name(room, name)}: {port} is used twice", remedy="Give each part a port of its own, or 0."
            )
        taken.add(port)
    return settings.model_copy(
        update={room: getattr(settings, room).model_copy(update=fields) for room, fields in changes.items()}
    )


def check_ports(settings: Settings) -> None:
    """Raises `StopError` when a part could not listen on its port; the broker checks its own."""
    for room, name in _PORTS:
        port = getattr(getattr(settings, room), name)
        if room != "broker" and not is_free(port, settings.zone.host):
            raise StopError(
                f"port {port} is in use, the {room} cannot listen on it",
                remedy=f"Stop what listens there, set {setting_name(room, name)} to another port, or use --free-ports.",
            )


def processes(settings: Settings) -> list[ProcessPlan]:
    """The processes beside the broker. One process owns one embedded store: the parts that share a store share it."""
    plans = [ProcessPlan("lrs", ("gateway", "recorder", "letters"), settings.gateway.port)]
    taken = {getattr(getattr(settings, room), name) for room, name in _PORTS}
    for number in range(settings.processor.workers):
        port = settings.processor.metrics_port
        if number:
            port = free_port(taken=frozenset(taken))
            taken.add(port)
        name = "processors" if settings.processor.workers == 1 else f"processors-{number + 1}"
        own = {
            setting_name("processor", "metrics_port"): str(port),
            # A named member takes its partitions back at once after a kill, instead of waiting for its session to end.
            setting_name("processor", "member"): f"worker-{number + 1}",
        }
        plans.append(ProcessPlan(name, ("processor",), port, own))
    plans.append(ProcessPlan("store", ("loader", "board", "accountant"), settings.board.port))
    return plans
