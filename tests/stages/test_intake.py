"""An object version becomes an upload, always, and then one batch at most or a refusal that says what to do."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from ingestion.batch import Tally
from ingestion.database import connection as database_module
from ingestion.database.connection import Connection, rows
from ingestion.database.tables import batches
from tests.db.world import account_for
from tests.stages.conftest import UPLOADS, Pipeline

MISSING = b"session_id,participant_email\nMS-1,a@example.org\n"
UNTOLD = b"session_id,participant_email,volunteer_email,scheduled_at\nX-1,a@example.org,b@example.org,2024-11-05\n"
OTHERS = "incoming/mentors_ukraine/language-ukraine-2024-11/a.csv"
BODY = b"session_id,participant_email,mentor_email,scheduled_at\nMS-1,oksana@example.org,kari@acme.com,2024-11-05\n"
KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4.csv"


def upload_of(pipeline: Pipeline, taken: dict[str, Any]) -> dict[str, Any]:
    return rows(pipeline.db, "SELECT * FROM uploads WHERE id = :id", id=taken["upload_id"])[0]


def actions(pipeline: Pipeline) -> list[str]:
    return [row[0] for row in pipeline.db.run("SELECT action FROM audit_logs ORDER BY id")]


def test_ids_of_no_batch_hide_none_of_a_batch(pipeline: Pipeline) -> None:
    parent = str(pipeline.load(KEY, BODY)["id"])
    named = [parent, *(f"00000000-0000-4000-8000-{number:012}" for number in range(5_000))]
    lines = [f"MS-{number},a@example.org,b@example.org,2024-11-05,{text}\n" for number, text in enumerate(named)]
    header = "session_id,participant_email,mentor_email,scheduled_at,_error_batch\n"
    asked: list[UUID] = []
    find = batches.find_parent

    def noted(db: Connection, batch_id: UUID, *, lock: bool = False) -> batches.Parent | None:
        asked.append(batch_id)
        return find(db, batch_id, lock=lock)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "find_parent", noted)
        taken = pipeline.upload("incoming/mentors_ukraine/x.csv", (header + "".join(lines)).encode())
    assert str(pipeline.batch(taken["batch_id"])["parent_batch_id"]) == parent
    # Nor does each have its statement.
    assert len(asked) < 200


@pytest.mark.parametrize(
    ("key", "body", "code", "says"),
    [
        pytest.param(KEY, b"", "empty_file", "no rows", id="zero bytes"),
        pytest.param(KEY, b"\n;;;\n  \n", "empty_file", "no rows", id="blank rows only"),
        pytest.param(KEY, b"PK\x03\x04" + b"\0" * 60, "not_csv", "workbook", id="an Excel workbook"),
        pytest.param("incoming/mentors_ukraine/a.xlsx", BODY, "not_csv", ".csv", id="a name that is no CSV's"),
        pytest.param(KEY, MISSING, "missing_columns", "scheduled_at", id="columns missing"),
        pytest.param(KEY, BODY.split(b"\n", 1)[1], "missing_columns", "header", id="no header"),
        pytest.param("incoming/tango/a.csv", BODY, "unknown_program", "mentors_ukraine", id="a folder of no programme"),
        pytest.param("incoming/a.csv", UNTOLD, "unknown_program", "<program>", id="nothing names the programme"),
        pytest.param(
            "incoming/mentors_ukraine/export.csv",
            BODY,
            "unknown_program_instance",
            "incoming/mentors_ukraine/",
            id="nothing names the instance",
        ),
        pytest.param(OTHERS, BODY, "unknown_program_instance", "language", id="an instance of another programme"),
        pytest.param(KEY + ".gz", gzip.compress(BODY)[:-9], "not_csv", "gzip", id="a gzip file cut off"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_with_a_sentence(
    pipeline: Pipeline, key: str, body: bytes, code: str, says: str
) -> None:
    taken = pipeline.upload(key, body)
    assert (taken["state"], taken["batch_id"]) == ("refused", None)
    upload = upload_of(pipeline, taken)
    assert upload["refusal_code"] == code
    assert says in upload["refusal_message"]
    assert actions(pipeline) == ["upload_received", "upload_refused"]
    assert pipeline.db.run("SELECT count(*) FROM ingestion_batches") == [[0]]


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        pytest.param({"max_error_percent": "many"}, "invalid_option", id="a limit that is no number"),
        pytest.param({"dry_run": "perhaps"}, "invalid_option", id="a switch that is neither on nor off"),
        pytest.param({"parent_batch": "not an id"}, "no_such_parent_batch", id="a parent that is no id"),
        pytest.param(
            {"parent_batch": "6b0e0000-0000-4000-8000-000000000000"}, "no_such_parent_batch", id="an unknown parent"
        ),
    ],
)
def test_an_option_that_cannot_be_honoured_refuses_the_upload(
    pipeline: Pipeline, metadata: dict[str, str], code: str
) -> None:
    assert upload_of(pipeline, pipeline.upload(KEY, BODY, **metadata))["refusal_code"] == code


def test_a_file_does_not_correct_a_batch_of_another_programme(pipeline: Pipeline) -> None:
    parent = pipeline.upload(KEY, BODY)["batch_id"]
    other = BODY.replace(b"mentor_email", b"volunteer_email")
    key = "incoming/language_ukraine/language-ukraine-2024-11.csv"
    upload = upload_of(pipeline, pipeline.upload(key, other, parent_batch=parent))
    assert upload["refusal_code"] == "no_such_parent_batch"
    assert "belongs to mentors_ukraine, this file to language_ukraine" in upload["refusal_message"]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        pytest.param("%00why", "why", id="a NUL, percent-encoded"),
        pytest.param("=?utf-8?b?AHdoeQ==?=", "why", id="a NUL, by RFC 2047"),
        pytest.param("=?unknown-8bit?q?=FF?=", "\ufffd", id="no character, by RFC 2047"),
        pytest.param("%ED%A0%80", "\ufffd" * 3, id="half a character"),
    ],
)
def test_metadata_that_no_database_can_hold_loses_no_upload(pipeline: Pipeline, given: str, stored: str) -> None:
    put = pipeline.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=BODY, Metadata={"force-reason": given})
    taken = pipeline.deliver(KEY, put["VersionId"], len(BODY))
    assert taken["state"] == "accepted"
    assert upload_of(pipeline, taken)["options"] == {"force-reason": stored}


def test_an_object_whose_key_no_database_can_hold_is_an_upload_all_the_same(pipeline: Pipeline) -> None:
    upload = upload_of(pipeline, pipeline.deliver("incoming/mentors_ukraine/a%00b.csv", "v1", 9))
    assert (upload["state"], upload["refusal_code"], upload["file_name"]) == ("refused", "empty_file", "a\ufffdb.csv")


def test_a_file_too_large_is_refused(environment: pytest.MonkeyPatch, pipeline: Pipeline) -> None:
    environment.setenv("MAX_FILE_BYTES", "50")
    assert upload_of(pipeline, pipeline.upload(KEY, BODY))["refusal_code"] == "too_large"


def test_the_same_bytes_have_the_same_hash_and_other_bytes_another(pipeline: Pipeline) -> None:
    taken = [pipeline.upload(KEY, body) for body in (BODY, BODY, BODY + b"\n")]
    hashes = [upload_of(pipeline, each)["sha256"] for each in taken]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("status", ["pending", "running", "completed", "archived"])
def test_the_same_file_under_another_name_is_refused_and_names_the_first_batch(pipeline: Pipeline, status: str) -> None:
    first = pipeline.upload(KEY, BODY)
    ended = "now()" if status in ("completed", "archived") else "NULL"
    account_for(pipeline.db, UUID(first["batch_id"]), Tally(total=1, inserted=1))
    pipeline.db.run(f"UPDATE ingestion_batches SET status = '{status}', completed_at = {ended}, inserted_rows = 1")
    again = pipeline.upload("incoming/mentors_ukraine/mentors-ukraine-2025.csv", BODY)
    upload = upload_of(pipeline, again)
    assert (upload["refusal_code"], str(upload["refusal_batch_id"])) == ("already_imported", first["batch_id"])
    assert first["batch_id"] in upload["refusal_message"]


def test_a_file_whose_batch_failed_may_be_imported_again(pipeline: Pipeline) -> None:
    failed = pipeline.load(KEY, BODY)
    assert failed["status"] == "failed"
    assert pipeline.upload(KEY, BODY)["state"] == "accepted"


def test_the_same_file_of_another_programme_is_another_import(pipeline: Pipeline) -> None:
    body = BODY.replace(b"mentor_email", b"volunteer_email")
    assert pipeline.upload(KEY, body)["state"] == "accepted"
    assert pipeline.upload("incoming/language_ukraine/language-ukraine-2024-11.csv", body)["state"] == "accepted"


def test_force_imports_the_same_file_again_and_says_why(pipeline: Pipeline) -> None:
    pipeline.upload(KEY, BODY)
    forced = pipeline.upload(KEY, BODY, force="true", force_reason="sjekk på nytt")
    assert forced["state"] == "accepted"
    trail = pipeline.db.run("SELECT actor, details ? 'reason' FROM audit_logs WHERE action = 'import_forced'")
    assert trail == [["AWS:operator", False]]
    assert pipeline.batch(forced["batch_id"])["force_reason"] == "sjekk på nytt"
    assert upload_of(pipeline, pipeline.upload(KEY, BODY))["refusal_code"] == "already_imported"


def test_force_without_a_reason_is_refused_as_imported_already(pipeline: Pipeline) -> None:
    pipeline.upload(KEY, BODY)
    for reason in ("", " ", "\u200b\u2060", "\u3164", "\u00ad \ufeff", "\u202e", "\u2800", "\U000e0041", "\ufe0f"):
        upload = upload_of(pipeline, pipeline.upload(KEY, BODY, force="true", force_reason=reason))
        assert upload["refusal_code"] == "already_imported"
        assert "reason" in upload["refusal_message"]


def test_an_event_delivered_again_changes_nothing(pipeline: Pipeline) -> None:
    put = pipeline.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=BODY)
    answers = [pipeline.deliver(KEY, put["VersionId"], len(BODY)) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    pipeline.run(answers[0]["batch_id"])
    assert pipeline.deliver(KEY, put["VersionId"], len(BODY)) == answers[0]
    assert pipeline.db.run("SELECT count(*) FROM ingestion_batches") == [[1]]
    assert actions(pipeline).count("upload_received") == 1


def test_of_twenty_uploads_of_the_same_bytes_at_once_one_becomes_a_batch(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    import intake.app

    puts = [pipeline.s3.put_object(Bucket=UPLOADS, Key=f"{KEY[:-4]}-copy-{n}.csv", Body=BODY) for n in range(20)]
    monkeypatch.setattr(intake.app, "connection", _own_connection)

    def deliver(number: int) -> dict[str, Any]:
        return pipeline.deliver(f"{KEY[:-4]}-copy-{number}.csv", puts[number]["VersionId"], len(BODY))

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(deliver, range(20)))
    assert sorted(answer["state"] for answer in answers) == ["accepted"] + ["refused"] * 19
    assert pipeline.db.run(
        "SELECT count(*), count(DISTINCT refusal_batch_id) FROM uploads WHERE state = 'refused'"
    ) == [[19, 1]]


def _own_connection(settings: Any) -> Any:
    """A connection per thread, as every Lambda environment has its own."""
    import threading

    here = threading.current_thread()
    if not hasattr(here, "connection"):
        database_module._open.clear()
        here.connection = database_module.connection(settings)  # type: ignore[attr-defined]
        database_module._open.clear()
    return here.connection  # type: ignore[attr-defined]


def test_a_gzip_file_is_read_from_its_unpacked_copy(pipeline: Pipeline) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    batch = pipeline.load(KEY + ".gz", gzip.compress(BODY))
    assert (batch["status"], batch["inserted_rows"]) == ("completed", 1)
    assert batch["file_size_bytes"] == len(gzip.compress(BODY))


def test_the_only_instance_that_holds_all_dates_is_the_files(pipeline: Pipeline) -> None:
    first = pipeline.upload("incoming/mentors_ukraine/mentors-ukraine-2024-q4/a.csv", BODY)
    other = BODY + b"MS-2,oksana@example.org,kari@acme.com,2024-12-31T23:00:00Z\n"
    second = pipeline.upload("incoming/mentors_ukraine/kintell-mentorship-export.csv", other)
    found = [pipeline.batch(each["batch_id"])["program_instance_id"] for each in (first, second)]
    assert found[0] == found[1]
    assert pipeline.batch(second["batch_id"])["csv_metadata"]["programInstanceChosenBy"] == "session_dates"


def test_an_instance_that_the_uploader_names_gives_the_programme(pipeline: Pipeline) -> None:
    """Neither the file's name nor its columns nor its ids do."""
    taken = pipeline.upload("incoming/a.csv", UNTOLD, program_instance="language-ukraine-2024-11")
    assert taken["state"] == "accepted"
    assert pipeline.batch(taken["batch_id"])["program_type"] == "language_ukraine"


def test_an_instance_of_a_free_name_belongs_to_one_programme_only(pipeline: Pipeline) -> None:
    assert pipeline.upload("incoming/mentors_ukraine/pilot/a.csv", BODY)["state"] == "accepted"
    body = BODY.replace(b"mentor_email", b"volunteer_email")
    refused = upload_of(pipeline, pipeline.upload("incoming/language_ukraine/pilot/b.csv", body))
    assert refused["refusal_code"] == "unknown_program_instance"
    assert "mentors_ukraine" in refused["refusal_message"]


def test_a_column_names_the_instance(pipeline: Pipeline) -> None:
    header = b"session_id,participant_email,mentor_email,scheduled_at,cohort_ref\n"
    body = header + b"MS-1,a@example.org,b@acme.com,2024-11-05,mentors-ukraine-2024-q4\n"
    batch = pipeline.batch(pipeline.upload("incoming/mfu/export.csv", body)["batch_id"])
    slug = pipeline.db.run("SELECT slug FROM program_instances WHERE id = :id", id=batch["program_instance_id"])
    assert slug == [["mentors-ukraine-2024-q4"]]
    mixed = body + b"MS-2,a@example.org,b@acme.com,2024-11-05,mentors-ukraine-2025\n"
    refused = upload_of(pipeline, pipeline.upload("incoming/mfu/export.csv", mixed))
    assert refused["refusal_code"] == "unknown_program_instance"
    assert "2 programme instances" in refused["refusal_message"]
    assert "mentors-ukraine-2025" not in refused["refusal_message"]


REFERRING = (
    b"session_id,participant_email,mentor_email,scheduled_at,cohort_ref\nMS-1,a@example.org,b@acme.com,2024-11-05,%s\n"
)


@pytest.mark.parametrize("cell", ["Olena Shevchenko", "olena@example.org", "mentors-ukraine-olena", "LFU 2024-11"])
def test_a_cell_that_is_no_period_of_the_programme_creates_no_instance_and_is_not_repeated(
    pipeline: Pipeline, cell: str
) -> None:
    refused = upload_of(pipeline, pipeline.upload("incoming/mfu/export.csv", REFERRING % cell.encode()))
    assert refused["refusal_code"] == "unknown_program_instance"
    assert "(row 1, line 2, column 5)" in refused["refusal_message"]
    assert cell.lower() not in refused["refusal_message"].lower()
    assert "olena" not in refused["refusal_message"]
    assert pipeline.db.run("SELECT count(*) FROM program_instances") == [[0]]


def test_a_cell_may_name_an_instance_of_a_free_name_that_is_there(pipeline: Pipeline) -> None:
    pipeline.upload("incoming/mentors_ukraine/spring-cohort-3/a.csv", BODY)
    taken = pipeline.upload("incoming/mfu/export.csv", REFERRING % b"Spring Cohort 3")
    assert taken["state"] == "accepted"
    assert pipeline.batch(taken["batch_id"])["csv_metadata"]["programInstanceChosenBy"] == "column"
    body = (REFERRING % b"Spring Cohort 3").replace(b"mentor_email", b"volunteer_email")
    refused = upload_of(pipeline, pipeline.upload("incoming/lfu/export.csv", body))
    assert refused["refusal_code"] == "unknown_program_instance"
