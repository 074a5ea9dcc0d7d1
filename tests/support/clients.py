"""Whose TCP connection is it? Tells the processes of one machine apart by the local ports they talk from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import psutil

OTHERS = "apps"


def name_by_port(processes: Callable[[], Mapping[str, int]]) -> Callable[[int], str]:
    """A function from a local port to the name in `processes` (name → process id) whose process has it, or `OTHERS`."""

    def whose(port: int) -> str:
        for name, number in processes().items():
            try:
                connections = psutil.Process(number).net_connections("tcp")
            except psutil.Error:
                continue
            if any(connection.laddr and connection.laddr.port == port for connection in connections):
                return name
        return OTHERS

    return whose
