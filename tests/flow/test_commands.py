"""The commands that work on a zone, as programs of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrs.kernel.settings import BrokerSettings
from tests.support.ayumi import ayumi
from tests.support.broker import new_zone_name

CATALOGUE = "activity_id,curriculum_code,subject,item_type,title\n"


@pytest.fixture
def on_a_cluster(broker: BrokerSettings, zone: str) -> dict[str, str]:
    return {"AYUMI_BROKER__BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.port}", "AYUMI_ZONE__NAME": zone}


def test_a_credential_has_the_scopes_that_it_was_made_with(tmp_path: Path) -> None:
    there = ("--dir", str(tmp_path))
    ayumi("credential", "add", "desk", "--scope", "statements/read", "--scope", "state", *there)
    ayumi("credential", "add", "drill-a", *there)
    desk, drill = json.loads(ayumi("credential", "list", *there, "--json").stdout)
    assert desk["scopes"] == ["statements/read", "state"]
    assert drill["scopes"] == ["statements/write", "statements/read/mine", "state", "profile"]
    assert "statements/read state" in ayumi("credential", "list", *there).stdout


def test_an_unknown_scope_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    done = ayumi("credential", "add", "drill-a", "--scope", "statements", "--dir", str(tmp_path / "new"))
    assert done.returncode == 2
    assert "'statements' is not a scope; the scopes are statements/write, " in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_credential_is_made_listed_and_revoked(tmp_path: Path) -> None:
    there = ("--dir", str(tmp_path))
    made = json.loads(ayumi("credential", "add", "drill-a", *there, "--json").stdout)
    assert made["app"] == "drill-a"
    assert made["secret"]
    [listed] = json.loads(ayumi("credential", "list", *there, "--json").stdout)
    assert (listed["key"], listed["revoked_at"]) == (made["key"], None)
    assert made["secret"] not in json.dumps(listed)
    assert ayumi("credential", "revoke", made["key"], *there).returncode == 0
    again = ayumi("credential", "revoke", made["key"], *there)
    assert (again.returncode, "no valid credential" in again.stderr) == (2, True)


def test_a_malformed_app_name_is_refused_with_its_rule(tmp_path: Path) -> None:
    done = ayumi("credential", "add", "Drill A", "--dir", str(tmp_path))
    assert (done.returncode, "1 to 63 of a-z" in done.stderr, done.stdout) == (2, True, "")


def test_good_rows_are_loaded_and_bad_ones_told_by_line_and_column(
    tmp_path: Path, on_a_cluster: dict[str, str]
) -> None:
    file = tmp_path / "catalogue.csv"
    good = "https://a.example/1,8250000000000000,sansuu,question,一\n"
    file.write_text(CATALOGUE + good + good.replace("https://a.example/1", "not an IRI"), "utf-8")
    done = ayumi("catalogue", "load", str(file), "--dir", str(tmp_path), "--json", settings=on_a_cluster)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["loaded"] + len(report["refused"]) == 2
    assert (3, "activity_id") in [(row["line"], row["column"]) for row in report["refused"]]


def test_a_file_with_other_columns_is_refused(tmp_path: Path, on_a_cluster: dict[str, str]) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("a,b\n1,2\n", "utf-8")
    done = ayumi("roster", "load", str(file), "--dir", str(tmp_path), settings=on_a_cluster)
    assert (done.returncode, "column 'home_page' is missing" in done.stderr) == (2, True)


@pytest.mark.parametrize("words", [("catalogue", "load", "FILE"), ("simulate",)])
def test_a_zone_that_does_not_run_is_told_with_how_to_start_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "FILE").write_text(CATALOGUE, "utf-8")
    done = ayumi(*(str(tmp_path / word) if word == "FILE" else word for word in words), "--dir", str(tmp_path))
    assert (done.returncode, f"ayumi up {tmp_path}" in done.stderr) == (2, True)


def test_migrating_twice_has_nothing_to_do(tmp_path: Path) -> None:
    first = ayumi("migrate", str(tmp_path))
    assert (first.returncode, "applied archive/0001_create_statements" in first.stdout) == (0, True)
    second = ayumi("migrate", str(tmp_path))
    assert (second.returncode, second.stdout) == (0, "nothing to do\n")


def test_migrating_a_zone_on_a_cluster_makes_its_topics(tmp_path: Path, broker: BrokerSettings) -> None:
    settings = {"AYUMI_BROKER__BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.port}", "AYUMI_ZONE__NAME": new_zone_name()}
    done = ayumi("migrate", str(tmp_path), settings=settings)
    assert f"applied topics/{settings['AYUMI_ZONE__NAME']}.received.v1" in done.stdout


def test_a_bad_setting_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    done = ayumi("up", str(tmp_path), settings={"AYUMI_GATEWAY__PORT": "eighty"})
    assert done.returncode == 2
    assert done.stderr.startswith("ayumi: AYUMI_GATEWAY__PORT: input should be a valid integer")
    assert len(done.stderr.splitlines()) == 1


def test_a_part_that_refuses_to_begin_says_why(tmp_path: Path, on_a_cluster: dict[str, str]) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "root.key").write_text("no key")
    done = ayumi("run", "processor", "--dir", str(tmp_path), settings=on_a_cluster)
    assert (done.returncode, "ayumi: the root key" in done.stderr) == (2, True)


def test_the_references_of_a_district_are_written_without_a_zone(tmp_path: Path) -> None:
    done = ayumi("simulate", "--references-only", str(tmp_path / "district"), "--schools", "1")
    assert done.returncode == 0
    assert sorted(path.name for path in (tmp_path / "district").iterdir()) == [
        "catalogue.csv",
        "consent.csv",
        "roster.csv",
    ]


def test_a_quota_is_given_with_a_credential_changed_and_ended(tmp_path: Path) -> None:
    there = ("--dir", str(tmp_path))
    made = json.loads(ayumi("credential", "add", "drill-a", "--quota", "200", *there, "--json").stdout)
    assert made["quota"] == {"statements_per_second": 200.0, "burst": 2000}
    assert ayumi("credential", "quota", "drill-a", *there).stdout == "drill-a\t200 statements/s, 2000 at once\n"
    ayumi("credential", "quota", "drill-a", "--quota", "0.5", "--burst", "7", *there)
    again = json.loads(ayumi("credential", "add", "drill-a", *there, "--json").stdout)
    assert again["quota"] == {"statements_per_second": 0.5, "burst": 7}
    assert "0.5 statements/s, 7 at once" in ayumi("credential", "list", *there).stdout
    assert ayumi("credential", "quota", "drill-a", "--none", *there).stdout == "drill-a\tno quota of its own\n"
    assert {one["quota"] for one in json.loads(ayumi("credential", "list", *there, "--json").stdout)} == {None}


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("add", "drill-a", "--quota", "0"), "quota: a quota is more than 0"),
        (("add", "drill-a", "--burst", "5"), "--burst goes with --quota"),
        (("quota", "drill-a", "--quota", "5", "--burst", "0"), "burst: a burst is at least 1 statement"),
        (("quota", "drill-a", "--none", "--quota", "5"), "--none stands alone"),
    ],
)
def test_a_quota_that_makes_no_sense_is_refused_and_changes_nothing(
    tmp_path: Path, words: tuple[str, ...], rule: str
) -> None:
    done = ayumi("credential", *words, "--dir", str(tmp_path / "new"))
    assert (done.returncode, rule in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "new").exists()
