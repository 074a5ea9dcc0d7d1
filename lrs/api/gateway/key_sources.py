"""Where an issuer's signing keys come from: its web address, or a file. Called in a thread, never on an event loop."""

from __future__ import annotations

import ssl
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from lrs.kernel.errors import StopError

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES = 1024 * 1024
_SECONDS = 5.0


class KeySource(Protocol):
    """Gives the bytes of a JWK set. Raises `OSError` when it cannot."""

    def fetch(self) -> bytes:
        """What is published now."""
        ...


class FileSource:
    """A file that the operator keeps; read again each time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fetch(self) -> bytes:
        """See `KeySource.fetch`."""
        with self._path.open("rb") as file:
            return file.read(_MAX_BYTES)


class UrlSource:
    """A web address: https, or loopback. A redirect is not followed: it could lead to neither."""

    def __init__(self, url: str, ca_file: Path | None = None) -> None:
        """Raises `StopError` for an address that does not protect the keys on their way, or certificates not there."""
        check_url(url, "AYUMI_OIDC__JWKS_URL")
        self._url = url
        try:
            self._verify = ssl.create_default_context(cafile=ca_file) if ca_file else None
        except (OSError, ssl.SSLError) as error:
            problem = f"AYUMI_OIDC__CA_FILE: no certificates could be read from {ca_file}"
            raise StopError(problem, remedy="Name a file of CA certificates in PEM.") from error

    def fetch(self) -> bytes:
        """See `KeySource.fetch`. Bounded in time and size."""
        import httpx  # noqa: PLC0415 - a gateway without an issuer starts without it

        deadline = time.monotonic() + _SECONDS
        # The proxy that the environment names is for the way out, not for this machine.
        outside = not _is_loopback(urlsplit(self._url).hostname)
        try:
            with (
                httpx.Client(verify=self._verify or True, timeout=_SECONDS, trust_env=outside) as client,
                client.stream("GET", self._url, headers={"accept": "application/json"}) as response,
            ):
                if response.status_code != 200:
                    raise OSError(f"it answered {response.status_code}")
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > _MAX_BYTES or time.monotonic() > deadline:
                        raise OSError(f"it took more than {_MAX_BYTES} bytes or {_SECONDS:g} s")
                return bytes(body)
        except httpx.HTTPError as error:
            raise OSError(type(error).__name__) from error


def check_url(url: str, setting: str) -> None:
    """Raise `StopError` unless `url` is https, or http on loopback, and holds no password."""
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))
        if safe and parts.hostname and parts.username is None:
            return
    except ValueError:
        pass
    problem = f"{setting} is not an https URL without user and password (http only on loopback)"
    raise StopError(problem, remedy="Take it from the issuer's metadata, /.well-known/openid-configuration.")


def _is_loopback(host: str | None) -> bool:
    if host is None or host == "localhost":
        return host is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
