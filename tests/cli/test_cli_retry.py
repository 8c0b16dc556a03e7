"""`kintell retry`: which rejected rows would pass now, and their import."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.api.world import World
from tests.cli.conftest import Run


@pytest.fixture
def batch(world: World) -> UUID:
    """A batch with a rejected row whose people are known by now."""
    batch = world.batch(
        error_file_key="errors/x.csv", format={"encoding": "utf-8", "delimiter": ",", "header": ["a"], "columns": 1}
    )
    span = {"number": 1, "start": 0, "end": 9, "first_row": 1, "first_line": 2, "rows": 10}
    world.chunk(batch, 1, span=span, first_row=1, rows=10)
    sql = "INSERT INTO retryable_rows VALUES (:id, 1, false, '{2}', '{MS-2}', CAST(:people AS text[]))"
    world.db.run(sql, id=batch, people=["anna@example.org ole@example.org"])
    world.user("anna@example.org")
    world.user("ole@example.org", "volunteer")
    return batch


@pytest.fixture
def imported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a batch finds that it has ended."""

    def ended(_api: Any, batch_id: str, _bars: Any) -> Any:
        world.db.run(
            """
            UPDATE ingestion_batches
               SET status = 'completed', inserted_rows = 1, completed_at = created_at, started_at = created_at
             WHERE id = :id
            """,
            id=batch_id,
        )
        return _api.get(f"/v1/import/backfill/{batch_id}/status")

    monkeypatch.setattr("cli.batch_commands.wait_for_batch", ended)


def test_without_a_batch_it_lists_what_would_pass(run: Run, batch: UUID) -> None:
    result = run("retry")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [f"{str(batch)[:8]}:    1 of 1 rows, mentors-ukraine-2024-11.csv", "Retry:       kintell retry --all"],
    )
    assert json.loads(run("retry", "--json").stdout)["items"][0]["wouldPass"] == 1


@pytest.mark.parametrize("by_name", [True, False])
def test_rows_are_imported_again(run: Run, batch: UUID, imported: None, buckets: Any, by_name: bool) -> None:
    result = run("retry", batch if by_name else "--all")
    assert result.exit_code == 0, result.output
    assert "Processed:   1 rows\nSuccess:     1 (1 new, 0 updated)" in result.stdout


@pytest.mark.parametrize("words", [(), ("--all",)])
def test_nothing_to_do_is_no_failure(run: Run, words: tuple[str, ...]) -> None:
    assert (run("retry", *words).exit_code, run("retry", *words).stdout) == (0, "No rejected row would pass now.\n")


def test_a_batch_without_such_rows_is_no_failure_either(run: Run, world: World) -> None:
    result = run("retry", world.batch())
    assert (result.exit_code, result.stdout) == (0, "No rejected row would pass now.\n")


@pytest.mark.parametrize("words", [("--all", "6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11"), ("--date-order", "day-first")])
def test_what_contradicts_itself_is_wrong_use(run: Run, words: tuple[str, ...]) -> None:
    assert run("retry", *words).exit_code == 2


def test_an_unknown_batch_is_a_failure(run: Run) -> None:
    assert run("retry", "6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11").exit_code == 1
