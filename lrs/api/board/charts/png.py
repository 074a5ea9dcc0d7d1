"""PNG of a chart, drawn by resvg with the machine's fonts: a text that no font has is refused, not shown as boxes.

Drawing takes 100 ms, mostly reading fonts, and resvg keeps the interpreter to itself meanwhile. The loader lives in
this process, so it is done in a short one of its own.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import cache

from lrs.api.board.charts.svg import FONT
from lrs.kernel.errors import AyumiError, RetryError

_PROGRAM = (
    "import sys, resvg_py; svg = sys.stdin.buffer.read().decode(); "
    "sys.stdout.buffer.write(bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=2)))"
)
_SECONDS = 20
_AT_ONCE = threading.Semaphore(2)


class FontError(AyumiError):
    """No font of this machine has Japanese characters."""


def png(svg: str, *, japanese: bool) -> bytes:
    """The picture at twice its natural size; blocks. Raises `FontError` when `japanese` text would become boxes."""
    if japanese and not _has_japanese_font():
        msg = "no font with Japanese characters is installed"
        raise FontError(msg)
    return _drawn(svg)


@cache
def _has_japanese_font() -> bool:
    # Without a font, two characters that look nothing like each other come out as the same box, or as nothing.
    one, other = (
        _drawn(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"><text y="20" font-size="20" '
            f'font-family="{FONT}">{mark}</text></svg>'
        )
        for mark in "一鬱"
    )
    return one != other


def _drawn(svg: str) -> bytes:
    command = [sys.executable, "-P", "-c", _PROGRAM]
    with _AT_ONCE:
        try:
            done = subprocess.run(command, input=svg.encode(), capture_output=True, timeout=_SECONDS, check=True)  # noqa: S603 - fixed words
        except (subprocess.SubprocessError, OSError) as error:
            what = "drawing a PNG"
            raise RetryError(what, type(error).__name__) from error
    return done.stdout
