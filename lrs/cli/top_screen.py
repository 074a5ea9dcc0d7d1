"""What `ayumi top` draws: the operator's page for a terminal, in the page's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lrs.api.operations.rendering import told
from lrs.api.operations.snapshot import Finding, Severity
from lrs.api.operations.words import Words, words
from lrs.kernel.readable import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_STATES = {"good": ("✓", "green"), "warn": ("!", "yellow"), "bad": ("✗", "red")}
_PACES = {
    "caught_up": "green",
    "waiting": "",
    "catching_up": "",
    "falling_behind": "yellow",
    "stopped": "red",
    "lost": "red",
}
_SPARKS = "▁▂▃▄▅▆▇█"
_HOPS = ("received", "archived", "refused", "duplicate", "written", "withheld", "loaded", "retracted")
_GAPS, _APPS, _TREND = 8, 12, 24


def screen(seen: Mapping[str, Any], language: str) -> RenderableType:
    """Everything, the most important first: a small terminal cuts off the end."""
    say = words("ja" if language == "ja" else "en")
    return Group(
        _head(seen, say),
        *_findings(seen, say),
        Text(),
        _flow(seen, say),
        Text(),
        _lags(seen, say),
        Text(),
        *_accounts(seen, say),
        *_refused(seen, say),
        *_disks(seen, say),
        Text(),
        _apps(seen, say),
    )


def _head(seen: Mapping[str, Any], say: Words) -> Text:
    mark, colour = _STATES[seen["state"]]
    processes = " ".join(f"{one['name']}:{say('process_state.' + one['state'])}" for one in seen["processes"])
    return Text.assemble(
        (f"{mark} {say('state.' + seen['state'])}", f"bold {colour}"),
        f"   {seen['zone']}   {say('ops.as_of', clock=say.clock(seen['at']))}\n",
        (processes, "dim"),
    )


def _findings(seen: Mapping[str, Any], say: Words) -> Iterable[Text]:
    for one in seen["findings"]:
        finding = Finding(Severity(one["severity"]), one["kind"], one["section"], one["values"])
        mark, colour = _STATES[one["severity"]]
        yield Text.assemble((f"{mark} {told(finding, 'what', say)}", colour), f"\n  {told(finding, 'do', say)}")


def _flow(seen: Mapping[str, Any], say: Words) -> Group:
    table = _table("", say("apps.rate"), say("refused.total"), "")
    for name in _HOPS:
        one = seen["streams"][name]
        table.add_row(
            say(f"flow.{name}.name"), say.rate(one["per_second"]), say.count(one["total"]), _spark(one["trend"])
        )
    return Group(Text(say("flow.heading"), style="bold"), table)


def _lags(seen: Mapping[str, Any], say: Words) -> Group:
    fresh = seen["freshness"]
    title = say("freshness.none")
    if fresh:
        title = f"p50 {say.duration(fresh['p50'])}, p95 {say.duration(fresh['p95'])}"
    columns = (say("lag.group"), say("lag.waiting"), say("lag.taken"), say("lag.until"))
    table = _table(*columns)
    for group in seen["groups"]:
        whole, name = group["whole"], say(f"group.{group['group']}")
        table.add_row(name, say.count(whole["records"]), say.rate(whole["per_second"]), _pace(whole, say))
        late = [(number, part) for number, part in enumerate(group["partitions"]) if part["pace"] in _PACES_TO_TELL]
        for number, part in late[:_GAPS]:
            name = f"  {say('lag.partition')} {number}"
            table.add_row(name, say.count(part["records"]), say.rate(part["per_second"]), _pace(part, say))
    return Group(Text.assemble((f"{say('freshness.heading')}: ", "bold"), title), table)


_PACES_TO_TELL = frozenset({"falling_behind", "stopped", "lost"})


def _pace(lag: Mapping[str, Any], say: Words) -> Text:
    return Text(say(f"pace.{lag['pace']}", duration=say.duration(lag["seconds"] or 0)), style=_PACES[lag["pace"]])


def _accounts(seen: Mapping[str, Any], say: Words) -> Iterable[Text]:
    accounts = seen["accounts"]
    colour = {"balanced": "green", "gap": "red"}.get(accounts["state"], "yellow")
    checked = f"  {say('state.checked', clock=say.clock(accounts['at']))}" if accounts["at"] else ""
    way = say("accounts.on_way", count=say.count(accounts["on_way"])) if accounts["on_way"] else ""
    title = f"{say('accounts.heading')}: "
    yield Text.assemble((title, "bold"), (say(f"accounts.{accounts['state']}"), colour), f"{checked}  {way}")
    for gap in accounts["gaps"][:_GAPS]:
        where = ", ".join(f"{first}-{last}" for first, last in gap["offsets"][:5]) or "-"
        yield Text(
            f"  {gap['hop']}: {gap['statements']:,}  {say('accounts.app')} {visible(gap['app']) or '-'}  "
            f"{gap['hour'] or '-'}  {say('accounts.partition')} {gap['partition']}  "
            f"{say('accounts.offsets')} {where}  ({gap['meaning']})",
            style="red",
        )


def _refused(seen: Mapping[str, Any], say: Words) -> Iterable[Text]:
    if seen["refused"]:
        told_ = ", ".join(
            f"{say.texts.get('reason.' + one['reason'], one['reason'])} {say.count(one['recent'])}"
            for one in seen["refused"]
        )
        yield Text.assemble((f"{say('refused.heading')} ({say('refused.recent')}): ", "bold"), told_)


def _disks(seen: Mapping[str, Any], say: Words) -> Iterable[Text]:
    for disk in seen["disks"]:
        forecast = say("keeping.measuring") if disk["growth_per_day"] is None else say("keeping.never")
        if disk["days_left"] is not None:
            forecast = say.duration(disk["days_left"] * 86_400)
        title = f"{say('keeping.disk')} {disk['name']}: "
        told_ = f"{say('keeping.free')} {say.size(disk['free'])}, {say('keeping.forecast')}: {forecast}"
        yield Text.assemble((title, "bold"), told_)


def _apps(seen: Mapping[str, Any], say: Words) -> Group:
    names = ("apps.app", "apps.rate", "apps.recent", "apps.refused", "apps.seen", "apps.quota")
    table = _table(*(say(name) for name in names))
    for row in seen["apps"][:_APPS]:
        used = say("apps.no_quota")
        if row["quota"]:
            used = say("apps.used", share=say.percent(row["quota_used"]), rate=say.rate(row["quota"]))
        clock = say.clock(row["last_seen"]) if row["last_seen"] else "-"
        table.add_row(
            Text(visible(row["app"])),  # else its brackets would be markup
            say.rate(row["per_second"]),
            say.count(row["recent"]),
            say.count(row["refused_recent"]),
            clock if row["seen_exactly"] else say("apps.hour_of", clock=clock),
            used,
        )
    return Group(Text(say("apps.total", count=len(seen["apps"])), style="bold"), table)


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _spark(trend: list[float]) -> str:
    most = max(trend, default=0) or 1
    return "".join(_SPARKS[round(value / most * (len(_SPARKS) - 1))] for value in trend[-_TREND:])
