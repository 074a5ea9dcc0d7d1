"""Progress bars on standard error where that is a terminal; nothing otherwise."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

Advance = Callable[[int], None]
Track = Callable[[str, int], AbstractContextManager[Advance]]


@contextlib.contextmanager
def bytes_bar(title: str, total: int) -> Iterator[Advance]:
    """A bar over bytes."""
    with _bar(title, total, of_bytes=True) as advance:
        yield advance


@contextlib.contextmanager
def count_bar(title: str, total: int) -> Iterator[Advance]:
    """A bar over things."""
    with _bar(title, total, of_bytes=False) as advance:
        yield advance


@contextlib.contextmanager
def _bar(title: str, total: int, *, of_bytes: bool) -> Iterator[Advance]:
    if not sys.stderr.isatty():
        yield lambda _size: None
        return
    from rich.console import Console  # noqa: PLC0415 - 60 ms, only for a terminal
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    amount = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)
        yield lambda size: progress.advance(task, size)
