"""Installs the public client libraries from their registries: `python -m tests.conformance.clients.install`.

Each Python library has an environment of its own, because two of them have the same import name; those in JavaScript
share one. All lie in .venv/clients and are pinned with checksums. What is installed already is left alone.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WANTED = Path(__file__).parent / "environments"
INSTALLED = ROOT / ".venv" / "clients"
JAVASCRIPT = "javascript"


def install() -> None:
    """Make every environment that is missing, or made from another list of packages."""
    for name in (JAVASCRIPT, *(file.stem for file in sorted(WANTED.glob("*.txt")))):
        if _mark(name).is_file():
            continue
        print(f"installing the client library {name} ...", flush=True)  # noqa: T201 - a program's output
        folder = INSTALLED / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (_install_javascript if name == JAVASCRIPT else _install_python)(name, folder)
        _mark(name).touch()


def installed(name: str) -> Path:
    """The folder of an environment. Fails when it has not been made."""
    assert _mark(name).is_file(), f"{name} is not installed: run `make test`, or python -m {__name__}"
    return INSTALLED / name


def _install_javascript(_: str, folder: Path) -> None:
    assert shutil.which("npm"), "npm is missing: .ci/system-packages installs it"
    for name in ("package.json", "package-lock.json"):
        shutil.copy(WANTED / JAVASCRIPT / name, folder)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True)


def _install_python(name: str, folder: Path) -> None:
    uv = ROOT / ".uv" / "bin" / "uv"
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    wanted = ["--require-hashes", "--requirements", str(WANTED / f"{name}.txt")]
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *wanted], check=True)


def _mark(name: str) -> Path:
    """A file that is there once an environment was made from exactly this list of packages."""
    wanted = WANTED / JAVASCRIPT / "package-lock.json" if name == JAVASCRIPT else WANTED / f"{name}.txt"
    return INSTALLED / name / f"installed-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:16]}"


if __name__ == "__main__":
    install()
