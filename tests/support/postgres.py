"""A PostgreSQL of the test's own: a temporary data folder, loopback, a free port, stopped at the end."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lrs.cli.ports import free_port

_FOLDERS = "/usr/lib/postgresql"
_PUBLIC = "/tmp"  # noqa: S108 - the server runs as another user, and an embedded engine makes the temporary folder private


@contextmanager
def postgres_server() -> Iterator[str]:
    """SQLAlchemy URL of a fresh server. It runs as `postgres` when the tests run as root, which it refuses to be."""
    programs = _programs()
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    with tempfile.TemporaryDirectory(prefix="ayumi-postgres-", dir=_PUBLIC) as folder:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        data, port = Path(folder, "data"), free_port()
        run = _Runner(programs, owner)
        run("initdb", "-D", data, "-U", "ayumi", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", Path(folder, "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://ayumi@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


class _Runner:
    def __init__(self, programs: Path, owner: pwd.struct_passwd) -> None:
        self._programs = programs
        self._owner = owner

    def __call__(self, program: str, *arguments: str | Path) -> None:
        command = [self._programs / program, *arguments]
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        # No pipes: the server inherits them from pg_ctl and would keep a reader waiting for ever.
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/", check=False, **user
        )
        if done.returncode:
            message = f"{program} failed with {done.returncode}"
            raise RuntimeError(message)


def _programs() -> Path:
    found = sorted(Path(_FOLDERS).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        message = f"no PostgreSQL below {_FOLDERS}: install the package `postgresql`"
        raise RuntimeError(message)
    return found[-1].parent


def new_database(server: str) -> str:
    """The URL of a new, empty database on a server."""
    name = f"database_{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{server.rpartition('/')[0]}/{name}"
