"""Lock, state, logs and jars of a zone on disk."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from lrs.cli.jars import LOCK, Jar, read_lock
from lrs.cli.log_files import last_sentence, trim_logs
from lrs.cli.wiring import read_root_key
from lrs.cli.zone_lock import zone_lock
from lrs.cli.zone_state import running_zone
from lrs.kernel.errors import StopError
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder


@pytest.fixture
def folder(tmp_path: Path) -> ZoneFolder:
    folder = ZoneFolder(tmp_path / "zone")
    folder.prepare()
    return folder


def test_a_folder_has_one_supervisor_and_the_other_is_told_which(folder: ZoneFolder) -> None:
    with zone_lock(folder), pytest.raises(StopError, match=rf"already runs.*process {os.getpid()}"), zone_lock(folder):
        pass
    with zone_lock(folder):
        pass


def test_the_state_of_a_supervisor_that_is_gone_counts_for_nothing(folder: ZoneFolder) -> None:
    state = folder.run / "zone.json"
    assert running_zone(folder.root) is None
    state.write_text(json.dumps({"pid": os.getpid()}))
    assert running_zone(folder.root) == {"pid": os.getpid()}
    state.write_text(json.dumps({"pid": 2**22 + 1}))
    assert running_zone(folder.root) is None
    state.write_text("{")
    assert running_zone(folder.root) is None


def test_a_large_log_is_moved_aside_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "lrs.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 100)
        trim_logs(tmp_path, largest_bytes=50)
        writer.write(b"new\n")
    assert (log.read_bytes(), (tmp_path / "lrs.log.1").read_bytes()) == (b"new\n", b"x" * 100)


def test_a_small_log_stays(tmp_path: Path) -> None:
    (tmp_path / "lrs.log").write_bytes(b"x")
    trim_logs(tmp_path, largest_bytes=50)
    assert [path.name for path in tmp_path.iterdir()] == ["lrs.log"]


def test_the_last_words_of_a_child_are_its_last_sentence_to_a_person(tmp_path: Path) -> None:
    log = tmp_path / "lrs.log"
    assert last_sentence(log) == ""
    log.write_text('ayumi: old. Do this.\n{"event": "x"}\nayumi: new. Do that.\n{"event": "y"}\n')
    assert last_sentence(log) == "new. Do that."


def test_the_shipped_lock_names_each_jar_once_with_a_whole_checksum() -> None:
    jars = read_lock()
    assert len({jar.coordinate for jar in jars}) == len({jar.file_name for jar in jars}) == len(jars) > 40
    assert all(len(bytes.fromhex(jar.sha256)) == 32 and jar.bytes > 0 for jar in jars)
    assert "http" not in LOCK.read_text("utf-8")


def test_a_damaged_lock_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "lock.toml"
    lock.write_text('[[jar]]\ncoordinate = "a:b:1"\n')
    with pytest.raises(StopError, match="Install ayumi again"):
        read_lock(lock)


def test_a_jar_is_intact_when_every_byte_is_the_locked_one(tmp_path: Path) -> None:
    path = tmp_path / "b-1.jar"
    jar = Jar("a:b:1", hashlib.sha256(b"jar").hexdigest(), 3)
    assert not jar.is_intact(path)
    for content in (b"ja", b"jas", b"jar!"):
        path.write_bytes(content)
        assert not jar.is_intact(path)
    path.write_bytes(b"jar")
    assert jar.is_intact(path)


@pytest.mark.parametrize("content", ["", "zz", "00" * 31])
def test_a_root_key_that_is_none_is_refused_and_never_shown(folder: ZoneFolder, content: str) -> None:
    folder.root_key.write_text(content)
    with pytest.raises(StopError, match=r"root key .*backup"):
        read_root_key(Settings(), folder)


def test_the_root_key_of_a_new_folder_has_32_bytes(folder: ZoneFolder) -> None:
    assert len(read_root_key(Settings(), folder)) == 32
