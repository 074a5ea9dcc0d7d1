"""GET /xAPI/about: the versions spoken here (xAPI 1.0.3 Communication 2.8). Needs neither version nor credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

import lrs
from lrs.api.gateway.answers import Answer
from lrs.kernel.statements import XapiVersion

if TYPE_CHECKING:
    from lrs.api.gateway.requests import Request

_BODY = orjson.dumps(
    {
        "version": [version.value for version in XapiVersion],
        "extensions": {"urn:ayumi:release": lrs.__version__},
    }
)


async def about(_: Request) -> Answer:
    """The same for everybody."""
    return Answer(200, _BODY)
