"""What people are told about refused statements is all that there is to be told."""

from __future__ import annotations

import re
from pathlib import Path

from lrs.cli.commands.refused import Reason
from lrs.kernel.reasons import Refusal
from lrs.kernel.replaying import Replayed

PAGE = (Path(__file__).parents[2] / "docs" / "dead-letters.md").read_text("utf-8")


def test_every_reason_is_explained_and_no_other() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [reason.value for reason in Refusal]


def test_everything_that_a_replay_may_say_is_explained() -> None:
    assert all(re.search(rf"^\| (still )?{outcome.value}", PAGE, re.MULTILINE) for outcome in Replayed)


def test_the_help_of_the_command_names_every_reason() -> None:
    [option] = Reason.__metadata__  # type: ignore[attr-defined]
    assert [word for word in re.findall(r"\w+", option.help) if word in set(Refusal)] == [one.value for one in Refusal]
