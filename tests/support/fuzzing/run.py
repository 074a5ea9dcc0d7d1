"""Sends generated requests until enough were refused, and says of each answer what is wrong with it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.described import Answer, Described
from tests.support.fuzzing.line import Line
from tests.support.fuzzing.requests import Maker, Request

# So many of them may be good after all, or answered by nothing, before a run is ended as useless.
_MOST_FOR_ONE = 4
_KEPT_OF_EACH, _KEPT_FAULTS = 2, 20


@dataclass
class Findings:
    """What a run has seen."""

    seed: int
    answers: dict[str, Counter[int]] = field(default_factory=dict)
    """By kind of request, how many of each status; 0 for a connection closed without an answer."""
    faults: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    sent: int = 0

    def table(self) -> str:
        """Kinds down, statuses across."""
        statuses = sorted({status for counts in self.answers.values() for status in counts})
        rows = [("", *(str(status or "none") for status in statuses), "all")]
        for kind, counts in sorted(self.answers.items()):
            rows.append((kind, *(f"{counts[one]:,}" for one in statuses), f"{counts.total():,}"))
        whole: Counter[int] = sum(self.answers.values(), Counter())
        rows.append(("all", *(f"{whole[one]:,}" for one in statuses), f"{whole.total():,}"))
        return "\n".join(f"{first:<12}" + "".join(f"{cell:>9}" for cell in rest) for first, *rest in rows)

    def note(self, number: int, request: Request, answer: Answer | None, faults: Iterator[str]) -> None:
        """Count one answer, and keep what is wrong with it together with what brings it back."""
        status = answer.status if answer else 0
        self.answers.setdefault(request.kind, Counter())[status] += 1
        self.refused += 400 <= status < 500
        for fault in faults:
            self.seen[fault] += 1
            if self.seen[fault] <= _KEPT_OF_EACH and len(self.faults) < _KEPT_FAULTS:
                text = base64.b64encode(request.written()[:4000]).decode()
                said = answer.body[:300] if answer else b""
                self.faults.append(f"seed {self.seed}, number {number} ({request.kind}): {fault}\n  {said!r}\n  {text}")


async def fuzz(
    place: tuple[str, int], auth: tuple[str, str], described: Described, *, count: int, seed: int, connections: int = 4
) -> Findings:
    """Send over some connections until `count` requests were refused with a 4xx."""
    make, found = Maker(seed, auth), Findings(seed)

    async def send() -> None:
        line = Line(*place)
        try:
            while found.refused < count and found.sent < count * _MOST_FOR_ONE:
                number, found.sent = found.sent, found.sent + 1
                request = make()
                is_head, is_odd = request.method == "HEAD", bool(request.raw)
                answer = await line.ask(request.written(), is_head=is_head, is_odd=is_odd)
                found.note(number, request, answer, _faults(request, answer, described))
        finally:
            await line.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(send())
    return found


def _faults(request: Request, answer: Answer | None, described: Described) -> Iterator[str]:
    if answer is None:
        if not request.raw:
            yield "the connection was closed without an answer"
        return
    if answer.status >= 500:
        yield f"a {answer.status}"
    if 400 <= answer.status < 500 and request.method != "HEAD":
        yield from _unexplained(answer)
    if not request.raw and "method=" not in request.target:
        yield from described.faults(request.method, request.target, answer)


def _unexplained(answer: Answer) -> Iterator[str]:
    """A refusal says where and why."""
    try:
        said = json.loads(answer.body)
    except ValueError:
        yield "the refusal is no JSON"
        return
    for name in ("error", "path", "rule", "doc"):
        if not said.get(name):
            yield f"the refusal has no {name}"
