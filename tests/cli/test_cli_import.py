"""kintell import: what it sends, and how it shows the result. The test plays the part of the pipeline."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from cli.connections import BLOCK_BYTES
from ingestion.errors import RefusalCode
from local.aws import ROOT
from tests.api.world import UPLOADS, World
from tests.cli.conftest import Run
from tests.cli.loopback import Loopback

ROWS = "session_id,navn\nMS-1,Bjørn\n".encode() * 20_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "mentors-for-ukraine-2024-Q4.csv"
    found.write_bytes(ROWS)
    return found


class Pipeline:
    """Decides over an upload once it is stored."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.batch: UUID | None = None
        self.values: dict[str, Any] = {}

    def accepts(self, upload_id: str) -> None:
        self._decide(upload_id, "state = 'accepted'")
        self.batch = self.world.batch(upload_id=upload_id, file_name="mentors-for-ukraine-2024-Q4.csv", **self.values)

    def refuses(self, upload_id: str) -> None:
        self.batch = self.world.batch()
        self._decide(
            upload_id,
            "state = 'refused', refusal_code = 'already_imported', refusal_message = 'It is in.', "
            f"refusal_batch_id = '{self.batch}'",
        )

    def _decide(self, upload_id: str, values: str) -> None:
        self.world.db.run(f"UPDATE uploads SET {values}, version_id = gen_random_uuid() WHERE id = :id", id=upload_id)


@pytest.fixture
def pipeline(world: World, loopback: Loopback, buckets: Any) -> Pipeline:
    found = Pipeline(world)
    loopback.when_stored = found.accepts
    return found


def test_the_file_is_sent_with_exactly_the_headers_of_the_link(
    run: Run, loopback: Loopback, pipeline: Pipeline, buckets: Any, file: Path
) -> None:
    parent = pipeline.world.batch()
    result = run(
        "import", file, "--program", "mfu", "--instance", "mentors-ukraine-2024-q4", "--force", "--reason", "Åpnet",
        "--parent", parent, "--max-error-percent", 5,
        KINTELL_TOKEN=" secret\n",  # noqa: S106
    )  # fmt: skip
    assert result.exit_code == 3
    announced, stored = loopback.seen[:2]
    assert announced.headers["Authorization"] == "Bearer secret"
    assert json.loads(announced.body) == {
        "fileName": file.name,
        "sizeBytes": len(ROWS),
        "programType": "mfu",
        "programInstance": "mentors-ukraine-2024-q4",
        "force": True,
        "forceReason": "Åpnet",
        "parentBatchId": str(parent),
        "maxErrorPercent": 5.0,
    }
    assert stored.method == "PUT"
    assert stored.headers.keys() - {"Host"} == {
        "Content-Length", "x-amz-meta-force", "x-amz-meta-force-reason", "x-amz-meta-parent-batch",
        "x-amz-meta-program-instance", "x-amz-meta-max-error-percent", "x-amz-meta-upload-id",
        "x-amz-meta-upload-token",
    }  # fmt: skip
    key = f"incoming/mentors_ukraine/mentors-ukraine-2024-q4/{file.name}"
    assert buckets.get_object(Bucket=UPLOADS, Key=key)["Body"].read() == ROWS


def test_an_import_ends_with_the_lines_of_the_contract(run: Run, pipeline: Pipeline, file: Path) -> None:
    pipeline.values = {"error_file_key": "errors/x.csv"}
    result = run("import", file)
    assert result.exit_code == 3
    assert result.stdout == (
        "Uploading:   mentors-for-ukraine-2024-Q4.csv (560.0 KB)\n"
        "Uploaded:    560.0 KB\n"
        f"Batch ID:    {pipeline.batch}\n"
        "Processed:   10 rows\n"
        "Success:     7 (6 new, 1 updated)\n"
        "Skipped:     1\n"
        "Errors:      2\n"
        f"Error file:  kintell errors {pipeline.batch} -o errors.csv\n"
    )
    assert result.stderr == ""


def test_what_was_tolerated_and_what_was_dropped_is_shown(run: Run, pipeline: Pipeline, file: Path) -> None:
    metadata = {
        "unknownHeaders": ["ratings", "x"],
        "nearestNames": {"ratings": "rating"},
        "warnings": [{"code": "cells_emptied", "count": 3}, {"code": "of_tomorrow", "count": 1}],
    }
    pipeline.values = {"csv_metadata": metadata}
    shown = (
        "Warning:     Cells with N/A, -, NULL or the like were read as empty (3)\n"
        "Warning:     of_tomorrow (1)\n"
        'Unknown:     column "ratings" was not imported; did you mean "rating"?\n'
        'Unknown:     column "x" was not imported\n'
    )
    assert shown in run("import", file).stdout
    assert shown in run("status", pipeline.batch).stdout
    answer = json.loads(run("status", pipeline.batch, "--json").stdout)
    assert [(one["code"], one["count"]) for one in answer["warnings"]] == [("cells_emptied", 3), ("of_tomorrow", 1)]
    assert answer["csvMetadata"]["unknownHeaders"] == ["ratings", "x"]


@pytest.mark.parametrize(
    ("values", "code", "said"),
    [
        pytest.param({"error_rows": 0, "skipped_rows": 3}, 0, "Errors:      0\n", id="done"),
        pytest.param({"status": "failed", "failure_reason": "every_row_rejected: All."}, 1, "Failed:", id="failed"),
        pytest.param({"dry_run": True}, 3, "Dry run:", id="dry run"),
    ],
)
def test_the_exit_code_says_what_came_of_it(
    run: Run, pipeline: Pipeline, file: Path, values: dict[str, Any], code: int, said: str
) -> None:
    pipeline.values = values
    result = run("import", file)
    assert result.exit_code == code
    assert said in result.stdout
    assert "Error file" not in result.stdout


def test_json_is_upload_and_batch_and_nothing_else(run: Run, pipeline: Pipeline, file: Path) -> None:
    result = run("import", file, "--json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert answer["state"] == "accepted"
    assert answer["uploadId"]
    assert (answer["batchId"], answer["status"], answer["errorRows"]) == (str(pipeline.batch), "completed", 2)
    assert result.stderr == ""


def test_a_refusal_names_the_earlier_batch(run: Run, loopback: Loopback, pipeline: Pipeline, file: Path) -> None:
    loopback.when_stored = pipeline.refuses
    result = run("import", file)
    assert result.exit_code == 1
    assert "Refused:     already_imported: It is in.\n" in result.stdout
    assert f"Earlier:     kintell status {pipeline.batch}\n" in result.stdout
    refused = run("import", file, "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["refusal"] == {
        "code": "already_imported",
        "message": "It is in.",
        "batchId": str(pipeline.batch),
        "title": RefusalCode.ALREADY_IMPORTED.about.title.en,
        "advice": RefusalCode.ALREADY_IMPORTED.about.advice.en,
    }


def test_what_would_be_refused_is_not_sent(run: Run, loopback: Loopback, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.xls"
    sheet.write_bytes(b"x")
    result = run("import", sheet)
    assert result.exit_code == 1
    assert result.stdout.startswith("Refused:     not_csv: ")
    assert json.loads(run("import", sheet, "--json").stdout)["refusal"]["code"] == "not_csv"
    assert all(request.method == "POST" for request in loopback.seen)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["nowhere.csv"], "There is no file nowhere.csv", id="no file"),
        pytest.param(["."], ". is not a file", id="a folder"),
        pytest.param(
            ["pyproject.toml", "--force"], "--force and --reason require each other", id="force without reason"
        ),
        pytest.param(
            ["pyproject.toml", "--reason", "x"], "--force and --reason require each other", id="reason without force"
        ),
        pytest.param(["pyproject.toml", "--parent", "6b0e"], '"6b0e" is not an id', id="no id"),
        pytest.param(["pyproject.toml", "--max-error-percent", "101"], "0<=x<=100", id="more than all"),
        pytest.param(["pyproject.toml", "--max-error-percent", "nan"], "must be finite numbers", id="no number"),
        pytest.param(["pyproject.toml", "--what"], "No such option", id="no option"),
    ],
)
def test_wrong_use(run: Run, words: list[str], said: str) -> None:
    result = run("import", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_not_to_wait_says_how_to_go_on(run: Run, pipeline: Pipeline, file: Path) -> None:
    pipeline.values = {"status": "running"}
    result = run("import", file, "--no-wait")
    assert result.exit_code == 0
    assert f"Batch ID:    {pipeline.batch}\nWatch:       kintell status {pipeline.batch} --watch\n" in result.stdout
    answer = json.loads(run("import", file, "--no-wait", "--json").stdout)
    assert answer.keys() == {"uploadId", "state", "batchId"}


def test_a_file_that_is_not_taken_up(run: Run, loopback: Loopback, pipeline: Pipeline, file: Path) -> None:
    loopback.when_stored = lambda upload_id: None
    result = run("import", file, "--timeout", 0.2)
    assert result.exit_code == 1
    assert "its import did not start within 0.2 seconds; it may still start: kintell status" in result.stderr


def test_a_file_that_changes_meanwhile_is_not_imported(
    run: Run, loopback: Loopback, pipeline: Pipeline, file: Path
) -> None:
    loopback.before = lambda number: os.truncate(file, len(ROWS) // 2) if number == 1 else None
    result = run("import", file)
    assert result.exit_code == 1
    assert "The file changed while it was being sent" in result.stderr
    assert pipeline.batch is None


def test_storage_that_does_not_take_the_file(run: Run, file: Path) -> None:
    result = run("import", file)  # there is no bucket
    assert result.exit_code == 1
    assert "The storage did not accept the file (404 NoSuchBucket), so nothing is imported" in result.stderr


def test_nobody_answers(run: Run, file: Path) -> None:
    result = run("import", file, KINTELL_API_URL="http://127.0.0.1:1/")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "kintell: Nothing answers at http://127.0.0.1:1. Is the local system running? Start it with make up, "
        "or set KINTELL_API_URL to the API's address.\n"
    )
    assert run("batches", KINTELL_API_URL="ftp://x").exit_code == 2


def test_somebody_else_answers(run: Run, loopback: Loopback) -> None:
    loopback.answers_first = [(200, b"<html>hello"), (401, b'{"message":"Unauthorized"}')]
    stranger = run("batches")
    assert stranger.exit_code == 1
    assert "is not the Kintell API (HTTP 200)" in stranger.stderr
    assert "requires a login; run kintell login, or set KINTELL_TOKEN." in run("batches").stderr


def test_ctrl_c_says_that_the_import_goes_on(loopback: Loopback, pipeline: Pipeline, file: Path) -> None:
    pipeline.values = {"status": "running"}
    environment = {**os.environ, "KINTELL_API_URL": loopback.url, "PYTHONPATH": str(ROOT)}
    command = subprocess.Popen(
        [sys.executable, "-m", "cli", "import", str(file)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores it, and so would its children.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (this process has one thread)
    )
    deadline = time.monotonic() + 20
    while not any("/status" in request.path for request in loopback.seen):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=10)
    assert command.returncode == 130
    assert said == (f"kintell: Stopped: the import continues; watch it with: kintell status {pipeline.batch} --watch\n")


def test_ctrl_c_before_all_is_sent_says_that_nothing_is_imported(
    run: Run, pipeline: Pipeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.transfers.Sending._has_changed", stopped)  # asked before the last block
    result = run("import", file)
    assert result.exit_code == 130
    assert result.stderr == (
        f"kintell: Stopped: {file.name} was not sent completely, so nothing of it is imported; start again.\n"
    )
    assert pipeline.batch is None


def test_a_large_file_is_sent_in_blocks(
    run: Run, loopback: Loopback, pipeline: Pipeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    send = HTTPConnection.send

    def noting(self: HTTPConnection, data: bytes) -> None:
        sizes.append(len(data))
        send(self, data)

    monkeypatch.setattr(HTTPConnection, "send", noting)
    run("import", file)
    assert sum(sizes) > len(ROWS)
    assert max(sizes) <= BLOCK_BYTES


def test_a_mistake_of_ours_is_told_without_a_stack_trace(run: Run, loopback: Loopback) -> None:
    loopback.answers_first = [(200, b'{"something": "else"}')]
    result = run("status", uuid4())
    assert result.exit_code == 1
    assert "Something unexpected happened (KeyError: " in result.stderr
