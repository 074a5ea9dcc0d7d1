"""A request body is one statement or an array of them, and a batch is all or nothing."""

from __future__ import annotations

import pytest

from lrs.api.gateway.batches import Limits, read_batch
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import Statement, XapiVersion
from tests.unit.statements.examples import DRILL, ID, OTHER_ID, changed, raw


def read_statements(body: bytes, version: XapiVersion) -> list[Statement]:
    return read_batch(body, version, Limits(10, 10_000))[0]


def test_a_single_statement_is_a_batch_of_one() -> None:
    [statement] = read_statements(raw(DRILL), XapiVersion.V1)
    assert statement.raw == raw(DRILL)


def test_statements_keep_their_order_and_their_bytes() -> None:
    first, second = raw(DRILL), raw(changed("id", OTHER_ID))
    statements = read_statements(b" [\n" + first + b" , " + second + b"]\n", XapiVersion.V2)
    assert [statement.raw for statement in statements] == [first, second]


def test_an_empty_batch_has_no_statements() -> None:
    assert read_statements(b"[]", XapiVersion.V1) == []


def test_one_invalid_statement_refuses_the_batch_and_is_named() -> None:
    body = raw([DRILL, changed("id", OTHER_ID), changed("actor/mbox", "x")])
    with pytest.raises(RefusedError) as caught:
        read_statements(body, XapiVersion.V1)
    assert caught.value.path == "$[2].actor.mbox"


@pytest.mark.parametrize(
    ("body", "path"), [(b"[3]", "$[0]"), (b"[[]]", "$[0]"), (b"[{},", "$"), (b"[null]", "$[0]"), (b"[,]", "$")]
)
def test_a_member_that_is_no_object_is_refused(body: bytes, path: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_statements(body, XapiVersion.V1)
    assert (caught.value.reason, caught.value.path) == (Refusal.NOT_JSON, path)


def test_version_2_refuses_an_id_twice_in_a_batch() -> None:
    body = raw([DRILL, changed("id", OTHER_ID), changed("id", ID.upper())])
    with pytest.raises(RefusedError) as caught:
        read_statements(body, XapiVersion.V2)
    assert caught.value.path == "$[2].id"
    assert len(read_statements(body, XapiVersion.V1)) == 3


def test_statements_without_ids_are_distinct() -> None:
    without = {name: value for name, value in DRILL.items() if name != "id"}
    assert len(read_statements(raw([without, without]), XapiVersion.V2)) == 2
