"""The wheel, installed where there is nothing of the repository: whole, and able to prove the whole way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from tests.support.ayumi import environment
from tests.support.demonstrating import demonstration

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".uv" / "bin" / "uv"
PACKAGES = ("lrs", "processors", "producers")
# What a program needs of a login: the jars' cache, and the way to the network should the cache be empty.
_KEPT = {"HOME", "XDG_CACHE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"}
_IMPORT_ALL = f"""
import importlib, json, pkgutil, sys
for name in {PACKAGES}:
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, name + "."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
print(json.dumps({{name: getattr(module, "__file__", None) for name, module in sys.modules.items()}}))
"""


def run(*command: str | Path, cwd: Path = ROOT, clean: bool = False) -> str:
    """What a program printed. Fails with what it said when it does not exit 0."""
    given = nothing_of_ours() if clean else environment()
    done = subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def nothing_of_ours() -> dict[str, str]:
    """An environment in which no path leads to the repository or its virtual environment."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.lower().endswith("_proxy")}
    return {**kept, "PATH": os.defpath}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `make wheel` builds it."""
    dist = tmp_path_factory.mktemp("dist")
    python = ROOT / ".venv" / "bin" / "python"
    run(UV, "build", "--wheel", "--no-build-isolation", "--python", python, "--out-dir", dist)
    [built] = dist.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`bin` of a virtual environment that holds the wheel and what the lock pins, and nothing else."""
    home = tmp_path_factory.mktemp("elsewhere") / "venv"
    python = home / "bin" / "python"
    run(UV, "venv", "--python", ROOT / ".venv" / "bin" / "python", home)
    run(UV, "pip", "install", "--python", python, "--require-hashes", "--requirements", ROOT / ".requirements.lock")
    run(UV, "pip", "install", "--python", python, "--no-deps", wheel)
    yield python.parent
    shutil.rmtree(home)  # a gigabyte, of which pytest would keep three


def test_it_holds_the_packages_and_the_contract_whole_and_nothing_beside_them(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {name: name for name in PACKAGES} | {"avro": "lrs/_avro", "deploy/kafka": "lrs/_deploy/kafka"}
    wanted = {
        (PurePosixPath(inside) / path.relative_to(ROOT / source)).as_posix()
        for source, inside in sources.items()
        for path in (ROOT / source).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted
    assert {name.partition("/")[0] for name in held} == set(PACKAGES)


def test_it_holds_no_test(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = [PurePosixPath(name) for name in archive.namelist()]
    assert len(names) > 100
    odd = [path for path in names if "tests" in path.parts or path.name.startswith(("test_", "conftest"))]
    assert odd == []


def test_the_lock_holds_all_that_the_wheel_requires(programs: Path) -> None:
    run(UV, "pip", "check", "--python", programs / "python")


def test_every_module_is_imported_from_the_installation(programs: Path, tmp_path: Path) -> None:
    printed = run(programs / "python", "-P", "-c", _IMPORT_ALL, cwd=tmp_path, clean=True)
    files: dict[str, str | None] = json.loads(printed)
    ours = {name: file for name, file in files.items() if name.partition(".")[0] in PACKAGES}
    assert {"lrs.cli.demo", "producers.simulator.run", "processors.processor"} <= set(ours)
    assert {name: file for name, file in ours.items() if not (file or "").startswith(f"{programs.parent}/")} == {}
    assert {name: file for name, file in files.items() if (file or "").startswith(f"{ROOT}/")} == {}
    assert "avro" not in files


async def test_a_demo_far_from_the_repository_is_exact(programs: Path, tmp_path: Path) -> None:
    plan = ("--count", "2000", "--seed", "7")
    with demonstration(tmp_path, [str(programs / "ayumi")], *plan, environment=nothing_of_ours()) as demo:
        ended = await demo.ended()
    assert ended.flaws() == []
    assert [command for command in ended.commands if str(programs.parent) not in command] == []
    assert [command for command in ended.commands if f"{ROOT}/" in command] == []
    assert ended.left == []
