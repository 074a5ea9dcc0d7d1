"""Content codings: what is compressed comes out again, within its bound; what an answer is compressed by."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from contextlib import suppress

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.codings import chosen, decoded, encoded
from lrs.kernel.errors import RefusedError

_CODINGS = ["gzip", "br", "zstd"]
_MIB = 1024 * 1024


@given(st.binary(max_size=2000), st.sampled_from(_CODINGS))
async def test_what_was_encoded_is_decoded(body: bytes, coding: str) -> None:
    assert await decoded(await encoded(body, coding), coding.upper().encode(), 2000) == body


@pytest.mark.parametrize("header", [b"identity", b""])
async def test_no_coding_leaves_the_body_as_it_is(header: bytes) -> None:
    assert await decoded(b"body", header, 1) == b"body"


async def test_the_old_name_of_gzip_is_understood() -> None:
    assert await decoded(gzip.compress(b"body"), b"x-gzip", 10) == b"body"


@pytest.mark.parametrize("coding", _CODINGS)
async def test_a_bomb_is_too_large_and_takes_no_more_memory_than_the_bound(coding: str) -> None:
    bomb = await encoded(bytes(64 * _MIB), coding)
    tracemalloc.start()
    try:
        with pytest.raises(RefusedError, match="MAX_BODY_MB") as caught:
            await decoded(bomb, coding.encode(), _MIB)
        assert tracemalloc.get_traced_memory()[1] < 3 * _MIB
    finally:
        tracemalloc.stop()
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("coding", _CODINGS)
@given(noise=st.binary(min_size=1, max_size=100))
async def test_bytes_that_are_not_of_their_coding_are_a_400(coding: str, noise: bytes) -> None:
    whole = await encoded(b"a body that is longer than nothing", coding)
    for body in (noise, whole + noise, whole[: len(whole) // 2]):
        with suppress(HttpError):
            await decoded(body, coding.encode(), _MIB)
    with pytest.raises(HttpError) as caught:
        await decoded(whole[:-3], coding.encode(), _MIB)
    assert (caught.value.status, caught.value.path) == (400, "body")


@pytest.mark.parametrize("header", [b"compress", b"deflate", b"gzip, br", b"\xff"])
async def test_another_coding_is_a_415_that_says_which_are_spoken(header: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        await decoded(zlib.compress(b"body"), header, 10)
    assert caught.value.status == 415
    assert dict(caught.value.headers)[b"accept-encoding"] == b"zstd, br, gzip"


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (b"gzip, deflate", "gzip"),
        (b"gzip, deflate, br", "br"),
        (b"gzip, deflate, br, zstd", "zstd"),
        (b"*", "zstd"),
        (b"gzip;q=1.0, br;q=0.5", "gzip"),
        (b"zstd;q=0, br;q=0, *", "gzip"),
        (b"gzip;q=0", ""),
        (b"identity", ""),
        (b"", ""),
        (b"deflate", ""),
        (b"GZIP", "gzip"),
        (b"gzip;q=nonsense", "gzip"),
        (b"\xff,,;;=", ""),
    ],
)
def test_an_answer_is_compressed_as_the_client_likes_best(header: bytes, coding: str) -> None:
    assert chosen(header, 1024) == coding
    assert chosen(header, 1023) == ""


async def test_a_large_answer_is_compressed_too() -> None:
    body = b"statement" * 100_000
    assert bytes(cramjam.zstd.decompress(await encoded(body, "zstd"))) == body
