"""The bytes on the log: every record comes back, and other bytes are told apart."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import fastavro
import pytest
from fastavro.schema import fingerprint, to_parsing_canonical_form
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.codec import Codec, ContractError, codec
from tests.unit.contract.schemas import schemas

NOUNS = sorted(schemas())
RECORDS = {noun: schemas()[noun][-1].records() for noun in NOUNS}
ANY = st.sampled_from(NOUNS).flatmap(lambda noun: st.tuples(st.just(noun), RECORDS[noun]))
Drawn = tuple[str, Any]


@given(ANY)
def test_any_record_comes_back_as_it_was(drawn: Drawn) -> None:
    noun, record = drawn
    assert codec(noun).decode(codec(noun).encode(record)) == record


@given(ANY)
def test_a_record_that_was_cut_anywhere_is_no_record(drawn: Drawn) -> None:
    noun, record = drawn
    value = codec(noun).encode(record)
    for length in {0, 1, 2, 9, 10, len(value) // 2, len(value) - 1} - {len(value)}:
        with pytest.raises(ContractError):
            codec(noun).decode(value[:length])


@given(ANY, st.binary(min_size=1, max_size=9))
def test_a_record_with_more_behind_it_is_no_record(drawn: Drawn, more: bytes) -> None:
    noun, record = drawn
    with pytest.raises(ContractError, match="bytes follow its end"):
        codec(noun).decode(codec(noun).encode(record) + more)


@given(ANY, st.sampled_from(NOUNS))
def test_a_record_of_another_noun_is_told_apart(drawn: Drawn, other: str) -> None:
    noun, record = drawn
    if noun != other:
        with pytest.raises(ContractError, match="unknown schema fingerprint"):
            codec(other).decode(codec(noun).encode(record))


@given(st.sampled_from(NOUNS), st.binary(max_size=80), st.booleans())
def test_any_bytes_are_a_record_or_an_error(noun: str, value: bytes, with_header: bool) -> None:  # noqa: FBT001
    whole = codec(noun).header + value if with_header else value
    try:
        record = codec(noun).decode(whole)
    except ContractError:
        return
    # Compared as text, because bytes may spell a number that is not equal to itself.
    assert repr(codec(noun).decode(codec(noun).encode(record))) == repr(record)


@given(ANY, st.data())
def test_any_damage_gives_a_record_or_an_error(drawn: Drawn, data: st.DataObject) -> None:
    noun, record = drawn
    value = bytearray(codec(noun).encode(record))
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ContractError):
        codec(noun).decode(bytes(value))


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("value", [None, b"", b"\xc3", b"\xc3\x01", b"\x00\x00\x00\x00\x01text", b'{"actor":{}}'])
def test_a_foreign_value_is_no_record(noun: str, value: bytes | None) -> None:
    with pytest.raises(ContractError, match=f"not a {noun} record"):
        codec(noun).decode(value)


@pytest.mark.parametrize("noun", NOUNS)
def test_a_record_that_does_not_fit_is_refused_on_the_way_out(noun: str) -> None:
    schema = schemas()[noun][-1]
    record = schema.covering()[0]
    # Of anything in Python it can be said whether it is true, and that is what is sent for a boolean.
    for name in [field["name"] for field in schema.json["fields"] if field["type"] != "boolean"]:
        with pytest.raises(ContractError, match=f"not a {noun} record"):
            codec(noun).encode(record | {name: object()})
    with pytest.raises(ContractError):
        codec(noun).encode({})


@pytest.mark.parametrize("noun", NOUNS)
def test_the_header_is_the_standards_single_object_header(noun: str) -> None:
    canonical = to_parsing_canonical_form(schemas()[noun][-1].json)
    assert codec(noun).header[:2] == b"\xc3\x01"
    assert codec(noun).header[2:].hex() == fingerprint(canonical, "CRC-64-AVRO")


def test_the_header_is_little_endian() -> None:
    """The specification's own CRC-64-AVRO, computed here by hand, against the bytes that are sent."""
    table = []
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = (crc >> 1) ^ (0xC15D213AA4D7A795 & -(crc & 1))
        table.append(crc)
    crc = 0xC15D213AA4D7A795
    for octet in to_parsing_canonical_form(schemas()["received"][-1].json).encode():
        crc = (crc >> 8) ^ table[(crc ^ octet) & 0xFF]
    assert codec("received").header == b"\xc3\x01" + crc.to_bytes(8, "little")


def test_headers_are_all_different() -> None:
    assert len({codec(noun).header for noun in NOUNS}) == len(NOUNS)


def test_every_version_of_a_noun_is_decoded_to_the_newest_shape() -> None:
    for noun, versions in schemas().items():
        newest = {field["name"] for field in versions[-1].json["fields"]}
        for schema in versions:
            canonical = to_parsing_canonical_form(schema.json)
            header = b"\xc3\x01" + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))
            for record in schema.covering():
                value = header + _datum(schema.json, record)
                assert set(codec(noun).decode(value)) == newest


def test_an_unknown_noun_has_no_codec() -> None:
    with pytest.raises(ContractError, match="no schema"):
        Codec("nothing")


def _datum(schema: Any, record: Any) -> bytes:  # noqa: ANN401 - any JSON
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
    return out.getvalue()
