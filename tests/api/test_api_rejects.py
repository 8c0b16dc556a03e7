"""Rejected rows, corrections and retries by API: their shape, what is refused, and what the trail has."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from api import corrections
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass
from ingestion.faults import Fault, FaultCode, RawRow, Reject
from ingestion.records import known_headers
from ingestion.rows.rejects import write_rejects
from tests.api.api_calls import Call, walk
from tests.api.full_world import BROWSER
from tests.api.test_api_documents import document, fits  # noqa: F401
from tests.api.world import UPLOADS, WORK, World

ROW = "MS-{},anna@example.org,ole@example.org,{}\n"
FILE = "session_id,participant_email,mentor_email,scheduled_at\n" + "".join(
    ROW.format(number, "2024-12-01" if number > 2 else "soon" if number == 1 else "2024-12-02")
    for number in range(1, 6)
)


@pytest.fixture
def batch(world: World, buckets: Any) -> UUID:
    """A batch whose first row has no date, and whose second row had an unknown participant, who is known by now."""
    one_pass = FilePass(Limits(), known_headers(), lambda text: None)
    one_pass.feed(FILE.encode())
    scanned = one_pass.finish()
    upload = world.upload(key="incoming/x.csv", version_id="null")
    batch = world.batch(
        upload_id=upload,
        format=scanned.format.model_dump(),
        total_rows=5,
        inserted_rows=3,
        updated_rows=0,
        skipped_rows=0,
        error_rows=2,
        error_file_key="errors/x.csv",
    )
    for span in scanned.chunks:
        world.chunk(batch, span.number, span=span.model_dump(), first_row=span.first_row, rows=span.rows)
    rejects = [
        Reject(
            RawRow(1, 2, ["MS-1", "anna@example.org", "ole@example.org", "soon"]),
            (Fault(FaultCode.INVALID_DATE, "scheduled_at", 'scheduled_at: "soon" is not a date', "soon"),),
        ),
        Reject(
            RawRow(2, 3, ["MS-2", "anna@example.org", "ole@example.org", "2024-12-02"]),
            (Fault(FaultCode.PARTICIPANT_NOT_FOUND, "participant_email", "not known", "anna@example.org"),),
        ),
    ]
    buckets.put_object(Bucket=WORK, Key=f"errors/{batch}.jsonl.gz", Body=write_rejects(rejects))
    world.db.run(
        """
        INSERT INTO retryable_rows
        VALUES (:id, 1, false, '{2}', '{MS-2}', CAST(:people AS text[]))
        """,
        id=batch,
        people=["anna@example.org ole@example.org"],
    )
    world.user("anna@example.org")
    world.user("ole@example.org", "volunteer")
    return batch


def test_rejected_rows_are_read_a_page_at_a_time_and_each_is_on_record(
    get: Call,
    world: World,
    batch: UUID,
    document: Any,  # noqa: F811
) -> None:
    path = f"/v1/import/batches/{batch}/rejects"
    rows = walk(get, path, limit=1)
    assert [(row["rowNumber"], row["line"], row["state"]) for row in rows] == [(1, 2, "open"), (2, 3, "open")]
    assert rows[0]["cells"]["scheduled_at"] == "soon"
    assert rows[0]["faults"] == [
        {
            "code": "E003",
            "field": "scheduled_at",
            "value": "soon",
            "message": 'scheduled_at: "soon" is not a date',
        }
    ]
    assert world.count("SELECT count(*) FROM audit_logs WHERE action = 'rejected_rows_shown'") == 2
    operation = document["paths"]["/v1/import/batches/{batchId}/rejects"]["get"]
    fits(document, operation["responses"]["200"]["content"]["application/json"]["schema"], get(path).body)


def test_without_rejected_rows_the_list_is_empty(get: Call, world: World) -> None:
    batch = world.batch()
    assert get(f"/v1/import/batches/{batch}/rejects").body == {"items": [], "nextCursor": None}
    gone = world.batch(error_file_key="errors/x.csv", error_file_deleted_at="2024-12-31")
    assert get(f"/v1/import/batches/{gone}/rejects").is_problem(410, "error_file_expired")


def test_a_retry_is_one_batch_however_often_it_is_asked_for(get: Call, post: Call, world: World, batch: UUID) -> None:
    status = get(f"/v1/import/backfill/{batch}/status").body
    assert (status["openRows"], status["correctedRows"], status["retryableRows"]) == (2, 0, 1)
    assert get("/v1/import/retryable").body["items"] == [
        {
            "batchId": str(batch),
            "fileName": "mentors-ukraine-2024-11.csv",
            "programType": "mentors_ukraine",
            "rows": 1,
            "wouldPass": 1,
        }
    ]
    answers = [post(f"/v1/import/batches/{batch}/retry", {}) for _ in range(2)]
    assert [answer.status for answer in answers] == [202, 202]
    assert answers[0].body == answers[1].body
    child = get(f"/v1/import/batches/{answers[0].body['batchId']}").body
    assert (child["status"], child["totalRows"], child["parentBatchId"]) == ("pending", 1, str(batch))
    assert world.count("SELECT count(*) FROM audit_logs WHERE action = 'import_retried'") == 1
    assert world.count("SELECT count(*) FROM outbox") == 1


@pytest.mark.parametrize("body", [None, "", "{}", '{"timeZone": null}'])
def test_a_retry_needs_no_body(api: Call, batch: UUID, body: str | None) -> None:
    headers = {"content-type": "application/json"} if body is not None else {}
    given = {"body": body} if body is not None else {}
    assert api("POST", f"/v1/import/batches/{batch}/retry", headers=headers, **given).status == 202


def test_a_retry_reads_dates_as_they_are_declared(post: Call, batch: UUID) -> None:
    answer = post(f"/v1/import/batches/{batch}/retry", {"dateOrder": "day-first", "timeZone": "Europe/Oslo"})
    assert answer.status == 202
    assert post(f"/v1/import/batches/{batch}/retry", {"timeZone": "Mars"}).is_problem(422, "invalid_request")


def test_what_cannot_be_retried(get: Call, post: Call, world: World) -> None:
    batch = world.batch()
    assert post(f"/v1/import/batches/{batch}/retry", {}).is_problem(409, "nothing_to_retry")
    assert post(f"/v1/import/batches/{uuid4()}/retry", {}).is_problem(404, "no_such_batch")
    assert get("/v1/import/retryable").body == {"items": []}


def test_a_dry_run_says_what_is_wrong_with_each_row(post: Call, world: World, batch: UUID) -> None:
    rows = [{"rowNumber": 1, "cells": {"scheduled_at": "2024-12-03"}}, {"rowNumber": 2, "cells": {"session_id": ""}}]
    answer = post(f"/v1/import/batches/{batch}/corrections", {"rows": rows, "dryRun": True})
    assert answer.status == 200
    found = {row["rowNumber"]: [fault["code"] for fault in row["faults"]] for row in answer.body["rows"]}
    assert found == {1: [], 2: ["E002"]}
    assert world.count("SELECT count(*) FROM uploads") == 1


def test_corrections_are_an_upload_whose_batch_is_promised(
    post: Call, world: World, batch: UUID, buckets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "WAIT_SECONDS", 0.0)
    rows = [{"rowNumber": 1, "cells": {"scheduled_at": "2024-12-03"}}]
    answer = post(f"/v1/import/batches/{batch}/corrections", {"rows": rows})
    assert answer.status == 202
    ((key, options),) = world.db.run("SELECT key, options FROM uploads WHERE state = 'waiting'")
    assert options["promisedBatch"] == answer.body["batchId"]
    body = buckets.get_object(Bucket=UPLOADS, Key=key)["Body"].read().decode("utf-8-sig")
    assert body.splitlines()[1].startswith("MS-1,anna@example.org,ole@example.org,2024-12-03,1,2,E003,")
    assert world.count("SELECT count(*) FROM audit_logs WHERE action = 'import_corrected'") == 1


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="none"),
        pytest.param([{"rowNumber": 3, "cells": {}}], id="an accepted row"),
        pytest.param([{"rowNumber": 1, "cells": {}}] * 2, id="a row twice"),
        pytest.param([{"rowNumber": 1, "cells": {"place": "x"}}], id="an unknown column"),
        pytest.param([{"rowNumber": 1, "cells": {"session_id": "\0"}}], id="what can't be stored"),
    ],
)
def test_what_is_no_correction_makes_no_batch(post: Call, world: World, batch: UUID, rows: Any) -> None:
    answer = post(f"/v1/import/batches/{batch}/corrections", {"rows": rows})
    assert answer.is_problem(422, "invalid_request")
    assert world.count("SELECT count(*) FROM uploads") == 1


OWN = {**BROWSER, "sec-fetch-site": "same-origin", "content-type": "application/json"}


@pytest.mark.parametrize(
    ("language", "offer"),
    [("en", "1 rejected row would now pass."), ("nb", "1 avvist rad ville nå blitt godtatt.")],
)
def test_a_page_offers_to_try_rows_again(
    api: Call, see: Any, world: World, batch: UUID, language: str, offer: str
) -> None:
    path = f"/batches/{batch}/retry"
    shown = see(f"/batches/{batch}", language=language)
    assert offer in shown.text
    assert path in [form["action"] for form in shown.all("form") if "action" in form]
    answer = api("POST", path, headers=OWN)
    assert answer.status == 303
    assert see(answer.headers["Location"]).text
    assert world.count("SELECT count(*) FROM ingestion_batches WHERE retries_batch_id IS NOT NULL") == 1
    assert answer.headers["Location"] in [link["href"] for link in see("/").all("a")]


def test_the_result_of_a_roster_offers_to_try_all_again(api: Call, see: Any, world: World, batch: UUID) -> None:
    roster = world.batch(program_type="kintell_users", error_rows=0, skipped_rows=3)
    shown = see(f"/batches/{roster}")
    assert "1 of 1 row" in shown.text
    assert "/retry" in [form["action"] for form in shown.all("form") if "action" in form]
    assert api("POST", "/retry", headers=OWN).headers["Location"] == "/"
    assert world.count("SELECT count(*) FROM ingestion_batches WHERE retries_batch_id IS NOT NULL") == 1


@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_row_is_corrected_on_a_page(
    api: Call, see: Any, world: World, batch: UUID, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr(corrections, "WAIT_SECONDS", 0.0)
    path = f"/batches/{batch}/rejects/1"
    assert path in [link["href"] for link in see(f"/batches/{batch}/rejects", language=language).all("a")]
    values = [given["value"] for given in see(path, language=language).all("input")]
    assert values == ["MS-1", "anna@example.org", "ole@example.org", "soon"]
    still_wrong = api("POST", path, headers=OWN, body='{"cell3": "someday"}')
    assert (still_wrong.status, "Hx-Redirect" in still_wrong.headers) == (200, False)
    assert "someday" in still_wrong.text
    assert world.count("SELECT count(*) FROM uploads") == 1
    right = api("POST", path, headers=OWN, body='{"cell3": "2024-12-03"}')
    ((options,),) = world.db.run("SELECT options FROM uploads WHERE state = 'waiting'")
    location = {name.lower(): value for name, value in right.headers.items()}["hx-redirect"]
    assert location == f"/batches/{options['promisedBatch']}"


def test_a_row_that_was_not_rejected_has_no_form(see: Any, batch: UUID) -> None:
    see(f"/batches/{batch}/rejects/3", status=404)
