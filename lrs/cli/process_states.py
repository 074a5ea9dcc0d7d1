"""Asks the processes of a zone how they are and what they counted: the supervisor's file, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from lrs.api.operations.observation import ProcessState
from lrs.cli.probing import fetch
from lrs.cli.zone_state import running_zone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ANSWER_SECONDS = 3.0
_FRESH = "ayumi_loader_freshness_seconds_bucket"
_DOOR = "ayumi_gateway_statements_total"
_SEEN = "ayumi_gateway_last_seen_timestamp_seconds"
_LONGEST = 200


class Told(NamedTuple):
    """What the processes' metrics say: see `Surroundings`."""

    freshness: dict[float, float]
    door: dict[str, int]
    last_seen: dict[str, float]


async def ask_processes(folder: Path, addresses: Mapping[str, str]) -> tuple[list[ProcessState], Told]:
    """Every process. `addresses` are those of gateway and board, for a zone that no supervisor of this folder runs."""
    state = running_zone(folder)
    alone: list[dict[str, Any]] = [{"name": name, "state": "ready", "restarts": 0} for name in addresses]
    children: list[dict[str, Any]] = state["children"] if state else alone
    where: Mapping[str, str] = state["addresses"] if state else addresses
    found = await asyncio.gather(*(_ask(child, where.get(child["name"], "")) for child in children))
    told = Told({}, {}, {})
    for _, text in found:
        read_metrics(text, told)
    return [state for state, _ in found], told


async def _ask(child: Mapping[str, Any], url: str) -> tuple[ProcessState, str]:
    name, state, restarts = child["name"], child["state"], child["restarts"]
    if not url.startswith("http") or state != "ready":
        return ProcessState(name, state, restarts, ""), ""
    try:
        status, body = await fetch(f"{url}/readyz", _ANSWER_SECONDS)
        _, metrics = await fetch(f"{url}/metrics", _ANSWER_SECONDS)
    except (OSError, TimeoutError) as error:
        return ProcessState(name, "away", restarts, str(error) or type(error).__name__), ""
    detail = "" if status == 200 else _failing(body)
    return ProcessState(name, "ready" if status == 200 else "unready", restarts, detail), metrics.decode("utf-8")


def _failing(body: bytes) -> str:
    try:
        checks = orjson.loads(body)["checks"]
        return "; ".join(f"{each['name']}: {each['detail']}" for each in checks if not each["ok"])[:_LONGEST]
    except (ValueError, KeyError, TypeError):
        return ""


def read_metrics(exposition: str, told: Told) -> None:
    """Add what one process's metrics say, in Prometheus's text format."""
    for line in exposition.splitlines():
        name, _, rest = line.partition("{")
        if name not in {_FRESH, _DOOR, _SEEN}:
            continue
        labels, _, value = rest.rpartition("} ")
        pairs = _labels(labels)
        if name == _FRESH:
            bound = math.inf if pairs["le"] == "+Inf" else float(pairs["le"])
            told.freshness[bound] = told.freshness.get(bound, 0.0) + float(value)
        elif name == _DOOR:
            told.door[pairs["outcome"]] = told.door.get(pairs["outcome"], 0) + round(float(value))
        else:
            told.last_seen[pairs["app"]] = max(told.last_seen.get(pairs["app"], 0.0), float(value))


def _labels(text: str) -> dict[str, str]:
    """Label values by name. Those of an app's name may hold anything, escaped as the format says."""
    found: dict[str, str] = defaultdict(str)
    rest = text
    while rest:
        name, _, rest = rest.lstrip(",").partition('="')
        value = []
        while rest and rest[0] != '"':
            escaped = rest[0] == "\\"
            value.append({"n": "\n"}.get(rest[1], rest[1]) if escaped else rest[0])
            rest = rest[2:] if escaped else rest[1:]
        rest = rest[1:]
        found[name] = "".join(value)
    return found
