"""The one family of errors: each carries fields, says whether trying again can help, and reads as one sentence."""

from __future__ import annotations

from typing import ClassVar


class AyumiError(Exception):
    """Root of every error that Ayumi raises on purpose.

    `retriable` says whether the same call may succeed later without anybody changing anything.
    """

    retriable: ClassVar[bool] = False


class RefusedError(AyumiError):
    """Input that breaks a rule: answered with a 4xx, or written to the dead letters. Never retried."""

    def __init__(self, reason: str, rule: str, *, path: str = "$") -> None:
        """`reason` is a member of `lrs.kernel.reasons.Refusal`, `path` a JSON path, `rule` one plain sentence."""
        super().__init__(f"{path}: {rule}")
        self.reason = reason
        self.path = path
        self.rule = rule


class RetryError(AyumiError):
    """Something this part depends on is away or busy: back off and do the same again."""

    retriable = True

    def __init__(self, what: str, detail: str, *, after_seconds: float = 1.0) -> None:
        """`what` names the dependency, `detail` what it said, `after_seconds` the wait to advise."""
        super().__init__(f"{what} is not available: {detail}")
        self.what = what
        self.detail = detail
        self.after_seconds = after_seconds


class StopError(AyumiError):
    """A state that going on would make worse: the process ends, and a person reads `remedy`."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.problem = problem
        self.remedy = remedy
