"""The hand-written envelope reader, held to the codec."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.codec import ContractError, codec
from processors.envelopes import Envelope, read_envelope

LONG = st.integers(-(1 << 63), (1 << 63) - 1)
envelopes = st.builds(
    Envelope,
    st.binary(min_size=16, max_size=16),
    st.text(max_size=200),
    st.sampled_from(["GATEWAY", "SDK"]),
    st.text(max_size=10),
    st.none() | LONG,
    st.none() | st.binary(max_size=200),
    st.binary(max_size=300),
)


def by_codec(value: bytes) -> Envelope | None:
    try:
        return Envelope(**codec("received").decode(value))
    except ContractError:
        return None


def by_hand(value: bytes) -> Envelope | None:
    try:
        return read_envelope(value)
    except ContractError:
        return None


@given(envelopes)
def test_every_envelope_reads_as_the_codec_reads_it(envelope: Envelope) -> None:
    value = codec("received").encode(envelope._asdict())
    assert read_envelope(value) == envelope == by_codec(value)


@given(envelopes, st.data())
def test_damaged_bytes_read_as_the_codec_reads_them(envelope: Envelope, data: st.DataObject) -> None:
    value = bytearray(codec("received").encode(envelope._asdict()))
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(value[: data.draw(st.integers(0, len(value)))] + data.draw(st.binary(max_size=3)))
    assert by_hand(damaged) == by_codec(damaged)


def test_a_number_without_end_is_refused_and_not_read_for_ever() -> None:
    header = codec("received").header
    with pytest.raises(ContractError):
        read_envelope(header + bytes(16) + b"\x02a\x02\x0a1.0.3\x02" + b"\xff" * 1_000_000)
