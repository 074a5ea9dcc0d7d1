"""Running parts in this process: each on an event loop of its own, in its own thread, until a signal or a failure."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from lrs.kernel.errors import StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.parts import Part

log = get_logger("process")

EXIT_FAILED = 1
EXIT_REFUSED = 2
_STOP_SECONDS = 4.0
_WAKE_SECONDS = 0.5


class _PartThread(threading.Thread):
    """One part's thread. `error` is what ended it; `ended` tells the process."""

    def __init__(self, part: Part, ended: threading.Event) -> None:
        super().__init__(name=part.name, daemon=True)
        self.part = part
        self.error: BaseException | None = None
        self._context = contextvars.copy_context()  # what the process's log lines carry
        self._part_ended = ended
        self._part_loop: asyncio.AbstractEventLoop | None = None
        self._stop_event: asyncio.Event | None = None
        self._part_begun = threading.Event()

    def run(self) -> None:
        """The thread's body."""
        try:
            self._context.run(self._run_loop)
        except BaseException as error:  # noqa: BLE001 - logged by the process, which then ends
            self.error = error
        finally:
            self._part_begun.set()
            self._part_ended.set()

    def ask_to_stop(self) -> None:
        """Set the part's stop event, from any thread."""
        self._part_begun.wait()
        if self._part_loop and self._stop_event:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped already
                self._part_loop.call_soon_threadsafe(self._stop_event.set)

    def _run_loop(self) -> None:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._stop_event = asyncio.Event()
        self._part_loop = asyncio.get_running_loop()
        self._part_begun.set()
        await self.part.run(self._stop_event)


def run_parts(parts: Sequence[Part], *, stop_seconds: float = _STOP_SECONDS) -> int:
    """Run the parts until SIGTERM, SIGINT or the end of one of them; returns the exit code of the process.

    0 after a signal when all finished their work in flight; 2 when a part raised `StopError`; 1 when one failed, ended
    by itself, or did not stop in time.
    """
    wake = threading.Event()
    signalled = threading.Event()
    threads = [_PartThread(part, wake) for part in parts]
    with _signals(signalled, wake):
        for thread in threads:
            thread.start()
        while not wake.wait(_WAKE_SECONDS):
            pass
    for thread in threads:
        thread.ask_to_stop()
    deadline = time.monotonic() + stop_seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return _exit_code(threads, was_signalled=signalled.is_set())


def leave(code: int) -> None:
    """End the process now: threads of a part that hangs, or of a library, must not hold it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _exit_code(threads: Sequence[_PartThread], *, was_signalled: bool) -> int:
    code = 0
    for thread in threads:
        if thread.is_alive():
            log.error("part_did_not_stop", name=thread.part.name)
            _say(f"{thread.part.name} did not stop in time")
            code = max(code, EXIT_FAILED)
        elif isinstance(thread.error, StopError):
            log.error("part_refused", name=thread.part.name, problem=thread.error.problem, remedy=thread.error.remedy)
            _say(str(thread.error))
            code = EXIT_REFUSED
        elif thread.error:
            log.error("part_failed", name=thread.part.name, exc_info=thread.error)
            _say(f"{thread.part.name} failed: {type(thread.error).__name__}: {thread.error}")
            code = max(code, EXIT_FAILED)
        elif not was_signalled and code == 0:
            code = EXIT_FAILED
    if not was_signalled and not any(thread.error for thread in threads):
        log.error("part_ended", names=[thread.part.name for thread in threads])
    return code


def _say(sentence: str) -> None:
    """To a person, and to the supervisor: why this process ends."""
    sys.stderr.write(f"ayumi: {' '.join(sentence.split())}\n")


@contextlib.contextmanager
def _signals(*arrived: threading.Event) -> Iterator[None]:
    def told(_number: int, _frame: object) -> None:
        for event in arrived:
            event.set()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        signal.signal(number, told)
    try:
        yield
    finally:
        # During the orderly stop a second signal ends the process at once.
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - only a process that runs parts needs it

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
