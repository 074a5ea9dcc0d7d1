"""Asking a process of this machine how it is, over HTTP."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

_SECONDS = 2.0


async def fetch(url: str, seconds: float = _SECONDS, *, token: str = "") -> tuple[int, bytes]:
    """Status and body of a GET, with `token` as Bearer token if given. Raises `OSError` or `TimeoutError`.

    By hand, because loading an HTTP client costs the supervisor 150 ms and 15 MB for one line of HTTP/1.0.
    """
    parts = urlsplit(url)
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            authorization = f"Authorization: Bearer {token}\r\n" if token else ""
            writer.write(f"GET {target} HTTP/1.0\r\nHost: {parts.netloc}\r\n{authorization}\r\n".encode())
            answer = await reader.read()
        finally:
            writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(maxsplit=2)
    if len(words) < 2 or not words[1].isdigit():
        raise OSError("not an HTTP answer")
    return int(words[1]), body


async def is_ready(base_url: str) -> bool:
    """Whether the process behind `base_url` says that it is ready."""
    try:
        status, _ = await fetch(f"{base_url}/readyz")
    except (OSError, TimeoutError):
        return False
    return status == 200
