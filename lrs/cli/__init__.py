"""The command line: the only place that wires all rooms."""

__all__ = ["main"]


def main() -> None:
    """The `ayumi` program."""
    from lrs.cli.app import run  # noqa: PLC0415 - whoever needs one module of this room does not load all commands

    run()
