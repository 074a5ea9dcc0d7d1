"""Fetching the broker's jars, from a Maven repository on loopback."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lrs.cli.jars import class_path
from lrs.cli.ports import free_port
from lrs.kernel.errors import StopError

JARS = {f"org.example:part-{number}:1.0": f"jar {number}".encode() * 5000 for number in range(4)}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and can end an answer in the middle."""

    cut: frozenset[str] = frozenset()

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if name in self.cut:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"x" * 1000)
            return
        super().do_GET()


class Repository:
    """A Maven repository on loopback, and the lock that belongs to it."""

    def __init__(self, root: Path) -> None:
        self.files = root / "maven"
        self.lock = root / "lock.toml"
        self.cache = root / "cache"
        entries = []
        for coordinate, content in JARS.items():
            group, artifact, version = coordinate.split(":")
            path = self.files / group.replace(".", "/") / artifact / version / f"{artifact}-{version}.jar"
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            entries.append(f'[[jar]]\ncoordinate = "{coordinate}"\nsha256 = "{digest}"\nbytes = {len(content)}\n')
        self.lock.write_text("\n".join(entries))
        self.port = free_port()

    @contextmanager
    def online(self, *, cut: frozenset[str] = frozenset()) -> Iterator[None]:
        """Serve while entered."""
        handler = functools.partial(type("Handler", (Quiet,), {"cut": cut}), directory=str(self.files))
        with http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()

    def fetch(self) -> list[Path]:
        """As the broker does."""
        return class_path(self.cache, lock=self.lock, repositories={"here": f"http://127.0.0.1:{self.port}"})

    def leftovers(self) -> list[str]:
        """Everything in the cache that is no whole jar."""
        return [path.name for path in (self.cache / "jars").iterdir() if path.suffix != ".jar"]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_the_class_path_is_the_lock_in_its_order_and_needs_no_network_again(repository: Repository) -> None:
    with repository.online():
        first = repository.fetch()
    assert [path.read_bytes() for path in first] == list(JARS.values())
    assert repository.fetch() == first
    assert repository.leftovers() == []


def test_a_damaged_or_missing_jar_is_fetched_anew(repository: Repository) -> None:
    with repository.online():
        paths = repository.fetch()
        paths[1].write_bytes(b"damaged")
        paths[2].unlink()
        assert repository.fetch() == paths
    assert [path.read_bytes() for path in paths] == list(JARS.values())


def test_a_jar_that_is_not_the_locked_one_is_refused_and_not_kept(repository: Repository) -> None:
    altered = next(repository.files.rglob("part-2-1.0.jar"))
    altered.write_bytes(b"something else")
    with repository.online(), pytest.raises(StopError, match=r"part-2:1\.0 is not the file that was locked"):
        repository.fetch()
    assert not (repository.cache / "jars" / altered.name).exists()
    assert repository.leftovers() == []


def test_an_answer_that_is_cut_is_no_jar_and_the_next_start_goes_on(repository: Repository) -> None:
    with repository.online(cut=frozenset({"part-3-1.0.jar"})), pytest.raises(StopError, match=r"cannot fetch .*part-3"):
        repository.fetch()
    assert "part-3-1.0.jar" not in [path.name for path in (repository.cache / "jars").iterdir()]
    with repository.online():
        assert len(repository.fetch()) == len(JARS)


def test_no_network_at_the_first_start_is_told_with_a_way_out(repository: Repository) -> None:
    with pytest.raises(StopError, match=r"cannot fetch .* needs the network .*copy the folder"):
        repository.fetch()
    assert repository.leftovers() == []


def test_what_a_killed_download_left_is_swept_away(repository: Repository) -> None:
    leftover = repository.cache / "jars" / ".fetching-4194305-x" / "part-0-1.0.jar.1"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"part")
    with repository.online():
        repository.fetch()
    assert repository.leftovers() == []


def test_progress_counts_every_byte_once(repository: Repository) -> None:
    told: list[int] = []

    @contextmanager
    def track(_title: str, total: int) -> Iterator[object]:
        yield told.append
        assert sum(told) == total == sum(map(len, JARS.values()))

    with repository.online():
        here = {"here": f"http://127.0.0.1:{repository.port}"}
        class_path(repository.cache, lock=repository.lock, track=track, repositories=here)  # type: ignore[arg-type]
