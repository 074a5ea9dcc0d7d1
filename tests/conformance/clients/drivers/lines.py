"""How a driver is told what to do: one JSON object a line in, one a line out; see `client.py`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any


class RefusedError(Exception):
    """The record store answered with an error."""

    def __init__(self, status: int | None, text: str) -> None:
        super().__init__(text)
        self.status = status


def serve(actions: Mapping[str, Callable[..., Any]]) -> None:
    """Do what the lines say until they end."""
    for line in sys.stdin:
        given = json.loads(line)
        try:
            said = {"result": actions[given.pop("action")](**given)}
        except RefusedError as error:
            said = {"status": error.status, "error": str(error)}
        print(json.dumps(said), flush=True)  # noqa: T201 - how it tells its parent
