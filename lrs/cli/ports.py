"""Ports of this machine."""

from __future__ import annotations

import random
import socket

# Below Linux's range for outgoing connections (32768-60999), so that no client of this machine takes the port by chance
# between our choice and its use, or while a crashed child is restarted on it.
_LOWEST, _HIGHEST = 12000, 32700
_ATTEMPTS = 200


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1", *, taken: frozenset[int] = frozenset()) -> int:
    """A port that is free now and not in `taken`; nobody else is given it while this process lives.

    It is held by a socket that does not listen: the server that it was chosen for can take it, and again after a crash,
    but neither can another zone of this machine choose it meanwhile nor the kernel give it away.
    """
    chance = random.SystemRandom()
    for _ in range(_ATTEMPTS):
        port = chance.randint(_LOWEST, _HIGHEST)
        if port not in taken and is_free(port, host) and _hold(port, host):
            return port
    msg = f"no free port on {host}"
    raise OSError(msg)


def _hold(port: int, host: str) -> bool:
    """Bind a socket to the port for the life of this process, unless another one holds it."""
    holder = socket.socket(_family(host), socket.SOCK_STREAM)
    try:
        # Without SO_REUSEADDR this fails beside any other socket on the port; with it ours makes room for the server.
        holder.bind((host, port))
    except OSError:
        holder.close()
        return False
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.detach()
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
