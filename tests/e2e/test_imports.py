"""Files through the front door of the deployed template: what the user sees, and what the database then holds."""

import csv
import gzip
import io
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from ingestion.database.connection import Connection
from ingestion.rows.columns import ERROR_COLUMNS
from local.system import LocalSystem
from tests.e2e.front_door import FrontDoor, slug

PEOPLE = ("oksana@example.org", "ivan@example.org", "kari@acme.com", "åse@example.org")
HEADER = "session_id,participant_email,mentor_email,scheduled_at,completed_at,duration_minutes,rating,feedback_text\n"


@pytest.fixture
def door(system: LocalSystem, s3: Any, api_url: str, db: Connection) -> FrontDoor:
    """The system, with a few people known by a roster that was imported."""
    found = FrontDoor(s3, system.stack.uploads_bucket, api_url)
    if db.run("SELECT count(*) FROM users WHERE email = ANY(CAST(:p AS text[]))", p=list(PEOPLE))[0][0] < len(PEOPLE):
        roster = "Email,Name,Role when joined\n" + "".join(f"{email},Somebody,learner\n" for email in PEOPLE)
        assert found.load("incoming/kintell_users/roster.csv", roster.encode())["status"] == "completed"
    return found


def key_of(instance: str, name: str = "sessions.csv") -> str:
    return f"incoming/mentors_ukraine/{instance}/{name}"


def rows_of(*ids: str, who: str = "oksana@example.org", rating: str = "4", feedback: str = "Bra") -> str:
    return "".join(f"{each},{who},kari@acme.com,2024-11-05T10:00:00Z,,45,{rating},{feedback}\n" for each in ids)


def fresh(count: int = 1) -> list[str]:
    return [f"MS-{uuid4()}" for _ in range(count)]


def test_a_file_goes_from_upload_to_sessions_with_lineage(door: FrontDoor, db: Connection) -> None:
    good, bad = fresh(5), fresh(2)
    body = (HEADER + rows_of(*good) + rows_of(bad[0], who="nobody@example.org") + rows_of(bad[1], rating="11")).encode()
    instance = slug()
    status = door.load(key_of(instance), body)
    assert (status["status"], status["totalRows"], status["insertedRows"], status["errorRows"]) == (
        "completed",
        7,
        5,
        2,
    )
    assert status["programInstance"] == instance
    assert status["createdAt"] <= status["startedAt"] <= status["completedAt"]
    assert {(fault["code"], fault["field"], fault["count"]) for fault in status["errorSummary"]} == {
        ("E020", "participant_email", 1),
        ("E006", "rating", 1),
    }

    stored = db.run(
        "SELECT external_session_id, row_number, line FROM kintell_sessions WHERE batch_id = :id ORDER BY row_number",
        id=status["batchId"],
    )
    assert stored == [[session_id, number, number + 1] for number, session_id in enumerate(good, 1)]

    listed = door.all_of(f"/v1/import/batches/{status['batchId']}/sessions")
    assert [(entry["externalSessionId"], entry["rowNumber"], entry["outcome"]) for entry in listed] == [
        (session_id, number, "inserted") for number, session_id in enumerate(good, 1)
    ]

    lineage = door.get(f"/v1/sessions/mentors_ukraine:{good[2]}/lineage")
    assert lineage["row"] == {"number": 3, "line": 4}
    assert (lineage["file"]["name"], lineage["file"]["sha256"]) == ("sessions.csv", status["fileHash"])

    trail = [entry["action"] for entry in door.all_of(f"/v1/import/batches/{status['batchId']}/audit")]
    assert trail == ["upload_received", "import_started", "error_file_created", "import_completed"]


def test_the_error_file_comes_by_link_and_imports_once_it_is_mended(door: FrontDoor) -> None:
    good, bad = fresh(1), fresh(2)
    body = HEADER + rows_of(*good) + rows_of(bad[0], feedback="=1+1", rating="-3") + rows_of(bad[1], who="x")
    first = door.load(key_of(slug(), "november.csv"), body.encode())
    path = f"/v1/import/backfill/{first['batchId']}/errors"
    code, content = door.fetch(path)
    assert (code, content[:3]) == (200, b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert lines[0] == [*HEADER.strip().split(","), *ERROR_COLUMNS]
    assert [(line[7], line[-5], line[-4], line[-3]) for line in lines[1:]] == [
        ("'=1+1", "2", "3", "E006"),
        ("Bra", "3", "4", "E001"),
    ]

    link = door.get(path)
    assert (link["rows"], link["fileName"]) == (2, "november-errors.csv")
    with urllib.request.urlopen(link["url"], timeout=30) as answer:
        assert answer.read() == content
    trail = [entry["action"] for entry in door.all_of(f"/v1/import/batches/{first['batchId']}/audit")]
    assert trail.count("error_file_downloaded") == 2

    mended = content.replace(b",'-3,", b",3,").replace(f"{bad[1]},x,".encode(), f"{bad[1]},ivan@example.org,".encode())
    second = door.load("incoming/november-errors.csv", mended, parent_batch=first["batchId"])
    assert (second["status"], second["insertedRows"], second["parentBatchId"]) == ("completed", 2, first["batchId"])
    assert second["programInstance"] == first["programInstance"]
    feedback = door.get(f"/v1/sessions/mentors_ukraine:{bad[0]}/lineage")["session"]["feedbackText"]
    assert feedback == "=1+1"


def test_twenty_uploads_of_the_same_bytes_at_once_give_one_batch(door: FrontDoor) -> None:
    body = (HEADER + rows_of(*fresh(3))).encode()
    instance = slug()
    with ThreadPoolExecutor(20) as threads:
        versions = list(threads.map(lambda n: door.put(key_of(instance, f"copy-{n}.csv"), body), range(20)))
    uploads = [door.decided(version) for version in versions]
    accepted = [upload["batchId"] for upload in uploads if upload["state"] == "accepted"]
    refusals = [upload["refusal"] for upload in uploads if upload["state"] == "refused"]
    assert len(accepted) == 1
    assert [(refusal["code"], refusal["batchId"]) for refusal in refusals] == [("already_imported", accepted[0])] * 19
    assert door.ended(accepted[0])["insertedRows"] == 3


def test_a_refused_reimport_can_be_forced_and_changes_nothing(door: FrontDoor) -> None:
    body = (HEADER + rows_of(*fresh(2))).encode()
    key = key_of(slug())
    first = door.load(key, body)
    refusal = door.decided(door.put(key, body))["refusal"]
    assert (refusal["code"], refusal["batchId"]) == ("already_imported", first["batchId"])
    forced = door.load(key, body, force="true", force_reason="the auditor asked")
    assert (forced["successRows"], forced["skippedRows"]) == (0, 2)
    assert "import_forced" in {e["action"] for e in door.all_of(f"/v1/import/batches/{forced['batchId']}/audit")}


def test_an_upload_signed_by_the_api_carries_its_options(door: FrontDoor) -> None:
    body = (HEADER + rows_of(*fresh(2)) + rows_of(*fresh(1), who="nobody@example.org")).encode()
    instance = slug()
    announced = door.post(
        "/v1/import/uploads",
        {
            "fileName": "økt.csv",
            "programType": "mfu",
            "programInstance": instance,
            "dryRun": True,
            "maxErrorPercent": 50,
        },
    )
    assert door.get(f"/v1/import/uploads/{announced['uploadId']}")["state"] == "waiting"
    request = urllib.request.Request(announced["url"], body, announced["headers"], method=announced["method"])
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
    for _ in range(300):
        upload = door.get(f"/v1/import/uploads/{announced['uploadId']}")
        if upload["state"] != "waiting":
            break
    assert upload["state"] == "accepted"
    status = door.ended(upload["batchId"])
    assert (status["dryRun"], status["insertedRows"], status["errorRows"]) == (True, 2, 1)
    assert (status["fileName"], status["programInstance"]) == ("økt.csv", instance)
    assert door.get(f"/v1/import/batches/{upload['batchId']}/sessions")["items"] == []


def utf16(text: str) -> bytes:
    return text.replace(",", "\t").encode("utf-16")


def semicolons(text: str) -> bytes:
    """As a Norwegian Excel saves: semicolons, decimal commas, CRLF, Windows-1252."""
    lines = text.replace(",", ";").replace("4.5", "4,5").replace("\n", "\r\n")
    return ("sep=;\r\n" + lines + ";;;;;;;\r\n").encode("cp1252")


@pytest.mark.parametrize(
    ("name", "encode", "found"),
    [
        pytest.param("a.csv", lambda t: t.encode("utf-8-sig"), (",", "utf-8", "bom"), id="UTF-8 with BOM"),
        pytest.param("a.csv", lambda t: t.replace("\n", "\r").encode(), (",", "utf-8", "strict_utf8"), id="lone CR"),
        pytest.param("a.txt", utf16, ("\t", "utf-16-le", "bom"), id="Excel's Unicode text"),
        pytest.param("a.csv", semicolons, (";", "windows-1252", "score"), id="Norwegian Excel"),
        pytest.param("A.CSV.GZ", lambda t: gzip.compress(t.encode()), (",", "utf-8", "strict_utf8"), id="gzip"),
    ],
)
def test_what_spreadsheets_save_loads_and_says_how_it_was_read(
    door: FrontDoor, name: str, encode: Callable[[str], bytes], found: tuple[str, str, str]
) -> None:
    text = HEADER + rows_of(*fresh(3), who="åse@example.org", rating="4.5", feedback="Så bra")
    status = door.load(key_of(slug(), name), encode(text))
    assert (status["status"], status["insertedRows"], status["errorRows"]) == ("completed", 3, 0)
    metadata = door.get(f"/v1/import/batches/{status['batchId']}")["csvMetadata"]
    assert (metadata["delimiter"], metadata["encoding"], metadata["encodingChosenBy"]) == found
    session = door.get(f"/v1/import/batches/{status['batchId']}/sessions")["items"][0]
    assert (session["rating"], session["feedbackText"], session["participantEmail"]) == (
        0.875,
        "Så bra",
        "åse@example.org",
    )


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        pytest.param("a.csv", b"", "empty_file", id="zero bytes"),
        pytest.param("a.csv", b"PK\x03\x04" + bytes(100), "not_csv", id="a workbook renamed"),
        pytest.param("a.csv", b"session_id,mentor_email\n1,a@example.org\n", "missing_columns", id="columns missing"),
    ],
)
def test_a_refusal_is_seen_by_the_api_with_its_sentence(door: FrontDoor, name: str, body: bytes, code: str) -> None:
    refusal = door.decided(door.put(key_of(slug(), name), body))["refusal"]
    assert refusal["code"] == code
    assert refusal["message"].endswith(".")


def test_a_file_of_many_chunks_and_shards_comes_out_as_its_rows_do(door: FrontDoor, db: Connection) -> None:
    """Some 15 MB: several chunks by the Distributed Map, faults in all of them, an id again at the very end."""
    ids = fresh(60_000)
    filler = '"' + "En lang tilbakemelding,\nover to linjer. " * 5 + '"'
    lines = [
        rows_of(each, rating="9" if number % 1000 == 999 else "3", feedback=filler) for number, each in enumerate(ids)
    ]
    lines += [rows_of(ids[0], rating="5", feedback="ny"), rows_of(ids[1], who="ivan@example.org")]
    status = door.load(key_of(slug()), (HEADER + "".join(lines)).encode())
    assert (status["status"], status["totalRows"]) == ("completed", 60_002)
    assert (status["insertedRows"], status["updatedRows"], status["errorRows"]) == (59_940, 1, 61)
    stored = db.run("SELECT count(*) FROM kintell_sessions WHERE batch_id = :id", id=status["batchId"])
    assert stored == [[59_940]]
    content = door.fetch(f"/v1/import/backfill/{status['batchId']}/errors")[1].decode("utf-8-sig")
    found = list(csv.reader(io.StringIO(content, newline="")))[1:]
    assert [int(line[-5]) for line in found] == [*range(1000, 60_001, 1000), 60_002]
    assert [line[-3] for line in found] == ["E006"] * 60 + ["E030"]
    record = door.get(f"/v1/import/batches/{status['batchId']}")
    assert len(record["chunks"]) > 1
    for chunk in record["chunks"]:
        outcomes = sum(chunk[f"{name}Rows"] for name in ("inserted", "updated", "unchanged", "conflict", "rejected"))
        assert outcomes == chunk["rows"]


def test_the_functions_connect_as_a_role_that_owns_nothing_but_staging(door: FrontDoor, system: LocalSystem) -> None:
    door.get("/v1/import/summary")
    db = system.connect()
    role = f"{system.database.dbname}_functions"
    try:
        assert db.run("SELECT FROM pg_stat_activity WHERE usename = :role", role=role)
        owned = db.run(
            "SELECT relnamespace::regnamespace::text FROM pg_class WHERE relowner = CAST(:role AS regrole)", role=role
        )
        assert {schema for (schema,) in owned} <= {"staging", "pg_toast"}
    finally:
        db.close()
