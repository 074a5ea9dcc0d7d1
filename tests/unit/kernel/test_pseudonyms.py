"""What can be joined with what, and what cannot."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.errors import StopError
from lrs.kernel.pseudonyms import Pseudonyms, learner_key, read_root_key

ROOT = bytes(range(32))
SALT = bytes(16)
LEARNER = learner_key("https://portal.example.jp", "child-1")


def hkdf(root: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt, one block: an independent statement of what the module derives."""
    extracted = hmac.digest(bytes(32), root, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def test_a_pseudonym_is_the_hmac_of_salt_and_account_under_the_years_key() -> None:
    message = SALT + b"\x1fhttps://portal.example.jp\x1fchild-1"
    expected = hmac.new(hkdf(ROOT, b"ayumi/learner/dashboards/2026"), message, hashlib.sha256).digest()[:16]
    assert Pseudonyms(ROOT, "dashboards").pseudonym(2026, SALT, LEARNER) == expected


def test_the_same_learner_has_one_pseudonym_in_a_purpose_and_year() -> None:
    one, two = Pseudonyms(ROOT, "dashboards"), Pseudonyms(ROOT, "dashboards")
    assert (
        one.pseudonym(2026, SALT, LEARNER) == one.pseudonym(2026, SALT, LEARNER) == two.pseudonym(2026, SALT, LEARNER)
    )


@pytest.mark.parametrize(
    ("root", "purpose", "year", "salt", "learner"),
    [
        (bytes(32), "dashboards", 2026, SALT, LEARNER),
        (ROOT, "research", 2026, SALT, LEARNER),
        (ROOT, "dashboards", 2027, SALT, LEARNER),
        (ROOT, "dashboards", 2026, b"\x01" * 16, LEARNER),
        (ROOT, "dashboards", 2026, SALT, learner_key("https://other.example.jp", "child-1")),
    ],
)
def test_another_zone_purpose_year_salt_or_portal_gives_an_unrelated_pseudonym(
    root: bytes, purpose: str, year: int, salt: bytes, learner: str
) -> None:
    known = Pseudonyms(ROOT, "dashboards").pseudonym(2026, SALT, LEARNER)
    assert Pseudonyms(root, purpose).pseudonym(year, salt, learner) != known


def test_a_trailing_blank_in_the_home_page_is_no_difference() -> None:
    assert learner_key("https://portal.example.jp ", "child-1") == LEARNER


def test_the_key_of_a_statement_does_not_depend_on_the_school_year() -> None:
    # A voiding statement of April has to find its target of March.
    keys = Pseudonyms(ROOT, "dashboards")
    keys.pseudonym(2026, SALT, LEARNER)
    keys.pseudonym(2027, SALT, LEARNER)
    expected = hmac.digest(hkdf(ROOT, b"ayumi/statement/dashboards"), bytes(16), "sha256")[:16]
    assert keys.statement_key(bytes(16)) == expected


def test_registrations_are_not_linked_across_years_and_ignore_case() -> None:
    keys = Pseudonyms(ROOT, "dashboards")
    registration = "0F0F0F0F-0000-4000-8000-00000000000A"
    assert keys.registration_key(2026, registration) == keys.registration_key(2026, registration.lower())
    assert keys.registration_key(2026, registration) != keys.registration_key(2027, registration)


@given(st.binary(min_size=16, max_size=16))
def test_kinds_of_keys_never_coincide(value: bytes) -> None:
    keys = Pseudonyms(ROOT, "dashboards")
    text = value.hex()
    made = {
        keys.statement_key(text.encode()),
        keys.activity_key(text),
        keys.registration_key(2026, text),
        keys.pseudonym(2026, b"", text),
    }
    assert len(made) == 4


def test_no_key_tells_its_input() -> None:
    keys = Pseudonyms(ROOT, "dashboards")
    assert keys.activity_key("x" * 16) != b"x" * 16
    assert keys.statement_key(b"x" * 16) != b"x" * 16


@pytest.mark.parametrize("text", ["", "zz", "00" * 31, "00" * 33])
def test_a_root_key_of_another_shape_stops_the_part(text: str) -> None:
    with pytest.raises(StopError, match="32"):
        read_root_key(text)


def test_a_root_key_is_read_from_its_hex_digits() -> None:
    assert read_root_key(ROOT.hex() + "\n") == ROOT
