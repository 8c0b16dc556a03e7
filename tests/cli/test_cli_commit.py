"""`kintell changes` and `kintell commit`, on imports that really run."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import kintell
from tests.cli.loopback import Loopback, serving
from tests.stages.conftest import Pipeline, environment, pipeline
from tests.stages.test_commits import STORED
from tests.stages.test_plans import KEY, MIXED, file_of, known, row

__all__ = ["environment", "known", "pipeline"]

Run = Callable[..., Result]


@pytest.fixture
def run(known: Pipeline) -> Iterator[Run]:
    """`run("commit", batch)` as in a pipe; what is pending is imported before the next request is answered."""
    loopback = Loopback()

    def import_pending(_number: int) -> None:
        for (batch_id,) in known.db.run("SELECT id::text FROM ingestion_batches WHERE status = 'pending'"):
            known.run(batch_id)

    loopback.before = import_pending
    server = serving(loopback)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()

    def run(*words: object) -> Result:
        return CliRunner().invoke(kintell, [str(word) for word in words], env={"KINTELL_API_URL": loopback.url})

    yield run
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def dry_run(known: Pipeline) -> dict[str, Any]:
    known.load(KEY, STORED)
    return known.load(KEY, MIXED, dry_run="true")


def test_a_dry_run_names_the_next_commands(run: Run, dry_run: dict[str, Any]) -> None:
    shown = run("status", dry_run["id"]).stdout
    assert f"Changes:     kintell changes {dry_run['id']}\n" in shown
    assert f"Import:      kintell commit {dry_run['id']}\n" in shown


def test_changes_lists_rows_with_their_fields(run: Run, dry_run: dict[str, Any]) -> None:
    lines = run("changes", dry_run["id"], "--outcome", "updated").stdout.splitlines()
    assert lines[0].split("\t") == ["2", "updated", "MS-2", "duration_minutes: 60 → 45"]
    found = json.loads(run("changes", dry_run["id"], "--json", "--all").stdout)["items"]
    assert [one["rowNumber"] for one in found] == list(range(1, 9))


def test_commit_imports_the_plan_and_reports_like_an_import(run: Run, dry_run: dict[str, Any]) -> None:
    result = run("commit", dry_run["id"])
    assert result.exit_code == 3, result.output
    assert "Success:     4 (1 new, 3 updated)\n" in result.stdout
    assert "Errors:      3\n" in result.stdout
    assert "Imported:    kintell status " in run("status", dry_run["id"]).stdout


def test_commit_says_what_to_do_about_a_stale_plan(run: Run, known: Pipeline, dry_run: dict[str, Any]) -> None:
    known.load(KEY, file_of(row(2, "50", "two")))
    refused = run("commit", dry_run["id"])
    assert refused.exit_code == 1
    assert "2 of the planned rows have changed since" in refused.stderr
    assert "look again with --dry-run" in refused.stderr
    result = run("commit", dry_run["id"], "--skip-changed")
    assert result.exit_code == 3, result.output
    assert "Skipped:     3 (2 changed since the dry run, so left out)\n" in result.stdout


def test_an_import_is_not_committed(run: Run, known: Pipeline) -> None:
    batch = known.load(KEY, STORED)
    result = run("commit", batch["id"])
    assert (result.exit_code, "is no dry run" in result.stderr) == (1, True)
