"""The digest is equal if and only if xAPI regards two statements as the same (Data 2.3.1)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.errors import RefusedError
from lrs.kernel.statements import XapiVersion, parts, read_statement
from tests.unit.statements.examples import (
    ACTIVITY,
    AGENT,
    ATTACHMENT,
    DRILL,
    GONE,
    GROUP,
    ID,
    OTHER_ID,
    REFERENCE,
    SUB_STATEMENT,
    about,
    changed,
    raw,
)


def digest(statement: object, version: XapiVersion = XapiVersion.V1) -> bytes:
    return read_statement(raw(statement), version).digest


SAME: list[tuple[str, Any]] = [
    ("id", GONE),
    ("id", OTHER_ID),
    ("stored", "2026-05-12T10:15:30Z"),
    ("authority", AGENT),
    ("version", "1.0.0"),
    ("verb/display", GONE),
    ("verb/display", {"en": "other"}),
    ("object/definition", GONE),
    ("object/definition/name", {"en": "other"}),
    ("timestamp", "2026-05-12T01:15:30.123Z"),
    ("timestamp", "2026-05-12T01:15:30.1239+00:00"),
    ("result/duration", "PT12.349S"),
    ("context/registration", OTHER_ID.upper()),
    ("context/language", "ja-jp"),
    ("context/contextActivities/grouping", {"id": "https://drill.example.jp/sittings/8c0e5b1f"}),
    ("context/contextActivities/grouping/0/definition", {"name": {"ja": "x"}}),
]
OTHER: list[tuple[str, Any]] = [
    ("actor/account/name", "someone else"),
    ("actor/account/homePage", "https://portal.example.jp/"),
    ("actor/name", "太郎"),
    ("verb/id", "http://adlnet.gov/expapi/verbs/attempted"),
    ("object/id", "https://drill.example.jp/items/math/5/00124"),
    ("object", AGENT),
    ("result", GONE),
    ("result/success", False),
    ("result/success", GONE),
    ("result/score/raw", 9),
    ("result/response", "3.60"),
    ("result/duration", "PT12.35S"),
    ("result/duration", "PT0M12.34S"),
    ("result/extensions", {"urn:a:b": 1}),
    ("context/platform", "drill"),
    ("context/registration", ID),
    ("context/contextActivities/grouping", []),
    ("context/contextActivities/parent", [ACTIVITY]),
    ("context/extensions", {}),
    ("timestamp", "2026-05-12T10:15:30.124+09:00"),
    ("timestamp", GONE),
    ("attachments", [ATTACHMENT]),
]


@pytest.mark.parametrize(("place", "value"), SAME)
def test_what_is_no_part_of_the_immutable_statement_changes_nothing(place: str, value: object) -> None:
    assert digest(changed(place, value)) == digest(DRILL)


@pytest.mark.parametrize(("place", "value"), OTHER)
def test_any_other_difference_is_a_difference(place: str, value: object) -> None:
    base = changed("context/platform", GONE)
    assert digest(changed(place, value, base)) != digest(base)


def test_all_differences_are_different_from_each_other() -> None:
    base = changed("context/platform", GONE)
    digests = [digest(changed(place, value, base)) for place, value in OTHER]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("version", XapiVersion)
def test_both_versions_compare_alike(version: XapiVersion) -> None:
    assert digest(DRILL, version) == digest(DRILL)


def test_members_of_a_group_have_no_order() -> None:
    members: list[Any] = [
        AGENT,
        {"openid": "https://a.example/"},
        {"mbox_sha1sum": "a" * 40},
        {"mbox": "mailto:x@Y.jp"},
    ]
    one = changed("actor", {"objectType": "Group", "member": members})
    other = changed("actor", {"member": [{"mbox": "mailto:x@y.JP"}, *members[:3]], "objectType": "Group"})
    assert digest(one) == digest(other)
    assert digest(one) != digest(changed("actor", {"objectType": "Group", "member": members[1:]}))


def test_parts_of_every_kind_of_object_count() -> None:
    inner = changed("timestamp", "2026-05-12T10:15:30Z", SUB_STATEMENT)
    targets: list[Any] = [
        AGENT,
        GROUP,
        REFERENCE,
        {**REFERENCE, "id": ID},
        SUB_STATEMENT,
        inner,
        changed("object", AGENT, SUB_STATEMENT),
    ]
    assert len({digest(about(target)) for target in targets}) == len(targets)
    later = changed("timestamp", "2026-05-12T19:15:30+09:00", SUB_STATEMENT)
    assert digest(about(inner)) == digest(about(later))
    assert digest(about(REFERENCE)) == digest(about({**REFERENCE, "id": OTHER_ID.upper()}))


def test_context_agents_and_groups_count() -> None:
    agents = [{"objectType": "contextAgent", "agent": {"mbox": "mailto:x@y.jp"}}]
    groups = [
        {"objectType": "contextGroup", "group": {"objectType": "Group", "member": [AGENT, {"mbox": "mailto:x@y.jp"}]}}
    ]
    one = digest(changed("context", {"contextAgents": agents, "contextGroups": groups}), XapiVersion.V2)
    assert one != digest(changed("context", {"contextAgents": agents}), XapiVersion.V2)
    same_agents = [{"objectType": "contextAgent", "agent": {"mbox": "mailto:x@Y.JP"}}]
    same_groups = [
        {"objectType": "contextGroup", "group": {"objectType": "Group", "member": [{"mbox": "mailto:x@y.jp"}, AGENT]}}
    ]
    assert one == digest(
        changed("context", {"contextAgents": same_agents, "contextGroups": same_groups}), XapiVersion.V2
    )


def shuffled(value: Any, chance: random.Random) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name], chance) for name in names}
    return [shuffled(inner, chance) for inner in value] if isinstance(value, list) else value


EXTENSIONS = st.dictionaries(
    st.text("abc", min_size=1).map("urn:x:{}".format),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    max_size=3,
)


@given(EXTENSIONS, st.randoms(use_true_random=False), st.booleans(), st.sampled_from([None, 1]))
def test_the_order_of_keys_and_the_way_of_writing_change_nothing(
    extensions: dict[str, Any],
    chance: random.Random,
    ascii_only: bool,  # noqa: FBT001 - drawn by hypothesis
    indent: int | None,
) -> None:
    for place in ("result/extensions", "context/extensions", "object/definition/extensions"):
        statement = changed(place, extensions)
        other = json.dumps(shuffled(statement, chance), ensure_ascii=ascii_only, indent=indent).encode()
        assert read_statement(other, XapiVersion.V1).digest == digest(statement)


results = st.fixed_dictionaries(
    {"duration": st.sampled_from(["PT1S", "PT16.25S", "PT16.254S", "P4W", "P1DT2H"])},
    optional={
        "success": st.booleans(),
        "response": st.sampled_from(["a", 'say "duration":"PT9S"', "答え"]),
        "score": st.just({"scaled": 0.5}),
        "extensions": st.sampled_from([{"http://x.example/e": {"duration": "PT1S"}}, {"http://x.example/e": 1}]),
    },
)


@given(st.lists(results, min_size=2, max_size=6))
def test_what_is_remembered_of_a_result_says_the_same_as_reading_it(given_results: list[dict[str, Any]]) -> None:
    for one in given_results:
        for text in (json.dumps(one, separators=(",", ":")).encode(), json.dumps(one, ensure_ascii=False).encode()):
            assert parts.read_result(text) == parts._read_result(text)  # noqa: SLF001 - the way around the memory


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_of_results_that_differ_in_their_duration_only_the_first_is_read(
    separators: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (
        json.dumps({"response": "once", "duration": f"PT{seconds}S"}, separators=separators).encode()
        for seconds in (1, 2)
    )
    parts.read_result(one)
    monkeypatch.delattr(parts, "_read_result")
    assert parts.read_result(other) == b'{"response":"once","duration":"PT2S"}'


@pytest.mark.parametrize("bad", ["PT", "", "1", "P1", "PT1S ", 'PT1S","duration":"PT2S'])
def test_a_bad_duration_is_refused_beside_a_good_one_that_is_remembered(bad: str) -> None:
    good = json.dumps(changed("result", {"success": True, "duration": "PT1S"}), separators=(",", ":")).encode()
    read_statement(good, XapiVersion.V1)
    with pytest.raises(RefusedError):
        read_statement(good.replace(b"PT1S", bad.encode()), XapiVersion.V1)
