"""The registry over SQLite and over a PostgreSQL that the test starts."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from lrs.kernel.errors import RefusedError, RetryError, StopError
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.registry import Registry, credentials, open_registry
from lrs.store.registry.database import open_database
from lrs.store.registry.migrations import migrate
from lrs.store.registry.quotas import Quota
from tests.support.postgres import postgres_server


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.sqlite"
    server: str = request.getfixturevalue("postgres_url")
    name = f"registry_{time.time_ns()}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    opened = Registry.open(url)
    yield opened
    opened.close()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.001)


def test_a_new_credential_verifies_and_names_its_app(registry: Registry) -> None:
    key, secret = registry.credentials.add("drill-a", scopes=("statements/write",))
    found = registry.credentials.verify(key, secret)
    assert found is not None
    assert (found.key, found.app, found.scopes) == (key, "drill-a", ("statements/write",))


@pytest.mark.parametrize("change", ["secret", "key", "both swapped", "empty", "surrogate"])
def test_any_other_pair_does_not_verify(registry: Registry, change: str) -> None:
    key, secret = registry.credentials.add("drill-a")
    pairs = {
        "secret": (key, secret[:-1]),
        "key": (key[:-1] + "!", secret),
        "both swapped": (secret, key),
        "empty": ("", ""),
        "surrogate": (key, secret + "\udcff"),
    }
    assert registry.credentials.verify(*pairs[change]) is None
    assert registry.credentials.recall(*pairs[change]) is None


def test_a_pair_is_remembered_only_after_it_was_verified(registry: Registry) -> None:
    key, secret = registry.credentials.add("drill-a")
    assert registry.credentials.recall(key, secret) is None
    found = registry.credentials.verify(key, secret)
    assert registry.credentials.recall(key, secret) == found


def test_moving_a_character_between_key_and_secret_is_another_pair(registry: Registry) -> None:
    key, secret = registry.credentials.add("drill-a")
    registry.credentials.verify(key, secret)
    assert registry.credentials.recall(key[:-1], key[-1] + secret) is None


def test_the_secret_is_nowhere_in_the_database(registry: Registry, url: str) -> None:
    _, secret = registry.credentials.add("drill-a")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM credentials").all()
    engine.dispose()
    assert secret not in repr(rows)
    assert "$argon2id$" in repr(rows)


def test_an_app_may_hold_several_keys(registry: Registry) -> None:
    pairs = [registry.credentials.add("drill-a") for _ in range(2)]
    assert [registry.credentials.verify(*pair) is not None for pair in pairs] == [True, True]
    assert [credential.app for credential in registry.credentials.list()] == ["drill-a", "drill-a"]


def test_revocation_takes_effect_at_once_and_leaves_the_others(registry: Registry) -> None:
    one, other = registry.credentials.add("drill-a"), registry.credentials.add("drill-b")
    assert registry.credentials.verify(*one)
    assert registry.credentials.verify(*other)
    assert registry.credentials.revoke(one[0])
    _until(lambda: registry.credentials.recall(*one) is None)
    assert registry.credentials.verify(*one) is None
    assert registry.credentials.recall(*other) is not None
    assert [credential.revoked_at_ms is None for credential in registry.credentials.list()] == [False, True]


def test_revoking_again_or_an_unknown_key_changes_nothing(registry: Registry) -> None:
    key, _ = registry.credentials.add("drill-a")
    assert registry.credentials.revoke(key)
    assert not registry.credentials.revoke(key)
    assert not registry.credentials.revoke("unknown")


def test_when_a_revocation_is_done_no_other_opener_takes_the_credential(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.sqlite"
    here, there = Registry.open(url), Registry.open(url)
    pairs = [here.credentials.add("drill-a") for _ in range(10)]
    for pair in pairs:
        assert there.credentials.verify(*pair)
        assert there.credentials.recall(*pair)
        assert here.credentials.revoke(pair[0])
        assert there.credentials.recall(*pair) is None
    here.close()
    there.close()


_REVOKE = """
import sys
from lrs.store.registry import Registry
registry = Registry.open(sys.argv[1])
registry.credentials.revoke(sys.argv[2])
registry.close()
"""


def test_revocation_by_another_process_takes_effect_at_once(registry: Registry, url: str) -> None:
    key, secret = registry.credentials.add("drill-a")
    assert registry.credentials.verify(key, secret)
    subprocess.run([sys.executable, "-c", _REVOKE, url, key], check=True, timeout=60)
    _until(lambda: registry.credentials.recall(key, secret) is None)
    assert registry.credentials.verify(key, secret) is None


def test_a_credential_added_by_another_process_verifies(registry: Registry, url: str) -> None:
    assert registry.credentials.verify("nobody", "nothing") is None
    other = Registry.open(url)
    pair = other.credentials.add("drill-a")
    other.close()
    _until(lambda: registry.credentials.verify(*pair) is not None)


def test_writes_that_change_no_credential_do_not_forget_the_verified(registry: Registry, url: str) -> None:
    pair = registry.credentials.add("drill-a")
    assert registry.credentials.verify(*pair)
    engine = open_database(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE others (id INTEGER)")
    engine.dispose()
    assert registry.credentials.recall(*pair) is not None


def test_an_unknown_key_costs_the_work_of_a_wrong_secret(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    real = credentials._matches  # noqa: SLF001 - the work itself is counted, never its time

    def counted(secret_hash: str, secret: str) -> bool:
        hashed.append(secret_hash.rsplit("$", 2)[0])
        return real(secret_hash, secret)

    monkeypatch.setattr(credentials, "_matches", counted)
    key, _ = registry.credentials.add("drill-a")
    registry.credentials.verify(key, "wrong")
    registry.credentials.verify("unknown", "wrong")
    assert len(hashed) == 2
    assert hashed[0] == hashed[1]


def test_too_many_checks_at_once_are_turned_away_not_queued_without_end(registry: Registry) -> None:
    gate = threading.Barrier(80)
    turned_away = 0

    def check(number: int) -> bool:
        gate.wait(30)
        try:
            registry.credentials.verify(f"key{number}", "wrong")
        except RetryError:
            return True
        return False

    with ThreadPoolExecutor(80) as pool:
        turned_away = sum(pool.map(check, range(80)))
    assert turned_away > 0
    assert registry.credentials.verify("later", "wrong") is None


@pytest.mark.parametrize("app", ["", "Drill", "a b", "-a", "a" * 64, "あ", "a\n"])
def test_a_malformed_app_name_is_refused(registry: Registry, app: str) -> None:
    with pytest.raises(RefusedError, match="an app's name"):
        registry.credentials.add(app)


def test_an_unknown_scope_is_refused_and_makes_no_credential(registry: Registry) -> None:
    with pytest.raises(RefusedError, match="'states' is not a scope"):
        registry.credentials.add("drill-a", scopes=("state", "states"))
    assert registry.credentials.list() == []


def test_scopes_are_listed_as_they_were_given(registry: Registry) -> None:
    registry.credentials.add("drill-a", scopes=("profile", "state"))
    registry.credentials.add("drill-b")
    assert [(one.app, one.scopes) for one in registry.credentials.list()] == [
        ("drill-a", ("state", "profile")),
        ("drill-b", ()),
    ]


def test_opening_again_migrates_nothing_and_keeps_everything(registry: Registry, url: str) -> None:
    key, secret = registry.credentials.add("drill-a")
    again = Registry.open(url)
    assert again.migrate() == []
    assert again.credentials.verify(key, secret) is not None
    again.close()


def test_migrating_at_the_same_time_applies_each_migration_once(url: str) -> None:
    engines = [open_database(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        applied = [name for names in pool.map(migrate, engines) for name in names]
    for engine in engines:
        engine.dispose()
    assert applied == sorted(set(applied))
    assert applied


def test_a_database_of_a_later_release_is_refused(registry: Registry, url: str) -> None:
    engine = open_database(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO migrations VALUES ('9999_add_more', 'x', 0)")
    engine.dispose()
    with pytest.raises(StopError, match="later release: 9999_add_more"):
        registry.migrate()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://localhost/x", "postgresql://localhost/x"], indirect=False)
def test_another_kind_of_database_is_refused_by_name_of_the_setting(url: str) -> None:
    with pytest.raises(StopError, match="AYUMI_REGISTRY__URL"):
        Registry.open(url)


def test_a_database_that_cannot_be_reached_is_a_retry() -> None:
    with pytest.raises(RetryError, match="registry is not available"):
        Registry.open("postgresql+psycopg://ayumi@127.0.0.1:1/none")


def test_without_a_url_the_registry_lies_in_the_zone_folder(tmp_path: Path) -> None:
    registry = open_registry(Settings(), ZoneFolder(tmp_path))
    registry.close()
    assert (tmp_path / "registry.sqlite").exists()


def test_a_quota_belongs_to_the_app_whichever_key_it_uses(registry: Registry) -> None:
    registry.credentials.add("drill-a", quota=Quota(5, 50))
    registry.credentials.add("drill-a")
    registry.credentials.add("drill-b")
    assert registry.credentials.quotas() == {"drill-a": Quota(5.0, 50)}
    assert registry.credentials.quota_of("drill-b") is None


def test_a_quota_that_another_process_sets_changes_or_ends_holds_at_once(registry: Registry, url: str) -> None:
    other = Registry.open(url)
    assert registry.credentials.quota_of("drill-a") is None
    for quota in (Quota(0.5, 3), Quota(100, 1000), None):
        other.credentials.set_quota("drill-a", quota)
        _until(lambda quota=quota: registry.credentials.quota_of("drill-a") == quota)  # type: ignore[misc]
    other.close()


def test_a_quota_for_a_name_that_no_app_can_have_is_refused(registry: Registry) -> None:
    with pytest.raises(RefusedError, match="an app's name"):
        registry.credentials.set_quota("Drill A", Quota(1, 1))
