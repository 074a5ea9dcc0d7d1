"""Pseudonyms and re-minted ids: HMAC-SHA-256 under keys derived from the zone's root key, cut to 16 bytes.

Nothing is stored. What a key covers decides what can be joined: other zones (other root), other purposes and, for
learners and registrations, other school years give unrelated values.
"""

from __future__ import annotations

from typing import TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lrs.kernel.errors import StopError

ROOT_KEY_BYTES = 32
_KEY_BYTES = 16
_SEPARATOR = "\x1f"
# Learners and activities of one day recur; statements do not, and are not cached.
_CACHE_ENTRIES = 65_536
_CACHED_CHARACTERS = 300


def read_root_key(text: str) -> bytes:
    """The root key from the text of its file: 64 hexadecimal digits. Raises `StopError`."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    _check(key)
    return key


class Pseudonyms:
    """All re-minting for one purpose. Not for sharing between threads."""

    def __init__(self, root_key: bytes, purpose: str) -> None:
        """`root_key` has 32 bytes and must never reach a log, Kafka or a store. Raises `StopError`."""
        _check(root_key)
        self._root_key = root_key
        self._purpose = purpose
        # A voiding statement may come years after its target and has to find it: no school year in this key. Activities
        # are not persons, and material is compared over the years.
        self._statements = self._mac("statement")
        self._activities = self._mac("activity")
        self._learners_of: dict[int, HMAC] = {}
        self._registrations_of: dict[int, HMAC] = {}
        self._pseudonyms: dict[tuple[int, bytes, str], bytes] = {}
        self._registration_keys: dict[tuple[int, str], bytes] = {}
        self._activity_keys: dict[str, bytes] = {}

    def pseudonym(self, year: int, salt: bytes, learner: str) -> bytes:
        """The learner in one school year. `learner` is `learner_key()`; over salt, 0x1F, homePage, 0x1F, name."""
        known = self._pseudonyms.get((year, salt, learner))
        if known is None:
            mac = self._learners_of.get(year)
            if mac is None:
                mac = self._learners_of[year] = self._mac("learner", year)
            known = _digest(mac, salt + f"{_SEPARATOR}{learner}".encode("utf-8", "surrogatepass"))
            _remember(self._pseudonyms, (year, salt, learner), known, len(learner))
        return known

    def registration_key(self, year: int, registration: str) -> bytes:
        """A registration or sitting in one school year; upper and lower case are the same."""
        known = self._registration_keys.get((year, registration))
        if known is None:
            mac = self._registrations_of.get(year)
            if mac is None:
                mac = self._registrations_of[year] = self._mac("registration", year)
            known = _digest(mac, registration.lower().encode("utf-8", "surrogatepass"))
            _remember(self._registration_keys, (year, registration), known, len(registration))
        return known

    def activity_key(self, activity_id: str) -> bytes:
        """An activity, whatever the school year."""
        known = self._activity_keys.get(activity_id)
        if known is None:
            known = _digest(self._activities, activity_id.encode("utf-8", "surrogatepass"))
            _remember(self._activity_keys, activity_id, known, len(activity_id))
        return known

    def statement_key(self, statement_id: bytes) -> bytes:
        """A statement by the 16 bytes of its id, whatever the school year."""
        mac = self._statements.copy()
        mac.update(statement_id)
        return mac.finalize()[:_KEY_BYTES]

    def _mac(self, kind: str, year: int | None = None) -> HMAC:
        label = "/".join(("ayumi", kind, self._purpose, *([] if year is None else [str(year)])))
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=label.encode()).derive(self._root_key)
        return HMAC(key, SHA256())


def learner_key(home_page: str, name: str) -> str:
    """How an account is named in keys and views. Blanks around homePage are a known fault of senders."""
    return f"{home_page.strip()}{_SEPARATOR}{name}"


def _digest(mac: HMAC, message: bytes) -> bytes:
    # Copying a keyed object costs a quarter of keying it again (0.8 against 2.2 µs).
    own = mac.copy()
    own.update(message)
    return own.finalize()[:_KEY_BYTES]


_K = TypeVar("_K")


def _remember(cache: dict[_K, bytes], key: _K, value: bytes, characters: int) -> None:
    # Ids come from outside: neither their number nor their length may fill the memory.
    if characters > _CACHED_CHARACTERS:
        return
    if len(cache) >= _CACHE_ENTRIES:
        cache.clear()
    cache[key] = value


def _check(root_key: bytes) -> None:
    if len(root_key) != ROOT_KEY_BYTES:
        raise StopError(
            f"the zone's root key has {len(root_key)} bytes instead of {ROOT_KEY_BYTES}",
            remedy="Restore the key file from its backup (64 hexadecimal digits); a new key starts new pseudonyms.",
        )
