"""The embedded PostgreSQL: up, kept, and up again after whatever became of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local.failures import CannotStart
from local.postgres import THROW_AWAY, Database, running_server, temporary_server

HOLD = """
import sys, time
from pathlib import Path
from local.postgres import THROW_AWAY, running_server
with running_server(Path(sys.argv[1]), THROW_AWAY) as database:
    print(database.url, flush=True)
    time.sleep(60)
"""


def numbers(database: Database) -> list[int]:
    connection = database.connect()
    try:
        return [number for (number,) in connection.run("SELECT n FROM numbers")]
    finally:
        connection.close()


def remember(database: Database) -> None:
    connection = database.connect()
    connection.run("CREATE TABLE numbers (n int)")
    connection.run("INSERT INTO numbers VALUES (1)")
    connection.close()


def test_data_outlives_a_restart(tmp_path: Path) -> None:
    with running_server(tmp_path, THROW_AWAY) as database:
        remember(database)
    with running_server(tmp_path, THROW_AWAY) as database:
        assert numbers(database) == [1]


def test_a_server_whose_parent_was_killed_ends_and_starts_again(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        remember(Database.from_url(parent.stdout.readline().strip()))
        server = psutil.Process(int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0]))
        parent.kill()
    with running_server(tmp_path, THROW_AWAY) as database:
        assert numbers(database) == [1]
        assert not server.is_running()


def test_a_server_that_was_killed_itself_loses_nothing(tmp_path: Path) -> None:
    with running_server(tmp_path) as database:
        remember(database)
        os.kill(int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    time.sleep(0.5)  # its children notice that it is gone
    with running_server(tmp_path) as database:
        assert numbers(database) == [1]


def test_the_lock_of_a_server_whose_pid_is_another_program_now_is_no_obstacle(tmp_path: Path) -> None:
    with running_server(tmp_path, THROW_AWAY) as database:
        remember(database)
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    with running_server(tmp_path, THROW_AWAY) as database:
        assert numbers(database) == [1]


def test_a_half_made_data_folder_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new" / "base").mkdir(parents=True)
    with running_server(tmp_path, THROW_AWAY) as database:
        remember(database)


def test_databases_are_copied_from_a_template() -> None:
    with temporary_server() as server:
        template = server.create("template")
        remember(template)
        assert numbers(server.create("copy", template="template")) == [1]
        server.drop("copy")


@pytest.mark.parametrize(
    ("url", "database"),
    [
        pytest.param(
            "postgresql://me:p%40ss@db.example.org:6543/kintell?sslmode=require",
            Database("db.example.org", 6543, "kintell", "me", "p@ss", "require"),
            id="everything given",
        ),
        pytest.param(
            "postgres://me:x@localhost/kintell",
            Database("localhost", 5432, "kintell", "me", "x", "disable"),
            id="no encryption on this machine",
        ),
        pytest.param(
            "postgresql://me:x@db.example.org/kintell",
            Database("db.example.org", 5432, "kintell", "me", "x", "require"),
            id="encryption elsewhere",
        ),
    ],
)
def test_a_database_url_names_a_database(url: str, database: Database) -> None:
    assert Database.from_url(url) == database
    assert Database.from_url(database.url) == database


@pytest.mark.parametrize("url", ["mysql://me@host/db", "postgresql://host", "nonsense"])
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(CannotStart):
        Database.from_url(url)
