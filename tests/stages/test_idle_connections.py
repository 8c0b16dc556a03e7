"""A function that does nothing gives its connection back, and one that works on something else keeps it."""

import time

import pytest

import intake.examine
import intake.intake_upload
from ingestion.config import settings
from ingestion.database import connection as connections
from ingestion.database.connection import Connection, connection
from tests.stages.conftest import Pipeline
from tests.stages.test_interruptions import file_of

LONGER_THAN_ALLOWED = 1.5


def is_open(pid: object, db: Connection) -> bool:
    """Whether the server still has the connection, after some time for it to notice."""
    deadline = time.monotonic() + 5
    while (
        left := db.run("SELECT pid FROM pg_stat_activity WHERE pid = :pid", pid=pid)
    ) and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(left)


@pytest.fixture(autouse=True)
def a_second_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE", "1s")


def test_an_idle_function_holds_no_connection_and_gets_another(pipeline: Pipeline) -> None:
    before = connection(settings()).run("SELECT pg_backend_pid()")[0][0]
    assert not is_open(before, pipeline.db)
    assert connection(settings()).run("SELECT pg_backend_pid()") != [[before]]


def test_a_large_file_may_take_longer_to_read(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    examine = intake.examine.examine

    def slowly(*given: object) -> object:
        time.sleep(LONGER_THAN_ALLOWED)
        return examine(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(intake.intake_upload, "examine", slowly)
    monkeypatch.setattr(intake.intake_upload, "READ_AT_ONCE_BYTES", 0)
    batch = pipeline.load("incoming/mentors_ukraine/mentors-ukraine-2024-q4/slow.csv", file_of(1, 3))
    assert batch["total_rows"] == 3
