"""Whatever the bytes are, they are a statement or they are refused: nothing else can happen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.api.gateway.batches import Limits, read_batch
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import XapiVersion, compose, read_statement
from lrs.kernel.statements.activities import DEEPEST_EXTENSION
from lrs.kernel.statements.decoding import Memory, read_number
from tests.unit.statements.examples import DRILL, SUB_STATEMENT, about, changed, raw

WHOLE = raw(DRILL)


def refusal(body: bytes, version: XapiVersion = XapiVersion.V1) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read_statement(body, version)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"null",
        b"3",
        b'"text"',
        b"[]",
        b"{",
        b"}",
        b"{}}",
        b"{'actor': 1}",
        b'{"actor":1,}',
        b"\xef\xbb\xbf" + WHOLE,
        WHOLE.decode().encode("utf-16"),
        WHOLE[:-1],
        WHOLE + b"x",
        WHOLE + WHOLE,
        WHOLE.replace(b"3.6", b"\xff\xfe"),
        WHOLE.replace(b"Drill", b"\xed\xa0\x80"),
        WHOLE.replace(b"Drill", b"\\ud800"),
        WHOLE.replace(b"Drill", b"\\udc00\\ud800"),
        WHOLE.replace(b"Drill", b"\x00"),
        WHOLE.replace(b"Drill", b"a\nb"),
        WHOLE.replace(b'"raw": 10', b'"raw": NaN'),
        WHOLE.replace(b'"raw": 10', b'"raw": Infinity'),
        WHOLE.replace(b'"raw": 10', b'"raw": 010'),
        WHOLE.replace(b'"raw": 10', b'"raw": +10'),
        b"[" * 100_000,
        b'{"actor":' * 100_000,
    ],
)
def test_bytes_that_are_no_json_object_are_refused(body: bytes) -> None:
    assert body != WHOLE
    assert refusal(body).reason in {Refusal.NOT_JSON, Refusal.INVALID}


def test_invalid_utf_8_is_told_with_its_place() -> None:
    error = refusal(WHOLE.replace(b"Drill", b"\xff"))
    assert (error.reason, error.path) == (Refusal.NOT_JSON, "$.context")
    assert "UTF-8" in error.rule


def test_the_first_of_two_faults_is_told() -> None:
    body = raw(changed("verb/display", {"ja": 1, "en": "answered"})).replace(b'answered"}', b'\xff"}')
    error = refusal(body)
    assert (error.reason, error.path) == (Refusal.INVALID, "$.verb.display")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "9" * 5000, "1" * 100_000])
def test_a_number_that_no_double_holds_is_refused(number: str) -> None:
    for place in ("result/score/raw", "context/extensions"):
        value: Any = 777 if place.endswith("raw") else {"urn:a:b": [777]}
        error = refusal(raw(changed(place, value, changed("result/score", {}))).replace(b"777", number.encode()))
        assert error.path.startswith("$." + place.replace("/", "."))


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "1e308", "-1E-400", "0.1e1", "-0"])
def test_a_number_that_a_double_holds_is_accepted(number: str) -> None:
    body = raw(changed("context/extensions", {"urn:a:b": 777})).replace(b"777", number.encode())
    assert number.encode() in compose(
        read_statement(body, XapiVersion.V1).raw, statement_id=bytes(16), stored_ms=0, authority=b"{}", version="1.0.3"
    )


@pytest.mark.parametrize("opening", ['{"a":', "["])
def test_extensions_are_nested_to_a_limit(opening: str) -> None:
    closing = "}" if opening.startswith("{") else "]"

    def nested(depth: int) -> bytes:
        return raw(changed("context/extensions", {"urn:a:b": 777})).replace(
            b"777", (opening * depth + "1" + closing * depth).encode()
        )

    read_statement(nested(DEEPEST_EXTENSION), XapiVersion.V1)
    assert refusal(nested(DEEPEST_EXTENSION + 1)).path == "$.context.extensions['urn:a:b']"
    assert refusal(nested(50_000)).reason == Refusal.INVALID


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (WHOLE.replace(b'"timestamp"', b'"id": "x", "timestamp"'), "$.id"),
        (WHOLE.replace(b'"timestamp"', b'"result": {}, "timestamp"'), "$.result"),
        (raw(DRILL).replace(b" ", b"").replace(b'"timestamp"', b'"verb":{},"timestamp"'), "$.verb"),
        (WHOLE.replace(b'"success"', b'"success": false, "success"'), "$.result.success"),
        (WHOLE.replace(b'"scaled"', b'"r\\u0061w": 3, "scaled"'), "$.result.score.raw"),
        (WHOLE.replace(b'"en-US"', b'"ja-JP": "", "en-US"'), "$.verb.display['ja-JP']"),
        (WHOLE.replace(b'"platform"', b'"platform": "\\\\\\":", "platform"'), "$.context.platform"),
        (
            raw(changed("context/extensions", {"urn:a:b": [{"x": 1}]})).replace(b'"x"', b'"x": 2, "x"'),
            "$.context.extensions['urn:a:b'][0].x",
        ),
        (raw(about(SUB_STATEMENT)).replace(b'"objectType": "Sub', b'"verb": {}, "objectType": "Sub'), "$.object.verb"),
        (WHOLE.replace(b'"homePage"', b'"name": "other", "homePage"'), "$.actor.account.name"),
    ],
)
def test_a_repeated_key_is_refused_where_it_is_repeated(body: bytes, path: str) -> None:
    error = refusal(body)
    assert error.path == path
    assert "no more than once" in error.rule


def test_what_only_looks_like_a_repeated_key_is_accepted() -> None:
    for text in ('"id":', "\\", '\\"', '":', '{"a":1,"a":2}', "\u0001", '\\\\"'):
        for encoded in (
            json.dumps(changed("result/response", text)),
            json.dumps(changed("result/response", text), ensure_ascii=False),
        ):
            read_statement(encoded.encode(), XapiVersion.V1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    "id", "actor", "actor/account", "actor/account/name", "actor/objectType", "verb", "verb/id", "verb/display",
    "object", "object/objectType", "object/id", "object/definition", "object/definition/interactionType",
    "object/definition/extensions", "result", "result/score", "result/score/raw", "result/duration", "context",
    "context/contextActivities/grouping", "context/language", "context/registration", "context/team",
    "context/contextAgents", "timestamp", "stored", "authority", "version", "attachments",
]  # fmt: skip


def outcome(read: Callable[[bytes, XapiVersion], object], body: bytes, version: XapiVersion) -> RefusedError | None:
    try:
        read(body, version)
    except RefusedError as error:
        return error
    return None


def read_array(body: bytes, version: XapiVersion) -> object:
    return read_batch(body, version, Limits(100, 1 << 20))


def read_or_refuse(body: bytes) -> None:
    for version in XapiVersion:
        for read in (read_statement, read_array):
            error = outcome(read, body, version)
            if error:
                assert error.reason in {Refusal.NOT_JSON, Refusal.INVALID}
                assert error.path.startswith("$")
                assert error.rule


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    read_or_refuse(body)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 20), st.binary(max_size=4))
def test_any_damage_to_a_statement_is_read_or_refused(place: int, cut: int, put: bytes) -> None:
    read_or_refuse(WHOLE[:place] + put + WHOLE[place + cut :])


@given(st.sampled_from(PLACES), JSON)
def test_any_json_in_any_place_is_read_or_refused(place: str, value: object) -> None:
    read_or_refuse(json.dumps(changed(place, value)).encode())


def written(value: object, twice: list[int], comma: str, colon: str) -> str:
    """JSON in which the first key of every object whose turn is in `twice` comes twice; `twice[0]` counts objects."""
    if isinstance(value, list):
        return f"[{comma.join(written(inner, twice, comma, colon) for inner in value)}]"
    if not isinstance(value, dict):
        return json.dumps(value)
    twice[0] += bool(value)
    repeat = bool(value) and twice[0] in twice[1:]
    members = [f"{json.dumps(name)}{colon}{written(inner, twice, comma, colon)}" for name, inner in value.items()]
    return f"{{{comma.join(members[:1] * repeat + members)}}}"


@given(
    st.dictionaries(st.text(max_size=6), JSON, max_size=3),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:")]),
    st.integers(1, 12),
)
def test_any_repeated_key_is_found(extension: dict[str, Any], separators: tuple[str, str], turn: int) -> None:
    statement = changed("context/extensions", {"urn:a:b": extension, "urn:a:c": '\\"'})
    assert read_statement(written(statement, [0, -1], *separators).encode(), XapiVersion.V1)
    error = refusal(written(statement, [0, turn], *separators).encode())
    assert "no more than once" in error.rule


def test_what_is_remembered_is_bounded() -> None:
    memory: Memory[int] = Memory()
    for number in range(3 * Memory.most):
        memory.keep(b"%d" % number, number)
    memory.keep(b"x" * (Memory.longest + 1), 1)
    assert len(memory) <= Memory.most
    assert max(map(len, memory)) <= Memory.longest


@given(
    st.floats(allow_nan=False, allow_infinity=False)
    | st.from_regex(r"-?[1-9][0-9]{0,25}\.[0-9]{1,25}(e-?[0-9]{1,2})?", fullmatch=True)
)
def test_a_number_is_read_as_the_decoder_would(number: float | str) -> None:
    text = number if isinstance(number, str) else repr(number)
    assert read_number(text) == msgspec.json.decode(text.encode())


def test_a_number_too_large_is_refused_wherever_it_is() -> None:
    for part in ("object/definition", "result", "context"):
        body = raw(changed(f"{part}/extensions", {"https://drill.example.jp/x": "HUGE"})).replace(b'"HUGE"', b"1e400")
        assert refusal(body).reason is Refusal.INVALID, part


@pytest.mark.parametrize("part", ["object/definition", "result", "context"])
@pytest.mark.parametrize("version", XapiVersion)
def test_no_number_takes_many_times_as_long_as_another(part: str, version: XapiVersion) -> None:
    def seconds(number: bytes) -> float:
        many = b"[" + b",".join([number] * 20_000) + b"]"
        body = raw(changed(f"{part}/extensions", {"https://drill.example.jp/x": "MANY"}))
        began = time.process_time()
        read_statement(body.replace(b'"MANY"', many), version)
        return time.process_time() - began

    usual = seconds(b"1.25")
    assert seconds(b"1e-320") < 8 * usual
    assert seconds(b"1e308") < 8 * usual
