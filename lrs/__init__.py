"""Ayumi's record store: statement model, stores, HTTP interface and command line."""

from importlib.metadata import version

__version__ = version("ayumi")
