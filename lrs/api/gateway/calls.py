"""One request as the resources see it: authenticated, in a known version, whichever syntax it came in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.api.gateway.access import Access
    from lrs.api.gateway.answers import Answer
    from lrs.kernel.statements import XapiVersion


class Call(NamedTuple):
    """What a resource is asked. The alternate request syntax is unwrapped, the body decoded and within its limit."""

    method: str
    """GET, HEAD, POST, PUT or DELETE, as it is meant: a POST that stands for a GET is a GET."""
    query: bytes
    """The raw query string; with the alternate syntax what its form says."""
    headers: Mapping[bytes, bytes]
    """By lower-case name."""
    body: bytes
    """b"" for GET, HEAD and DELETE."""
    version: XapiVersion
    access: Access
    """Who asks, and what for they may."""


Handler = Callable[[Call], Awaitable["Answer"]]
