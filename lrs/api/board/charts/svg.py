"""A drawing surface that writes SVG: shapes, text that is measured and wrapped, and the style of a file of its own."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The last few are for PNG: resvg knows no generic family, and draws nothing where it has none of those that are named.
FONT = (
    "'Hiragino Sans','Noto Sans JP','Noto Sans CJK JP','Yu Gothic',Meiryo,'Segoe UI',system-ui,"
    "IPAexGothic,TakaoGothic,'DejaVu Sans','Liberation Sans',Arial,sans-serif"
)

_MARGIN = 16.0

# Colours by day. A page overrides the same classes with its own variables (static/board.css), so that charts follow
# light and dark; a file that leaves the page carries these.
STYLE: dict[str, str] = {
    "c-paper": "fill:#ffffff",
    "c-text": f"fill:#1d2a35;font-family:{FONT}",
    "c-quiet": f"fill:#51606d;font-family:{FONT}",
    "c-grid": "stroke:#dfe4e8;stroke-width:1;fill:none",
    "c-axis": "stroke:#8494a1;stroke-width:1;fill:none",
    "c-learners": "fill:#24607f",
    "c-answers": "fill:#4d7c5b",
    "c-hatch": "stroke:#63727e;stroke-width:1.5;fill:none",
    "c-hatch-paper": "fill:#e3e8ec",
    "c-none": "fill:none;stroke:#dfe4e8;stroke-width:1",
    "c-rate0": "fill:#eaf1f5",
    "c-rate1": "fill:#c6dbe6",
    "c-rate2": "fill:#8fb8cd",
    "c-rate3": "fill:#3a7596",
    "c-rate4": "fill:#1b4a66",
    "c-on0": f"fill:#1d2a35;font-family:{FONT}",
    "c-on1": f"fill:#1d2a35;font-family:{FONT}",
    "c-on2": f"fill:#10202c;font-family:{FONT}",
    "c-on3": f"fill:#ffffff;font-family:{FONT}",
    "c-on4": f"fill:#ffffff;font-family:{FONT}",
}


class Svg:
    """One chart of `width` × `height` units, which are pixels at its natural size."""

    def __init__(self, width: float, height: float, *, name: str, title: str, description: str) -> None:
        """`name` is unique on the page; `title` and `description` are what a screen reader says of the image."""
        self.width, self.height, self.name = width, height, name
        self._title, self._description = title, description
        self._body: list[str] = []

    def add(self, element: str, css: str, **attributes: float | str) -> None:
        """A shape of class `css`; an underscore in an attribute's name stands for a hyphen."""
        self._body.append(f'<{element} class="{css}"{_attributes(attributes)}/>')

    def text(  # noqa: PLR0913 - what a line of text has
        self,
        words: str,
        x: float,
        y: float,
        *,
        css: str = "c-quiet",
        size: float = 12,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """One line of text with its baseline at `y`."""
        extra = {"font_weight": 600} if bold else {}
        where = _attributes({"x": x, "y": y, "font_size": size, "text_anchor": anchor, **extra})
        self._body.append(f'<text class="{css}"{where}>{escape(words)}</text>')

    def hatched(self, x: float, y: float, width: float, height: float, *, radius: float = 0) -> None:
        """A box with diagonal strokes: something is here, and is not shown."""
        box = {"x": x, "y": y, "width": width, "height": height, "rx": radius}
        self.add("rect", "c-hatch-paper", **box)
        self._body.append(f'<rect fill="url(#{self.name}-hatch)"{_attributes(box)}/>')

    def inline(self) -> str:
        """For a page: styled by the page's style sheet."""
        return self._written((0, 0, self.width, self.height), 'class="chart-image"', "")

    def alone(self, notes: Sequence[str]) -> str:
        """For a file: with its own style, its title above, and below it what the page said around it."""
        title = Svg(self.width, 0, name="", title="", description="")
        rows = wrapped(self._title, 15, self.width, 3)
        for number, row in enumerate(reversed(rows)):
            title.text(row, 0, -18 - number * 20, css="c-text", size=15, bold=True)
        small = [row for note in notes for row in wrapped(note, 11, self.width, 4)]
        for number, row in enumerate(small):
            title.text(row, 0, self.height + 20 + number * 16, size=11)
        top, height = 20 * len(rows) + 28, self.height + 28 + 16 * len(small)
        box = (-_MARGIN, -top, self.width + 2 * _MARGIN, top + height)
        rules = "".join(f".{css}{{{rule}}}" for css, rule in STYLE.items())
        paper = f'<rect class="c-paper"{_attributes(dict(zip(("x", "y", "width", "height"), box, strict=True)))}/>'
        size = f'width="{_number(box[2])}" height="{_number(box[3])}"'
        return self._written(box, size, f"<style>{rules}</style>{paper}{''.join(title._body)}")

    def _written(self, box: tuple[float, float, float, float], attributes: str, head: str) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="{" ".join(map(_number, box))}" '
            f'aria-labelledby="{self.name}-t {self.name}-d" {attributes}>'
            f'<title id="{self.name}-t">{escape(self._title)}</title>'
            f'<desc id="{self.name}-d">{escape(self._description)}</desc>{head}'
            f'<defs><pattern id="{self.name}-hatch" width="5" height="5" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><line class="c-hatch" x1="0" y1="0" x2="0" y2="5"/></pattern></defs>'
            f"{''.join(self._body)}</svg>"
        )


def text_width(words: str, size: float) -> float:
    """About how wide a line is: a full-width character is as wide as it is high, others a little over half."""
    return size * sum(map(_share, words))


@lru_cache(maxsize=8192)
def _share(mark: str) -> float:
    return 1.0 if unicodedata.east_asian_width(mark) in "WFA" else 0.56


def wrapped(words: str, size: float, width: float, lines: int) -> list[str]:
    """At most `lines` lines of `width`; what does not fit ends in an ellipsis. Breaks after any full-width mark."""
    rows, row = [], ""
    for piece in _pieces(words):
        if row and text_width(row + piece.rstrip(), size) > width:
            rows.append(row.rstrip())
            row = ""
        row += piece if row else piece.lstrip()
    rows.append(row.rstrip())
    if len(rows) <= lines:
        return rows
    last = rows[lines - 1]
    while last and text_width(last + "…", size) > width:
        last = last[:-1]
    return [*rows[: lines - 1], last + "…"]


def _pieces(words: str) -> list[str]:
    pieces, word = [], ""
    for mark in words:
        if unicodedata.east_asian_width(mark) in "WF":
            pieces += [word, mark] if word else [mark]
            word = ""
        else:
            word += mark
            if mark == " ":
                pieces.append(word)
                word = ""
    return [*pieces, word] if word else pieces


def _attributes(attributes: Mapping[str, float | str]) -> str:
    return "".join(
        f' {name.replace("_", "-")}="{_number(value) if isinstance(value, (int, float)) else escape(value)}"'
        for name, value in attributes.items()
    )


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
