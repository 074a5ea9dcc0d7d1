"""The board: the aggregates API and the pages over the facts."""

from lrs.api.board.part import BoardPart

__all__ = ["BoardPart"]
