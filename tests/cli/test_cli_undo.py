"""Undo in a terminal and in a pipe."""

import json
from uuid import UUID

import pytest

import undo.app
from tests.api.api_calls import CONTEXT
from tests.api.test_api_undo import batches  # noqa: F401 - a fixture
from tests.api.world import World
from tests.cli.conftest import Run
from tests.cli.loopback import Loopback


def test_in_a_pipe_nothing_is_undone_unasked(run: Run, world: World, batches: tuple[UUID, UUID]) -> None:  # noqa: F811
    result = run("undo", batches[0])
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert world.count("SELECT count(*) FROM undos") == 0


def test_a_dry_run_shows_what_would_happen(run: Run, batches: tuple[UUID, UUID]) -> None:  # noqa: F811
    first, second = batches
    result = run("undo", first, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout == (
        "Removes:     2\n"
        "Restores:    0\n"
        "Keeps:       1\n"
        f"             row 2, MS-2: a later import builds on it, kintell status {second}\n"
    )
    assert json.loads(run("undo", first, "--dry-run", "--json").stdout)["removes"] == 2


@pytest.fixture
def workflow(loopback: Loopback, world: World) -> None:
    """Carries out what was asked for before the next request is answered."""

    def work(_number: int) -> None:
        for batch, number in world.db.run("SELECT batch_id, number FROM undos WHERE state IN ('planning', 'running')"):
            undo.app.handler({"batchId": str(batch), "undo": number, "execution": "e"}, CONTEXT)

    loopback.before = work


@pytest.mark.usefixtures("workflow")
def test_an_import_is_undone(run: Run, world: World, batches: tuple[UUID, UUID]) -> None:  # noqa: F811
    first, second = batches
    result = run("undo", second, "--reason", "the wrong file", "--yes")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "Undone:      1 removed, 1 restored")
    assert world.db.run("SELECT reason FROM undos") == [["the wrong file"]]
    as_json = run("undo", first, "--yes", "--json").stdout
    # The workflow's log lines stand before it.
    assert json.loads(as_json[as_json.index("{\n") :])["state"] == "completed"
    assert "Status:      undone" in run("status", first).stdout
    again = run("undo", first, "--yes")
    assert again.exit_code == 1
    assert "nothing of it is left" in again.stderr


@pytest.mark.usefixtures("workflow")
def test_a_large_import_is_planned_by_the_workflow(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    batches: tuple[UUID, UUID],  # noqa: F811
) -> None:
    monkeypatch.setattr("api.undo_operations.MOST_ROWS", 2)
    assert "Removes:     2\n" in run("undo", batches[0], "--dry-run").stdout
    assert run("undo", batches[0], "--yes").exit_code == 0


def test_an_undo_that_fails_says_why(
    run: Run,
    loopback: Loopback,
    world: World,
    batches: tuple[UUID, UUID],  # noqa: F811
) -> None:
    def fail(_number: int) -> None:
        world.db.run("UPDATE undos SET state = 'failed', failure_reason = 'undo_broke: x', completed_at = now()")

    loopback.before = fail
    result = run("undo", batches[0], "--yes")
    assert (result.exit_code, result.stderr) == (1, "kintell: undo_broke: x\n")
