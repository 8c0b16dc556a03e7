"""The schema: every migration is applied once, whole or not at all, whoever asks for it."""

import json
import math
import shutil
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from ingestion.database import schema
from ingestion.database.connection import Connection, connect
from ingestion.database.roles import Login
from ingestion.database.schema import MigrationFailed, OtherSchema, migrate, versions
from ingestion.errors import Unavailable
from ingestion.records import PROGRAMMES
from local.postgres import Database
from migrate import app, wait_for_database
from tests.conftest import FUNCTIONS, secret_of
from tests.template.documents import EVENTS, functions

BEFORE, AFTER = "-- deploy: before\n", "-- deploy: after\n"
_numbers = count(1)


@pytest.fixture
def empty(database_server: Database) -> Iterator[Database]:
    """A database without anything."""
    fresh = database_server.create(f"empty_{next(_numbers)}")
    yield fresh
    database_server.drop(fresh.dbname)


@pytest.fixture
def own(database: Database) -> Iterator[Connection]:
    """A connection to a database of the test's own, outside of any transaction."""
    connection = connect(secret_of(database))
    yield connection
    connection.close()


def folder_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations, to add to."""
    shutil.copytree(schema.FOLDER, folder := tmp_path / "migrations")
    monkeypatch.setattr(schema, "FOLDER", folder)
    return folder


def applied(db: Connection) -> list[str]:
    """What the database says that it has had."""
    return [
        row[0] for row in db.run("SELECT version FROM schema_migrations WHERE applied_at IS NOT NULL ORDER BY version")
    ]


def test_two_runners_at_once_apply_each_migration_once_and_a_third_nothing(empty: Database) -> None:
    ready = Barrier(2)

    def run(_number: int) -> list[str]:
        db = connect(secret_of(empty))
        ready.wait()
        try:
            return migrate(db)
        finally:
            db.close()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, range(2))
    assert first + second == versions()
    db = connect(secret_of(empty))
    assert applied(db) == versions()
    assert migrate(db) == []
    assert db.run("SELECT count(*) FROM programmes") == [[len(PROGRAMMES)]]
    db.close()


def test_each_version_is_one_file_and_they_are_applied_in_order() -> None:
    assert versions() == sorted(set(versions()))


def test_a_broken_migration_leaves_nothing_of_itself_and_those_before_it_stay(
    own: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, monkeypatch)
    (folder / "9997_good.sql").write_text(f"{BEFORE}CREATE TABLE good (id integer);")
    broken = folder / "9998_broken.sql"
    broken.write_text(f"{BEFORE}CREATE TABLE half (id integer); SELECT * FROM nowhere;")
    (folder / "9999_later.sql").write_text(f"{BEFORE}CREATE TABLE later (id integer);")
    with pytest.raises(MigrationFailed, match=r"^9998_broken\.sql was not applied: .*SQLSTATE 42P01"):
        migrate(own)
    assert applied(own)[-1] == "9997"
    assert own.run("SELECT to_regclass('good') IS NOT NULL, to_regclass('half'), to_regclass('later')") == [
        [True, None, None]
    ]
    assert own.run("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()") == [[0]]
    broken.write_text(f"{BEFORE}CREATE TABLE half (id integer);")
    assert migrate(own) == ["9998", "9999"]


def test_a_migration_after_the_deploy_waits_for_the_next_call(
    own: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, monkeypatch)
    (folder / "9997_drop.sql").write_text(f"{AFTER}CREATE TABLE dropped (id integer);")
    (folder / "9998_add.sql").write_text(f"{BEFORE}CREATE TABLE added (id integer);")
    assert migrate(own) == ["9998"]
    assert own.run("SELECT to_regclass('dropped')") == [[None]]
    (folder / "9999_more.sql").write_text(f"{BEFORE}CREATE TABLE more (id integer);")
    assert migrate(own) == ["9997", "9999"]
    assert migrate(own) == []


def test_a_migration_after_a_deploy_that_was_rolled_back_waits_again(
    own: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = folder_of(tmp_path, monkeypatch) / "9997_drop.sql"
    after.write_text(f"{AFTER}CREATE TABLE dropped (id integer);")
    assert migrate(own) == []
    after.unlink()
    assert migrate(own) == []  # CloudFormation calls the old code's Migrate as it rolls back
    after.write_text(f"{AFTER}CREATE TABLE dropped (id integer);")
    assert migrate(own) == []  # the second attempt: the old functions still run
    assert own.run("SELECT to_regclass('dropped')") == [[None]]
    assert migrate(own) == ["9997"]


def test_a_new_database_gets_all_at_once(empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder_of(tmp_path, monkeypatch) / "9999_after.sql").write_text(f"{AFTER}CREATE TABLE last (id integer);")
    db = connect(secret_of(empty))
    assert migrate(db) == versions()
    db.close()


def test_every_migration_says_when_it_is_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder_of(tmp_path, monkeypatch) / "9999_silent.sql").write_text("CREATE TABLE silent (id integer);")
    with pytest.raises(MigrationFailed, match=r"^9999_silent\.sql must begin with a line `-- deploy: before`"):
        versions()


def test_a_database_of_another_origin_is_left_alone(own: Connection) -> None:
    newest = versions()[-1]
    own.run("UPDATE schema_migrations SET checksum = 'another' WHERE version = :version", version=newest)
    with pytest.raises(OtherSchema, match=rf"{newest}_\w+\.sql had a different text .* run make clean"):
        migrate(own)
    own.run("UPDATE schema_migrations SET version = '0000' WHERE version = :version", version=newest)
    with pytest.raises(OtherSchema, match="its migration 0000 is not in this version"):
        migrate(own)


def test_a_database_from_before_the_baseline_is_left_alone(empty: Database) -> None:
    db = connect(secret_of(empty))
    db.run("CREATE TABLE schema_migrations (version text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())")
    db.run("INSERT INTO schema_migrations (version) VALUES ('0001'), ('0016')")
    with pytest.raises(OtherSchema, match="run make clean, which removes the data"):
        migrate(db)
    assert db.run("SELECT to_regclass('uploads')") == [[None]]
    db.close()


def test_a_database_may_be_ahead_of_the_code(own: Connection) -> None:
    own.run("INSERT INTO schema_migrations VALUES ('9999', 'of a later version', now())")
    assert migrate(own) == []


def test_cloudformation_gets_its_answer(own: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    event: dict[str, Any] = json.loads((EVENTS / "migrate.json").read_text())
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(app, "settings", lambda: SimpleNamespace(functions_secret_arn="functions"))  # noqa: S106
    monkeypatch.setattr(app, "read_secret", lambda _arn: Login(username=FUNCTIONS).model_dump_json())
    monkeypatch.setattr(app, "connection_in_time", lambda _settings: own)
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: _Answered(answers, request))
    context: Any = _Context()
    assert app.handler(event, context) == {"status": "SUCCESS", "applied": []}
    asked = {**event, "ResponseURL": "https://cloudformation.example.org/"}
    app.handler({**asked, "RequestType": "Delete", "PhysicalResourceId": "schema"}, context)
    assert applied(own) == versions(), "deleting the stack leaves the schema"
    monkeypatch.setattr(app, "connection_in_time", lambda _settings: 1 / 0)
    assert app.handler(asked, context)["status"] == "FAILED"
    assert [(one["Status"], one["PhysicalResourceId"]) for one in answers] == [
        ("SUCCESS", "schema"),
        ("FAILED", "kintell-schema"),
    ]
    assert answers[1]["Reason"].startswith("ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        app.handler(event, context)


def test_cloudformation_is_told_why_the_database_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    event: dict[str, Any] = json.loads((EVENTS / "migrate.json").read_text())
    answers: list[dict[str, Any]] = []

    def out_of_reach(_settings: Any) -> Any:
        raise Unavailable("The database is out of reach.") from OSError("certificate verify failed")

    monkeypatch.setattr(app, "settings", lambda: None)
    monkeypatch.setattr(app, "connection_in_time", out_of_reach)
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: _Answered(answers, request))
    context: Any = _Context()
    app.handler({**event, "ResponseURL": "https://cloudformation.example.org/"}, context)
    assert [answer["Reason"] for answer in answers] == [
        "Unavailable: The database is out of reach. (certificate verify failed)"
    ]


@pytest.mark.parametrize(
    ("before", "now", "is_refused"),
    [
        pytest.param(None, {"Database": "one"}, False, id="a first deploy"),
        pytest.param({"Database": "one"}, {"Database": "one", "Version": "2"}, False, id="the same database"),
        pytest.param({"Database": "one"}, {"Database": "two"}, True, id="the size changes, or a snapshot is left out"),
        pytest.param({"Secret": "arn:one"}, {"Secret": "arn:two"}, True, id="another existing database"),
    ],
)
def test_a_deploy_does_not_replace_a_database_by_an_empty_one(
    empty: Database, monkeypatch: pytest.MonkeyPatch, before: Any, now: dict[str, str], is_refused: bool
) -> None:
    event: dict[str, Any] = json.loads((EVENTS / "migrate.json").read_text())
    event |= {"ResourceProperties": now, "ResponseURL": "https://cloudformation.example.org/"}
    if before:
        event |= {"RequestType": "Update", "OldResourceProperties": before}
    answers: list[dict[str, Any]] = []
    db = connect(secret_of(empty))
    monkeypatch.setattr(app, "settings", lambda: SimpleNamespace(functions_secret_arn="", functions_user=""))
    monkeypatch.setattr(app, "connection_in_time", lambda _settings: db)
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: _Answered(answers, request))
    context: Any = _Context()
    app.handler(event, context)
    assert db.run("SELECT to_regclass('schema_migrations') IS NULL") == [[is_refused]]
    assert [answer["Status"] for answer in answers] == ["FAILED" if is_refused else "SUCCESS"]
    assert ("DatabaseSnapshot" in answers[0]["Reason"]) == is_refused
    if is_refused:
        # With the data in it, as of a snapshot, it is welcome.
        migrate(db)
        app.handler(event, context)
        assert answers[1]["Status"] == "SUCCESS"
    db.close()


class _Refusing:
    """A database that refuses some times before it lets in."""

    def __init__(self, times: float) -> None:
        self.times, self.asked = times, 0

    def connection(self, _settings: Any) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise Unavailable("The database is out of reach.")
        return "a connection"


def test_migrate_waits_for_a_database_that_is_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    database = _Refusing(times=3)
    monkeypatch.setattr(wait_for_database, "connection", database.connection)
    monkeypatch.setattr(wait_for_database, "PAUSE_SECONDS", 0)
    anything: Any = None
    assert wait_for_database.connection_in_time(anything) == "a connection"
    assert database.asked == 4


def test_migrate_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    database = _Refusing(times=math.inf)
    monkeypatch.setattr(wait_for_database, "connection", database.connection)
    monkeypatch.setattr(wait_for_database, "PAUSE_SECONDS", 0)
    assert functions()["Migrate"]["Timeout"] > wait_for_database.WAIT_SECONDS
    monkeypatch.setattr(wait_for_database, "WAIT_SECONDS", 0)
    anything: Any = None
    with pytest.raises(Unavailable):
        wait_for_database.connection_in_time(anything)


class _Context:
    function_name = "migrate"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:eu-north-1:123456789012:function:migrate"
    aws_request_id = "request"
    log_stream_name = "stream"


class _Answered:
    def __init__(self, answers: list[dict[str, Any]], request: Any) -> None:
        answers.append(json.loads(request.data))

    def close(self) -> None:
        """As the answer to a real request."""
