"""A small OpenID Connect issuer: generated keys, tokens signed with them, and the key set over HTTP on loopback."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER = "https://login.example.jp/realms/osaka"
AUDIENCE = "https://lrs.example.jp/a"
_KINDS = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Signer:
    """A key pair of the issuer."""

    def __init__(self, algorithm: str, kid: str) -> None:
        self.algorithm = algorithm
        self.kid = kid
        self.private: Any = _KINDS[algorithm]()

    def jwk(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any member
        """The public half as it is published."""
        document = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        document = {name: value for name, value in document.items() if name != "key_ops"}
        return {**document, "kid": self.kid, "use": "sig", "alg": self.algorithm, **changes}

    def pem(self) -> bytes:
        """The public half as a file."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        pem: bytes = self.private.public_key().public_bytes(serialization.Encoding.PEM, form)
        return pem

    def token(self, *, head: dict[str, Any] | None = None, **changes: Any) -> str:  # noqa: ANN401 - any claim
        """A good access token of the app `drill-a` for an hour; a claim that is None is left out."""
        headers = {"kid": self.kid, "typ": "at+jwt", **(head or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        return jwt.encode(claims(**changes), self.private, algorithm=self.algorithm, headers=headers)


@cache
def signer(algorithm: str, kid: str) -> Signer:
    """The same key pair whenever it is asked for: RSA keys take a tenth of a second."""
    return Signer(algorithm, kid)


def claims(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any claim
    """The claims of a good token; one that is None is left out."""
    now = int(time.time())
    given = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "drill-a",
        "azp": "drill-a",
        "scope": "openid statements/write statements/read/mine state",
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def forged(head: dict[str, Any], body: object, secret: bytes = b"") -> str:
    """A token as an attacker writes it: any header, signed by HMAC with `secret`, or by nothing."""
    signed = b".".join(_segment(json.dumps(part).encode()) for part in (head, body))
    mac = hmac.new(secret, signed, hashlib.sha256).digest() if secret else b"none"
    return b".".join((signed, _segment(mac))).decode()


def key_set(*keys: dict[str, Any]) -> bytes:
    """A JWK set."""
    return json.dumps({"keys": keys}).encode()


class Issuer:
    """The issuer's web server. `publish` what it shows; `go_away` makes it answer 503, `come_back` ends that."""

    def __init__(self) -> None:
        self.fetches = 0
        self._body = b""
        self._away = False
        self._redirect = ""
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the library's signature
                """Nothing: tests read what they ask for."""

            def do_GET(self) -> None:
                issuer.answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.jwks_url = f"http://127.0.0.1:{self._server.server_address[1]}/keys"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """One request."""
        self.fetches += 1
        status = 503 if self._away else 302 if self._redirect and handler.path == "/keys" else 200
        body = self._body if status == 200 else b""
        handler.send_response(status)
        if status == 302:
            handler.send_header("Location", self._redirect)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def publish(self, *signers: Signer) -> None:
        """Show the public halves of these and no others."""
        self._body = key_set(*(one.jwk() for one in signers))

    def show(self, body: bytes) -> None:
        """Show anything."""
        self._body = body

    def redirect(self, location: str) -> None:
        """Point elsewhere."""
        self._redirect = location

    def go_away(self) -> None:
        """Give no keys."""
        self._away = True

    def come_back(self) -> None:
        """Give keys again."""
        self._away = False

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def issuer() -> Iterator[Issuer]:
    """A running issuer that shows nothing yet."""
    running = Issuer()
    try:
        yield running
    finally:
        running.close()


def _segment(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
