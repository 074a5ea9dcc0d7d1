"""Credentials of apps: argon2id once, a keyed hash in memory afterwards.

A secret is known only to its app; the registry holds its argon2id hash, the process a BLAKE2b hash under a key that
nobody else has. An unknown key costs as much time as a wrong secret.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.reasons import Refusal
from lrs.store.registry.changes import Changes, announce
from lrs.store.registry.database import reachable, reading
from lrs.store.registry.quotas import Quota, read_quotas, write_quota
from lrs.store.registry.scopes import read_scopes
from lrs.store.registry.tables import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterator

_APP = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
APP_RULE = "an app's name has 1 to 63 of a-z, 0-9, dot, hyphen, underscore, and begins with a letter or a digit"
_CACHED = 10_000
# OWASP's minimum for argon2id: about 40 ms and 19 MiB. Secrets are 256 random bits: guessing needs no more.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Strangers can make this server compute: two at a time leave the memory bounded, a short queue the waiting.
_AT_ONCE = 2
_QUEUE = 64
# To ask whether credentials changed is half the cost of a credential that is remembered: at thousands of requests a
# second once in this time is enough. `revoke` returns only after it.
_LOOK_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Credential:
    """Who sends: `app` is the name that the statements' authority carries; without `scopes` it has the default ones."""

    key: str
    app: str
    scopes: tuple[str, ...]
    created_at_ms: int
    revoked_at_ms: int | None = None


class _Row(NamedTuple):
    credential: Credential
    secret_hash: str


class Credentials:
    """The table `credentials`, all live rows of it in memory. Thread-safe."""

    def __init__(self, engine: sa.Engine, changes: Changes) -> None:
        self._engine = engine
        self._reader = reading(engine)
        self._changes = changes
        self._stale = True
        self._look_at = float("-inf")
        self._lock = threading.Lock()
        self._live: dict[str, _Row] = {}
        self._quotas: dict[str, Quota] = {}
        self._verified: OrderedDict[bytes, _Row] = OrderedDict()
        self._process_key = secrets.token_bytes(32)
        self._decoy = _HASHER.hash(secrets.token_urlsafe(32))
        self._hashing = threading.BoundedSemaphore(_AT_ONCE)
        self._queued = 0

    def add(self, app: str, *, scopes: tuple[str, ...] = (), quota: Quota | None = None) -> tuple[str, str]:
        """Make a key and a secret for `app`; the secret is not kept. Without scopes it has the default ones.

        With `quota` that is the app's from now on, else it keeps the one it has.

        Raises `RefusedError` for a malformed name or an unknown scope.
        """
        if not is_app_name(app):
            raise RefusedError(Refusal.INVALID, APP_RULE, path="app")
        words = read_scopes(scopes)
        key, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
        row = {
            "key": key,
            "app": app,
            "secret_hash": _HASHER.hash(secret),
            "scopes": " ".join(words),
            "created_at_ms": _now_ms(),
        }
        with reachable(), self._engine.begin() as connection:
            connection.execute(sa.insert(CREDENTIALS).values(row))
            if quota is not None:
                write_quota(connection, app, quota)
            announce(connection)
        return key, secret

    def list(self) -> list[Credential]:
        """All credentials, revoked ones too, in order of app and age."""
        query = sa.select(CREDENTIALS).order_by(CREDENTIALS.c.app, CREDENTIALS.c.created_at_ms, CREDENTIALS.c.key)
        with reachable(), self._reader.connect() as connection:
            return [_row(row).credential for row in connection.execute(query)]

    def set_quota(self, app: str, quota: Quota | None) -> None:
        """From now on, in every process, the app has this quota; None: none of its own."""
        if not is_app_name(app):
            raise RefusedError(Refusal.INVALID, APP_RULE, path="app")
        with reachable(), self._engine.begin() as connection:
            write_quota(connection, app, quota)
            announce(connection)

    def quotas(self) -> dict[str, Quota]:
        """The quota of every app that has one of its own, as the registry has them now."""
        with reachable(), self._reader.connect() as connection:
            return read_quotas(connection)

    def quota_of(self, app: str) -> Quota | None:
        """The app's own quota, from memory: microseconds. Raises `RetryError` when the registry cannot be asked."""
        with self._lock:
            self._refresh(now=False)
            return self._quotas.get(app)

    def revoke(self, key: str) -> bool:
        """End a credential: when this returns, no process takes it any more. False when no live one has that key."""
        live = sa.and_(CREDENTIALS.c.key == key, CREDENTIALS.c.revoked_at_ms.is_(None))
        with reachable(), self._engine.begin() as connection:
            ended = connection.execute(sa.update(CREDENTIALS).where(live).values(revoked_at_ms=_now_ms())).rowcount
            announce(connection)
        time.sleep(_LOOK_SECONDS)
        return ended > 0

    def recall(self, key: str, secret: str) -> Credential | None:
        """The credential if this process has verified exactly this pair before and it is still live: microseconds.

        None says nothing about the pair: `verify` decides. Raises `RetryError` when the registry cannot be asked.
        """
        return self._recall(key, secret, now=False)

    def _recall(self, key: str, secret: str, *, now: bool) -> Credential | None:
        token = self._token(key, secret)
        with self._lock:
            self._refresh(now=now)
            row = self._verified.get(token)
            if row is None or self._live.get(key) != row:
                return None
            self._verified.move_to_end(token)
            return row.credential

    def verify(self, key: str, secret: str) -> Credential | None:
        """The live credential of the pair, or None. Takes argon2's time unless `recall` knows: not for an event loop.

        Raises `RetryError` when the registry cannot be asked, or too many checks wait already.
        """
        known = self._recall(key, secret, now=True)  # it may have been made a moment ago
        if known is not None:
            return known
        with self._lock:
            row = self._live.get(key)
        with self._turn():
            matches = _matches(row.secret_hash if row else self._decoy, secret)
        if row is None or not matches:
            return None
        with self._lock:
            self._verified[self._token(key, secret)] = row
            if len(self._verified) > _CACHED:
                self._verified.popitem(last=False)
        return self._recall(key, secret, now=True)  # it may have been revoked meanwhile

    def _refresh(self, *, now: bool) -> None:
        moment = time.monotonic()
        if moment < self._look_at and not (now or self._stale):
            return
        self._stale = self._changes.seen() or self._stale
        self._look_at = moment + _LOOK_SECONDS
        if not self._stale:
            return
        live = sa.select(CREDENTIALS).where(CREDENTIALS.c.revoked_at_ms.is_(None))
        with reachable(), self._reader.connect() as connection:
            self._live = {row.key: _row(row) for row in connection.execute(live)}
            self._quotas = read_quotas(connection)
        self._stale = False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._lock:
            if self._queued >= _QUEUE:
                raise RetryError("credential check", f"{self._queued} checks are waiting")
            self._queued += 1
        try:
            with self._hashing:
                yield
        finally:
            with self._lock:
                self._queued -= 1

    def _token(self, key: str, secret: str) -> bytes:
        pair = f"{len(key)}:{key}{secret}".encode("utf-8", "surrogatepass")
        return blake2b(pair, key=self._process_key, digest_size=32).digest()


def is_app_name(text: str) -> bool:
    """Whether `text` can name an app: see `APP_RULE`."""
    return _APP.fullmatch(text) is not None


def _matches(secret_hash: str, secret: str) -> bool:
    try:
        return _HASHER.verify(secret_hash, secret.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


def _row(row: sa.Row[Any]) -> _Row:
    scopes = tuple(row.scopes.split())
    return _Row(Credential(row.key, row.app, scopes, row.created_at_ms, row.revoked_at_ms), row.secret_hash)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
