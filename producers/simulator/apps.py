"""The vendor apps of the synthetic district: what their statements look like."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Style(StrEnum):
    """The kind of statements an app writes."""

    DRILL = "drill"  # digital drill of the Japan Assessment profile
    MEXCBT = "mexcbt"  # MEXCBT, types 1 and 2


class App(NamedTuple):
    """One app. `name` is its credential id, `share` its part of all sittings, `extensions` the base of its IRIs."""

    name: str
    style: Style
    xapi_version: str
    share: float
    base: str
    platform: str
    extensions: str
    profile: str
    utc: bool


_PROFILE = "https://w3id.org/xapi-japan-profiles/assessment"
_DRAFT = "https://w3id.org/japan-xapi"

APPS = (
    App(
        name="asahi-drill",
        style=Style.DRILL,
        xapi_version="1.0.3",
        share=0.5,
        base="https://asahi-drill.example",
        platform="あさひドリル",
        extensions=f"{_PROFILE}/extensions",
        profile=f"{_PROFILE}/v1.0.0",
        utc=False,
    ),
    App(
        name="mexcbt-portal",
        style=Style.MEXCBT,
        xapi_version="1.0.3",
        share=0.2,
        base="https://cbt.example",
        platform="MEXCBT",
        extensions=f"{_DRAFT}/extensions",
        profile="",
        utc=True,
    ),
    # An earlier draft's IRIs, and xAPI 2.0: the zone must treat all alike.
    App(
        name="midori-drill",
        style=Style.DRILL,
        xapi_version="2.0.0",
        share=0.3,
        base="https://midori.example",
        platform="みどりラーニング",
        extensions=f"{_DRAFT}/extensions",
        profile=f"{_DRAFT}/profiles/assessment",
        utc=False,
    ),
)
