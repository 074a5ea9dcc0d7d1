"""Opens an embedded store in a process of its own, since a process serves one folder: `FOLDER DATABASE STORE QUERY...`.

It migrates the store, unless STORE is `-`, and prints the rows of each query as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from lrs.store.engine import Engine
from lrs.store.migrate import Store, migrate

ROOT = Path(__file__).resolve().parents[2]


def ask(folder: Path, database: str, store: str, *queries: str) -> list[Any]:
    """The rows of each query of the store in `folder`."""
    command = [sys.executable, "-m", "tests.support.ask_store", str(folder), database, store, *queries]
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "TZ": "UTC"}, check=True, timeout=120, stdout=subprocess.PIPE
    )
    found: list[Any] = json.loads(ran.stdout)
    return found


if __name__ == "__main__":
    folder, database, store, *queries = sys.argv[1:]
    engine = Engine.open(f"chdb://{folder}", database, readers=1, max_memory_mb=1000, query_seconds=60)
    if store != "-":
        migrate(engine, cast("Store", store))
    sys.stdout.write(json.dumps([engine.query(query) for query in queries], default=str))
    engine.close()
