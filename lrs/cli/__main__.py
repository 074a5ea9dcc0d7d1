"""`python -m lrs.cli` is `ayumi`."""

from lrs.cli import main

main()
