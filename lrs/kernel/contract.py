"""Where the contract (`avro/`) and the files of `deploy/` lie: atop a checkout, inside this package in wheels."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def _folder(inside_wheel: str, in_checkout: str) -> Path:
    packaged = _PACKAGE / inside_wheel
    return packaged if packaged.is_dir() else _PACKAGE.parent / in_checkout


AVRO = _folder("_avro", "avro")
DEPLOY_KAFKA = _folder("_deploy/kafka", "deploy/kafka")
