"""Which ports a zone uses."""

from __future__ import annotations

import socket

import pytest

from lrs.cli.plan import check_ports, processes, with_ports
from lrs.cli.ports import free_port, is_free
from lrs.kernel.errors import StopError
from lrs.kernel.settings import Settings


def settings_with(**rooms: dict[str, object]) -> Settings:
    base = Settings()
    return base.model_copy(update={name: getattr(base, name).model_copy(update=room) for name, room in rooms.items()})


def ports(settings: Settings) -> list[int]:
    return [settings.broker.port, settings.gateway.port, settings.board.port, settings.processor.metrics_port]


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_a_free_port_lies_below_those_of_outgoing_connections_and_is_not_taken() -> None:
    port = free_port()
    assert port < 32768
    assert is_free(port)


def test_a_free_port_is_kept_for_the_server_that_it_was_chosen_for() -> None:
    port = free_port()
    for _ in range(2):  # at first, and after a crash
        with socket.create_server(("127.0.0.1", port)):
            assert not is_free(port)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


def test_only_a_port_of_0_is_chosen() -> None:
    found = with_ports(settings_with(board={"port": 0}), free_ports=False)
    assert ports(found)[:2] == [9092, 8080]
    assert 0 not in ports(found)


def test_with_free_ports_each_is_chosen_and_all_differ() -> None:
    found = ports(with_ports(Settings(), free_ports=True))
    assert len({*found, 0, 9092, 8080, 8081}) == 8


def test_one_port_for_two_parts_is_refused() -> None:
    with pytest.raises(StopError, match="AYUMI_BOARD__PORT: 8080 is used twice"):
        with_ports(settings_with(board={"port": 8080}), free_ports=False)


def test_a_port_in_use_is_refused_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = with_ports(settings_with(gateway={"port": server.getsockname()[1]}), free_ports=False)
        with pytest.raises(StopError, match=r"in use, the gateway.*AYUMI_GATEWAY__PORT"):
            check_ports(taken)


def test_each_processor_has_a_port_of_its_own() -> None:
    settings = with_ports(settings_with(processor={"workers": 3}), free_ports=True)
    plans = processes(settings)
    assert [plan.name for plan in plans] == ["lrs", "processors-1", "processors-2", "processors-3", "store"]
    assert len({plan.port for plan in plans}) == 5
