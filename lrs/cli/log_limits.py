"""Keeps a library that repeats itself from filling the log: aiokafka tells of an absent broker 30 times a second."""

from __future__ import annotations

import logging
import threading
import time

_EVERY_SECONDS = 10.0
_KNOWN = 1000


class RepeatLimit(logging.Filter):
    """Lets each message of a library pass once in a while; the next one that passes tells how many were held back.

    Messages are the same when logger, level and text before its arguments are, and the kinds of errors among these: no
    number in it makes it another, and another error does.
    """

    def __init__(self, every_seconds: float = _EVERY_SECONDS) -> None:
        super().__init__()
        self._every = every_seconds
        self._lock = threading.Lock()
        self._passed: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        given = record.args if isinstance(record.args, tuple) else ()
        errors = "".join(type(each).__name__ for each in given if isinstance(each, BaseException))
        key = (record.name, record.levelno, str(record.msg) + errors)
        now = time.monotonic()
        with self._lock:
            at, held = self._passed.get(key, (-self._every, 0))
            if now - at < self._every:
                self._passed[key] = (at, held + 1)
                return False
            if len(self._passed) >= _KNOWN:
                self._passed.clear()
            self._passed[key] = (now, 0)
        if held:
            record.msg = f"{record.getMessage()} (and {held} times more)"
            record.args = None
        return True


def limit_library_logs() -> None:
    """Put the limit on the handlers of the standard library's root logger. Ayumi's own events do not pass there."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(RepeatLimit())
