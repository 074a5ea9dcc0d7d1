"""What aiokafka takes for granted of an event loop: that a write to a connection that was just lost raises no error.

With asyncio's own loop it does not: the reader hears of the loss a moment later. uvloop raises `RuntimeError`, which
aiokafka expects nowhere. It ended whatever task wrote at that moment, for ever and without a word: the one that keeps
the metadata, that fetches, that sends (docs/decisions/0016-lost-connections.md).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

_WRITES = ("send", "_send_sasl_token")


def tell_lost_connections() -> None:
    """Have aiokafka's connections tell of such a loss as of any other, in this process. Cheap once that is done."""
    from aiokafka.conn import AIOKafkaConnection  # noqa: PLC0415 - 200 ms; only who makes a client needs it

    for name in _WRITES:
        write = getattr(AIOKafkaConnection, name)
        if not hasattr(write, "__wrapped__"):
            setattr(AIOKafkaConnection, name, _telling(write))


def _telling(write: Callable[..., Any]) -> Callable[..., Any]:
    from aiokafka.conn import CloseReason  # noqa: PLC0415 - as above
    from aiokafka.errors import KafkaConnectionError, KafkaError  # noqa: PLC0415 - as above

    @wraps(write)
    def written(connection: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - aiokafka has no types
        try:
            return write(connection, *given, **named)
        except (KafkaError, NotImplementedError):
            raise  # both are RuntimeErrors; the second is of a request in a version that aiokafka does not know
        except RuntimeError as error:
            connection.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
            problem = f"Connection at {connection.host}:{connection.port} was lost: {error}"
            raise KafkaConnectionError(problem) from error

    return written
