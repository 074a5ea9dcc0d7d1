"""The command line: the only place that wires all rooms."""

from lrs.cli.app import main

__all__ = ["main"]
