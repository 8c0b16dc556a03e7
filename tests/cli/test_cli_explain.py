"""Where the values of a session come from, and whether a batch is still what its file says, in a terminal."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from api import verification_routes
from ingestion.database.tables import verifications
from tests.api.test_api_explain import batch, session  # noqa: F401 - fixtures
from tests.api.world import World
from tests.cli.conftest import Run


def test_each_value_is_shown_beside_its_cell(run: Run, session: int) -> None:  # noqa: F811
    result = run("explain", session)
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert ["rating", "0.875", "E2", "rating", "4,5", "1", "2"] in [line[:7] for line in lines]
    assert "mentors-ukraine-2024-11.csv, batch" in result.stderr


def test_one_field_alone_is_shown(run: Run, ask_json: Callable[..., Any], session: int) -> None:  # noqa: F811
    assert [line.split("\t")[0] for line in run("explain", session, "--field", "rating").stdout.splitlines()] == [
        "rating"
    ]
    assert [one["cell"] for one in ask_json("explain", session, "--field", "rating")["fields"]] == ["E2"]
    wrong = run("explain", session, "--field", "shoe_size")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "session_id" in wrong.stderr
    assert run("explain", session, "--version", 7).exit_code == 1


def test_a_batch_is_verified(run: Run, world: World, batch: UUID, session: int) -> None:  # noqa: F811
    result = run("verify", batch)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "kintell: 1 row compared, all as in the file\n"
    world.db.run("UPDATE kintell_sessions SET rating = 0.5")
    result = run("verify", batch)
    assert (result.exit_code, result.stdout) == (1, "1\trating\t0.5\t0.875\n")
    assert result.stderr == "kintell: 1 row compared, 1 value not as in the file\n"
    assert run("verify", batch, "--json").exit_code == 1


def test_a_long_file_is_waited_for(
    run: Run,
    world: World,
    batch: UUID,  # noqa: F811
    session: int,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def monitor(_bucket: str) -> None:
        differing = [{"rowNumber": 1, "field": "rating", "stored": 0.5, "file": 0.875}]
        verifications.complete(world.db, batch, 70_000, 2, differing)

    monkeypatch.setattr(verification_routes, "MOST_ROWS", 0)
    monkeypatch.setattr(verification_routes, "wake_dispatch", monitor)
    monkeypatch.setattr("cli.explain_commands.SECONDS_BETWEEN_LOOKS", 0.01)
    result = run("verify", batch)
    assert (result.exit_code, result.stdout) == (1, "1\trating\t0.5\t0.875\n")
    assert result.stderr == "kintell: 70,000 rows compared, 2 values not as in the file\n"
    monkeypatch.setattr(
        verification_routes, "wake_dispatch", lambda _bucket: verifications.fail(world.db, batch, "original_gone")
    )
    result = run("verify", batch)
    assert result.exit_code == 1
    assert "can't be read again (original_gone)" in result.stderr
