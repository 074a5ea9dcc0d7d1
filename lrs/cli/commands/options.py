"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ZoneDir = Annotated[
    Path, typer.Argument(metavar="DIR", help="The zone's folder: its data, keys, logs and ayumi.toml.", file_okay=False)
]
ZoneDirOption = Annotated[
    Path, typer.Option("--dir", "-d", metavar="DIR", help="The zone's folder.", file_okay=False, show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
