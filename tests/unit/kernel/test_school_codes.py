"""School codes and their check digit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.errors import RefusedError
from lrs.kernel.school_codes import check_digit, check_school_code

REAL = ["F112310102342", "B127210000018", "C102210000881"]


@pytest.mark.parametrize("code", REAL)
def test_codes_of_real_schools_pass(code: str) -> None:
    assert check_school_code(code) == code


@given(st.sampled_from(REAL), st.integers(1, 12), st.integers(1, 9))
def test_any_one_wrong_digit_is_noticed(code: str, place: int, more: int) -> None:
    wrong = code[:place] + str((int(code[place]) + more) % 10) + code[place + 1 :]
    with pytest.raises(RefusedError):
        check_school_code(wrong)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("", "has 13 characters"),
        ("B12721000001", "has 13 characters"),
        ("B1272100000188", "has 13 characters"),
        ("b127210000018", "school type"),
        ("I127210000018", "school type"),
        (" 127210000018", "school type"),
        ("B927210000018", "school type"),
        ("B1２7210000018", "twelve digits"),
        ("B1272100000-8", "twelve digits"),
        ("B100210000018", "prefecture"),
        ("B148210000018", "prefecture"),
        ("B127910000018", "founder"),
        ("B127200000018", "place 6"),
        ("B127210000019", "check digit"),
    ],
)
def test_a_refusal_names_the_rule(code: str, rule: str) -> None:
    with pytest.raises(RefusedError, match=rule) as caught:
        check_school_code(code, path="school_code")
    assert caught.value.path == "school_code"


@given(st.text(max_size=20))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    try:
        check_school_code(text)
    except RefusedError:
        return
    assert check_digit(text[:12]) == text[12]
