"""Settings come from the file and the environment, and what is wrong with them is told by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrs.cli.settings_loading import cache_folder, environment_of, load_settings, setting_lines
from lrs.kernel.errors import StopError
from lrs.kernel.settings import Settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in setting_lines():
        monkeypatch.delenv(line.name, raising=False)


def zone_with(folder: Path, text: str) -> Path:
    (folder / "ayumi.toml").write_text(text, "utf-8")
    return folder


def test_without_file_and_environment_all_is_as_the_reference_says() -> None:
    settings = load_settings()
    assert {line.name: line.default for line in setting_lines()}["AYUMI_GATEWAY__PORT"] == str(settings.gateway.port)


def test_every_setting_has_a_meaning() -> None:
    assert [line.name for line in setting_lines() if not line.meaning] == []


def test_the_environment_wins_over_the_file_and_overrides_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = zone_with(tmp_path, '[zone]\nname = "osaka"\n[gateway]\nport = 1\n[board]\nport = 2\n')
    monkeypatch.setenv("AYUMI_GATEWAY__PORT", "3")
    monkeypatch.setenv("AYUMI_LOADER__METRICS_PORT", "4")
    settings = load_settings(folder, loader={"metrics_port": 5})
    found = (settings.zone.name, settings.board.port, settings.gateway.port, settings.loader.metrics_port)
    assert found == ("osaka", 2, 3, 5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gateway]\nport = 70000\n", "AYUMI_GATEWAY__PORT: input should be less than or equal to 65535"),
        ("[gateway]\nprot = 1\n", "AYUMI_GATEWAY__PROT is not a setting"),
        ("[getaway]\nport = 1\n", r"\[getaway\] is not a room"),
        ("port = 1\n", "port is not in a room"),
        ("[gateway\n", r"cannot read .*ayumi\.toml"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_setting_rule_and_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(StopError, match=rf"{said}.*") as raised:
        load_settings(zone_with(tmp_path, text))
    assert "ayumi.toml" in str(raised.value)


def test_an_unknown_variable_is_refused_and_the_nearest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AYUMI_GATEWAY__PROT", "1")
    with pytest.raises(StopError, match=r"AYUMI_GATEWAY__PROT is not a setting.*AYUMI_GATEWAY__PORT"):
        load_settings()


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AYUMI_BOARD__MIN_LEARNERS", "1")
    monkeypatch.setenv("AYUMI_ZONE__NAME", "Osaka Shi")
    with pytest.raises(StopError, match=r"AYUMI_ZONE__NAME.*'Osaka Shi'.*AYUMI_BOARD__MIN_LEARNERS"):
        load_settings()


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="AYUMI_STORE__ARCHIVE_DSN") as raised:
        load_settings(zone_with(tmp_path, "[store]\narchive_dsn = 1234567\n"))
    assert "1234567" not in str(raised.value)


def test_a_child_reads_the_same_settings_from_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = zone_with(tmp_path, '[zone]\nname = "osaka"\n[store]\nreaders = 3\n')
    monkeypatch.setenv("AYUMI_BROKER__BOOTSTRAP_SERVERS", "kafka-1:9092")
    monkeypatch.setenv("AYUMI_REGISTRY__URL", "sqlite:///x")
    ours = load_settings(folder, gateway={"port": 12345}, processor={"root_key_file": tmp_path / "k"})
    environment = environment_of(ours, folder)
    for name in ("AYUMI_BROKER__BOOTSTRAP_SERVERS", "AYUMI_REGISTRY__URL"):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        if name.startswith("AYUMI_"):
            monkeypatch.setenv(name, value)
    theirs = load_settings(folder)
    assert [getattr(theirs, room) for room in Settings.model_fields] == [
        getattr(ours, room) for room in Settings.model_fields
    ]


@pytest.mark.parametrize(("base", "found"), [("/data/cache", "/data/cache/ayumi"), ("", None), ("relative", None)])
def test_downloads_are_kept_where_the_user_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, base: str, found: str | None
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", base)
    assert cache_folder() == (Path(found) if found else Path.home() / ".cache" / "ayumi")
