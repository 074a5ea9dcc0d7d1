"""Facts about the stream of emissions: reproducible, of the planned size and shares, in a safe order."""

from __future__ import annotations

import hashlib
from collections import Counter

import orjson
import pytest

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import XapiVersion, read_statement
from producers.simulator.apps import APPS
from producers.simulator.district import District
from producers.simulator.emissions import NO_FAULTS, Emission, Fate, Faults
from tests.unit.simulator.conftest import COUNT, MANY_FAULTS, Sample

VERSIONS = {app.name: XapiVersion(app.xapi_version) for app in APPS}
ARCHIVED = (Fate.PUBLISHED, Fate.WITHHELD)


def digest(emissions: list[Emission]) -> str:
    return hashlib.sha256(repr([each[:4] for each in emissions]).encode()).hexdigest()


def conflicts(emission: Emission) -> bool:
    return emission.expect.reason == Refusal.CONFLICT


def malformed(emission: Emission) -> bool:
    return emission.expect.outcome in {Fate.REJECTED, Fate.REFUSED} and not conflicts(emission)


def test_the_same_seed_size_and_count_give_the_same_bytes() -> None:
    streams = [list(District(3, schools=2).statements(500)) for _ in range(2)]
    assert digest(streams[0]) == digest(streams[1])
    assert digest(streams[0]) != digest(list(District(4, schools=2).statements(500)))


def test_iterating_a_stream_again_repeats_it(district: District) -> None:
    stream = district.statements(300)
    first, counts = list(stream), stream.truth.counts()
    assert list(stream) == first
    assert stream.truth.counts() == counts


@pytest.mark.parametrize("count", [0, 1, 7, 150, 1234])
def test_a_stream_has_exactly_its_count(district: District, count: int) -> None:
    stream = district.statements(count)
    assert sum(1 for _ in stream) == count
    assert stream.truth.sent == count


def test_the_shares_of_faults_are_those_of_the_plan(sample: Sample) -> None:
    shares = {
        "duplicated": sum(each.expect.outcome in {Fate.REPEATED, Fate.DUPLICATE} for each in sample.emissions),
        "conflicting": sum(map(conflicts, sample.emissions)),
        "malformed": sum(map(malformed, sample.emissions)),
        "groups": sample.truth.withheld["not_a_learner"],
    }
    for name, number in shares.items():
        assert number / COUNT == pytest.approx(getattr(MANY_FAULTS, name), rel=0.35), name
    http = sum(each.way == "http" for each in sample.emissions)
    assert http / COUNT == pytest.approx(0.5, abs=0.05)


def test_without_faults_everything_is_published() -> None:
    stream = District(1, schools=2, faults=NO_FAULTS).statements(2000)
    assert {each.expect.outcome for each in stream} == {Fate.PUBLISHED}
    assert stream.truth.retracted == 0


def test_what_is_meant_to_be_good_is_valid_and_carries_its_id(sample: Sample) -> None:
    for emission in sample.emissions:
        if not malformed(emission):
            statement = read_statement(emission.body, VERSIONS[emission.app])
            assert statement.statement_id == emission.statement_id


def test_every_malformed_statement_is_refused_for_its_reason_at_its_path(sample: Sample) -> None:
    paths = set()
    for emission in filter(malformed, sample.emissions):
        with pytest.raises(RefusedError) as caught:
            read_statement(emission.body, VERSIONS[emission.app])
        assert caught.value.reason == emission.expect.reason
        assert caught.value.path == emission.expect.path or not emission.expect.path
        paths.add((emission.way, emission.expect.path))
    assert len({path for way, path in paths if way == "http"}) == 16
    assert len({path for way, path in paths if way == "sdk"}) == 13


def test_a_malformed_statement_that_goes_by_the_sdk_is_an_object_with_a_usable_id(sample: Sample) -> None:
    for emission in filter(malformed, sample.emissions):
        if emission.way == "sdk":
            assert emission.statement_id is not None
            assert orjson.loads(emission.body)["id"].replace("-", "") == emission.statement_id.hex()


def test_only_what_the_gateway_rejects_goes_alone(sample: Sample) -> None:
    for emission in sample.emissions:
        assert emission.alone == (emission.expect.outcome is Fate.REJECTED)
        assert emission.expect.outcome not in ({Fate.REFUSED, Fate.DUPLICATE} if emission.way == "http" else {
            Fate.REJECTED,
            Fate.REPEATED,
        })  # fmt: skip


def test_an_id_is_archived_once_and_whatever_repeats_it_waits_for_it(sample: Sample) -> None:
    archived: dict[bytes, int] = {}
    for number, emission in enumerate(sample.emissions):
        if emission.expect.outcome in ARCHIVED:
            assert emission.statement_id is not None
            assert emission.statement_id not in archived
            archived[emission.statement_id] = number
        elif not malformed(emission):
            original = archived[emission.statement_id or b""]
            assert emission.after == original
            assert emission.way == sample.emissions[original].way
            assert (emission.body == sample.emissions[original].body) is not conflicts(emission)


def test_a_repeat_is_the_same_content_and_a_conflict_is_not(sample: Sample) -> None:
    contents: dict[bytes | None, bytes] = {}
    for emission in sample.emissions:
        if malformed(emission):
            continue
        content = read_statement(emission.body, VERSIONS[emission.app]).digest
        if emission.expect.outcome in ARCHIVED:
            contents[emission.statement_id] = content
        else:
            assert (contents[emission.statement_id] == content) is not conflicts(emission)


def test_followers_come_a_good_way_behind_unless_the_stream_ends(sample: Sample) -> None:
    gaps = [number - each.after for number, each in enumerate(sample.emissions) if each.after >= 0]
    assert min(gaps) > 0
    assert sum(gap >= 2000 for gap in gaps) > len(gaps) / 2


def test_bodies_are_all_different_statements(sample: Sample) -> None:
    ids = Counter(each.statement_id for each in sample.emissions if each.expect.outcome in ARCHIVED)
    assert set(ids.values()) == {1}


@pytest.mark.parametrize("faults", [{"late": 1.5}, {"malformed": -0.1}, {"malformed": 0.4, "duplicated": 0.2}])
def test_shares_that_cannot_be_are_refused(faults: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"share|half"):
        Faults(**faults)


def test_a_district_without_schools_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one school"):
        District(1, schools=0)
    with pytest.raises(ValueError, match="http_share"):
        District(1, http_share=1.5)
