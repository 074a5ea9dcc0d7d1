"""The attachment store: what was put is got again, apart for each app; a full disk is told, not suffered."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrs.kernel.errors import RetryError
from lrs.store.objects import Objects


def _sha2(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects", min_free_mb=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=100), st.just(bytes(1_000_000))))
def test_what_was_put_is_got_again_however_often_it_is_put(objects: Objects, content: bytes) -> None:
    for given_content in (content, memoryview(content)):
        objects.put("drill-a", _sha2(content), given_content)
        assert objects.size("drill-a", _sha2(content)) == len(content)
        assert b"".join(objects.pieces("drill-a", _sha2(content))) == content


def test_a_large_object_comes_in_pieces(objects: Objects) -> None:
    content = os.urandom(600_000)
    objects.put("drill-a", _sha2(content), content)
    assert [len(piece) for piece in objects.pieces("drill-a", _sha2(content))] == [262_144, 262_144, 75_712]


def test_what_one_app_sent_another_does_not_have(objects: Objects) -> None:
    objects.put("drill-a", _sha2(b"x"), b"x")
    assert objects.size("drill-b", _sha2(b"x")) is None
    with pytest.raises(FileNotFoundError):
        next(objects.pieces("drill-b", _sha2(b"x")))


def test_another_store_on_the_same_folder_has_it_too(objects: Objects, tmp_path: Path) -> None:
    objects.put("drill-a", _sha2(b"x"), b"x")
    assert Objects(tmp_path / "objects", min_free_mb=1).size("drill-a", _sha2(b"x")) == 1


@pytest.mark.parametrize(
    ("app", "sha2"),
    [
        ("..", _sha2(b"x")),
        ("", _sha2(b"x")),
        ("a/b", _sha2(b"x")),
        ("drill-a", "../../../../etc/passwd"),
        ("drill-a", ""),
        ("drill-a", _sha2(b"x").upper()),
    ],
)
def test_a_name_that_is_none_reaches_no_file(objects: Objects, app: str, sha2: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        objects.put(app, sha2, b"x")
    with pytest.raises(ValueError, match="no name"):
        objects.size(app, sha2)


def test_with_too_little_disk_nothing_is_taken_and_what_is_there_is_still_given(
    objects: Objects, tmp_path: Path
) -> None:
    objects.put("drill-a", _sha2(b"x"), b"x")
    full = Objects(tmp_path / "objects", min_free_mb=2**40)
    full.put("drill-a", _sha2(b"x"), b"x")
    with pytest.raises(RetryError, match="disk is full"):
        full.put("drill-a", _sha2(b"y"), b"y")
    assert b"".join(full.pieces("drill-a", _sha2(b"x"))) == b"x"


def test_a_disk_that_fails_is_a_reason_to_try_again(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "objects" / "apps").write_text("in the way")
    with pytest.raises(RetryError, match="attachment store"):
        objects.put("drill-a", _sha2(b"x"), b"x")


def test_what_a_killed_process_left_half_written_is_swept_but_not_what_is_being_written(tmp_path: Path) -> None:
    drafts = tmp_path / "objects" / "drafts"
    drafts.mkdir(parents=True)
    old, young = drafts / "old", drafts / "young"
    for draft in (old, young):
        draft.write_text("half")
    os.utime(old, (time.time() - 7200,) * 2)
    Objects(tmp_path / "objects", min_free_mb=1)
    assert [draft.name for draft in drafts.iterdir()] == ["young"]
