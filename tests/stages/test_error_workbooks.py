"""The error file as a workbook: made for whoever asks, mended in a spreadsheet, uploaded again."""

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openpyxl
import pytest

from ingestion import config
from ingestion.aws import error_workbooks, object_keys
from ingestion.config import settings
from retention.sweep import retention
from tests.api.api_calls import call
from tests.stages.conftest import WORK, Pipeline

FOLDER = "incoming/mentors_ukraine/mentors-ukraine-2026-q1/"
HEADER = "session_id,participant_email,mentor_email,scheduled_at,duration_minutes,feedback_text\n"
GOOD = "MS-0,a@example.org,kari@acme.com,2026-03-01,60,fine\n"
BAD = (
    "MS-1,a@example.org,kari@acme.com,03/04/2026,60,=1+1\n"
    "MS-2,a@example.org,kari@acme.com,2026-03-05,1.5,\n"
    "MS-3,nobody@example.org,kari@acme.com,2026-03-05T10:00:00Z,007,Велика розмова\n"
)


@pytest.fixture
def batch(environment: pytest.MonkeyPatch, pipeline: Pipeline) -> dict[str, Any]:
    """An import with three rejected rows."""
    environment.setenv("AUTHENTICATION", "none")
    config.settings.cache_clear()
    pipeline.know("a@example.org", "kari@acme.com")
    return pipeline.load(FOLDER + "a.csv", (HEADER + GOOD + BAD).encode())


def asked(batch: dict[str, Any]) -> Any:
    return call("GET", f"/v1/import/backfill/{batch['id']}/errors", query={"format": "xlsx"})


def workbook_of(pipeline: Pipeline, batch: dict[str, Any]) -> bytes:
    answer = asked(batch)
    assert answer.status == 302, answer.text
    key = urlsplit(answer.headers["Location"]).path.partition(f"{WORK}/")[2]
    assert key == object_keys.error_workbook(batch["id"])
    body: bytes = pipeline.s3.get_object(Bucket=WORK, Key=key)["Body"].read()
    return body


def test_it_is_the_error_file_with_a_link_of_its_own_and_an_entry_in_the_trail(
    pipeline: Pipeline, batch: dict[str, Any]
) -> None:
    answer = asked(batch)
    assert "a-errors.xlsx" in answer.headers["Location"]
    sheet = openpyxl.load_workbook(io.BytesIO(workbook_of(pipeline, batch)))["Errors"]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == ["MS-1", "MS-2", "MS-3"]
    downloads = pipeline.db.run("SELECT count(*) FROM audit_logs WHERE action = 'error_file_downloaded'")
    assert downloads == [[2]]


def test_unmended_it_is_no_work_and_mended_it_is(pipeline: Pipeline, batch: dict[str, Any]) -> None:
    body = workbook_of(pipeline, batch)
    again = pipeline.load(FOLDER + "a-errors.xlsx", body)
    assert (again["parent_batch_id"], again["error_rows"], again["inserted_rows"]) == (batch["id"], 3, 0)
    assert {one["code"] for one in again["error_summary"]} == {"E003", "E004", "E020"}
    book = openpyxl.load_workbook(io.BytesIO(body))
    book["Errors"]["D2"].value = "2026-04-03"
    book["Errors"]["E3"].value = 90
    mended = io.BytesIO()
    book.save(mended)
    child = pipeline.load(FOLDER + "a-errors (1).xlsx", mended.getvalue())
    assert (child["inserted_rows"], child["error_rows"]) == (2, 1)
    stored = pipeline.db.run("SELECT feedback_text FROM kintell_sessions WHERE external_session_id = 'MS-1'")
    assert stored == [["=1+1"]]


def test_too_many_rows_are_a_problem_that_says_what_to_do(
    pipeline: Pipeline, batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_workbooks, "MOST_ROWS", 2)
    assert asked(batch).is_problem(409, "too_many_rows")


def test_it_goes_with_the_error_file(pipeline: Pipeline, batch: dict[str, Any]) -> None:
    workbook_of(pipeline, batch)
    pipeline.db.run(
        "UPDATE ingestion_batches SET completed_at = now() - interval '31 days' WHERE id = :id", id=batch["id"]
    )
    retention(pipeline.db, settings())
    left = pipeline.s3.list_objects_v2(Bucket=WORK, Prefix="errors/").get("Contents", [])
    assert left == []
    assert asked(batch).is_problem(410, "error_file_expired")


SOFFICE = shutil.which("soffice")


def converted(folder: Path, name: str, body: bytes, to: str, options: str = "") -> bytes:
    """A file opened and saved by LibreOffice."""
    source = folder / name
    source.write_bytes(body)
    out = folder / "out"
    command = [
        *(str(SOFFICE), f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", to),
        *([f"--infilter={options}"] if options else []),
        *("--outdir", str(out), str(source)),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return (out / source.with_suffix("." + to.partition(":")[0]).name).read_bytes()


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize(
    ("is_workbook", "options"),
    [
        pytest.param(True, "", id="the workbook"),
        pytest.param(False, "CSV:44,34,76,1,,1033,false,true", id="the CSV, its dates typed in English"),
        pytest.param(False, "CSV:44,34,76,1,,1044,false,true", id="the CSV, its dates typed in Norwegian"),
    ],
)
def test_what_libreoffice_saves_again_is_no_mending(
    pipeline: Pipeline, batch: dict[str, Any], tmp_path: Path, is_workbook: bool, options: str
) -> None:
    if is_workbook:
        body = converted(tmp_path, "a-errors.xlsx", workbook_of(pipeline, batch), "xlsx")
    else:
        body = converted(tmp_path, "a-errors.csv", pipeline.error_file(batch), "xlsx", options)
    again = pipeline.load(FOLDER + "a-errors.xlsx", body)
    assert (again["parent_batch_id"], again["error_rows"], again["inserted_rows"]) == (batch["id"], 3, 0)
    assert {one["code"] for one in again["error_summary"]} == {"E003", "E004", "E020"}
