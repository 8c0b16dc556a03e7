"""Where a batch is: once, or until it has ended."""

import json
from typing import Any
from uuid import UUID

import pytest

from cli.api import Api, Json
from cli.progress_bars import Silent
from cli.waiting import wait_for_batch
from ingestion.batch import Tally
from tests.api.world import World
from tests.cli.conftest import Run
from tests.cli.loopback import Loopback
from tests.db.world import account_for

BROKE = "import_broke: An error stopped the import (BatchBroken). Nothing of the file was imported."


def test_a_status_says_what_the_batch_is_and_what_its_rows_came_to(run: Run, world: World) -> None:
    batch = world.batch(error_file_key="errors/x.csv", program_instance_id=world.instance("mentors-ukraine-2024"))
    result = run("status", batch)
    assert result.exit_code == 3
    assert result.stdout == (
        "File:        mentors-ukraine-2024-11.csv (1.2 KB)\n"
        "Programme:   mentors_ukraine / mentors-ukraine-2024\n"
        "Imported by: ole@example.org\n"
        "Created:     2024-12-01 13:00:00+01:00\n"
        "Completed:   2024-12-01 13:00:02+01:00\n"
        "Status:      completed\n"
        f"Batch ID:    {batch}\n"
        "Processed:   10 rows\n"
        "Success:     7 (6 new, 1 updated)\n"
        "Skipped:     1\n"
        "Errors:      2\n"
        f"Error file:  kintell errors {batch} -o errors.csv\n"
    )
    assert json.loads(run("status", batch, "--json").stdout)["completedAt"] == "2024-12-01T12:00:02Z"


@pytest.mark.parametrize(
    ("values", "code", "said"),
    [
        pytest.param({"error_rows": 0, "skipped_rows": 3}, 0, "Errors:      0", id="done"),
        pytest.param({"status": "archived"}, 3, "Errors:      2\n", id="error file gone"),
        pytest.param({"status": "failed", "failure_reason": BROKE}, 1, f"Failed:      {BROKE}", id="failed"),
        pytest.param({"status": "running"}, 0, "Status:      running, 0 % of 10 rows", id="running"),
        pytest.param({"dry_run": True}, 3, "Dry run:     nothing was imported", id="dry run"),
    ],
)
def test_the_exit_code_is_that_of_the_import(
    run: Run, world: World, values: dict[str, Any], code: int, said: str
) -> None:
    result = run("status", world.batch(**values))
    assert result.exit_code == code
    assert said in result.stdout
    assert "Error file" not in result.stdout


def complete(world: World, batch: UUID) -> None:
    account_for(world.db, batch, Tally(total=10, inserted=10))
    world.db.run(
        "UPDATE ingestion_batches SET status = 'completed', completed_at = now(), inserted_rows = 10 WHERE id = :id",
        id=batch,
    )


def test_watching_ends_with_the_batch(run: Run, world: World, loopback: Loopback) -> None:
    batch = world.batch(status="running")
    world.chunk(batch, 0, state="staged", staged_rows=5)
    world.chunk(batch, 1)
    loopback.before = lambda number: complete(world, batch) if number == 4 else None
    result = run("status", batch, "--watch")
    assert result.exit_code == 0
    assert result.stdout.startswith("Running:     5 of 10 rows\nFile:")
    assert result.stdout.endswith("Skipped:     0\nErrors:      0\n")


def test_an_answer_that_fails_does_not_end_the_watch(run: Run, world: World, loopback: Loopback) -> None:
    batch = world.batch(status="running")

    def fail_once(number: int) -> None:
        if number == 2:
            loopback.answers_first = [(503, b"<html>")]
        if number == 3:
            complete(world, batch)

    loopback.before = fail_once
    assert run("status", batch, "--watch").exit_code == 0
    loopback.answers_first = [(503, b"<html>")]
    once = run("status", batch)
    assert once.exit_code == 1
    assert "is not working (503); try again." in once.stderr


def test_an_upload_is_found_by_its_id(run: Run, world: World) -> None:
    upload = world.upload()
    batch = world.batch(upload_id=upload)
    assert f"Batch ID:    {batch}" in run("status", upload).stdout
    waiting = world.upload(state="waiting")
    result = run("status", waiting)
    assert result.exit_code == 0
    assert "waiting for the file" in result.stdout
    refused = world.upload(
        state="refused", refusal_code="already_imported", refusal_message="It is in.", refusal_batch_id=batch
    )
    result = run("status", refused)
    assert result.exit_code == 1
    assert "Refused:     already_imported: It is in." in result.stdout
    assert f"kintell status {batch}" in result.stdout


def test_an_older_api_that_knows_no_stages_is_watched_as_well(run: Run, loopback: Loopback, world: World) -> None:
    told: list[list[Json]] = []

    class Watching(Silent):
        shows_stages = True

        def staged(self, stages: list[Json]) -> None:
            told.append(stages)

    batch = world.batch(status="running")
    loopback.answers_first = [
        (200, json.dumps({"status": "running"}).encode()),
        (200, json.dumps({"batchId": str(batch)}).encode()),
        (200, json.dumps({"status": "completed"}).encode()),
    ]
    assert wait_for_batch(Api.at(loopback.url, None), str(batch), Watching()) == {"status": "completed"}
    assert told == [[]]


def test_cancelling_waits_until_the_batch_has_ended(run: Run, world: World, loopback: Loopback) -> None:
    batch = world.batch(status="running")

    def fail(number: int) -> None:
        if number == 4:
            world.db.run(
                """
                UPDATE ingestion_batches
                   SET status = 'failed', completed_at = now(), failure_reason = 'cancelled: x', skipped_rows = 10,
                       unpublished_rows = 10
                 WHERE id = :id AND cancelled_at IS NOT NULL
                """,
                id=batch,
            )

    loopback.before = fail
    result = run("cancel", batch)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("Cancelled; nothing of mentors-ukraine-2024-11.csv was imported.\n")
    again = run("cancel", batch)
    assert again.exit_code == 1
    assert "has ended; nothing was changed." in again.stderr


def test_what_the_file_has_in_common_with_an_earlier_one_is_said(run: Run, world: World) -> None:
    earlier = world.batch(distinct_ids=9, file_name="october.csv")
    warning = {"code": "mostly_imported", "count": 5, "batch_id": str(earlier), "percent": 62.5}
    batch = world.batch(distinct_ids=8, csv_metadata={"warnings": [warning]})
    world._insert(
        "batch_overlaps",
        {
            "batch_id": batch,
            "earlier_batch_id": earlier,
            "same_rows": 5,
            "changed_rows": 2,
            "changed_fields": {"rating": 2},
        },
    )
    said = run("status", batch).stdout
    assert (
        f"Compared:    5 of 8 rows are the same as in october.csv, 2 changed (rating 2): kintell status {earlier}\n"
        in said
    )
    assert f"import of another file (5, 62.5 %): kintell status {earlier}\n" in said
    assert json.loads(run("status", batch, "--json").stdout)["overlap"][0]["onlyThere"] == 2
