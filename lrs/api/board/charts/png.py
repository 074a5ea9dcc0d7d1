"""PNG of a chart, drawn by resvg with the machine's fonts: a text that no font has is refused, not shown as boxes."""

from __future__ import annotations

from functools import cache

from lrs.kernel.errors import AyumiError

_SCALE = 2


class FontError(AyumiError):
    """No font of this machine has Japanese characters."""


def png(svg: str, *, japanese: bool) -> bytes:
    """The picture at twice its natural size. Raises `FontError` when `japanese` text could only be drawn as boxes."""
    # Loaded on first use: pages never need it, and it costs memory that an idle zone should not spend.
    import vl_convert  # noqa: PLC0415

    if japanese and not _has_japanese_font():
        msg = "no font with Japanese characters is installed"
        raise FontError(msg)
    picture: bytes = vl_convert.svg_to_png(svg, scale=_SCALE)
    return picture


@cache
def _has_japanese_font() -> bool:
    import vl_convert  # noqa: PLC0415

    # Without a font, two characters that look nothing like each other come out as the same box, or as nothing.
    one, other = (
        vl_convert.svg_to_png(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"><text y="20" font-size="20" '
            f'font-family="sans-serif">{mark}</text></svg>'
        )
        for mark in "一鬱"
    )
    return bool(one != other)
