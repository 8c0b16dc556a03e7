"""Rows of people on the pages: rejected ones, and the one behind a session, as their files have them."""

import gzip
from typing import Any
from uuid import UUID

import pytest

from api import original_rows
from api.route_rights import Right
from ingestion import config, original_text
from ingestion.aws import object_keys
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass
from ingestion.faults import Fault, FaultCode, RawRow, Reject
from ingestion.rows.rejects import write_rejects
from tests.api.api_calls import Call
from tests.api.full_world import BROWSER, EVIL
from tests.api.world import NOW, UPLOADS, WORK, World

# Rejected rows --------------------------------------------------------------------------------------------------------

BAD_EMAIL, BAD_DATE, BAD_ROW = (
    {"code": "E001", "category": "validation", "field": "participant_email", "count": 1},
    {"code": "E003", "category": "validation", "field": "scheduled_at", "count": 34},
    {"code": "E010", "category": "validation", "field": "row", "count": 1},
)


def rejected(number: int, line: int, cells: list[str], *faults: tuple[FaultCode, str, str]) -> Reject:
    return Reject(RawRow(number, line, cells), tuple(Fault(*fault) for fault in faults))


REJECTS = [
    rejected(
        4,
        7,
        ["=MS-1", "two\r\nlines"],
        (FaultCode.INVALID_EMAIL, "participant_email", f"participant_email: '={EVIL}; scheduled_at: fine"),
        (FaultCode.INVALID_DATE, "scheduled_at", "scheduled_at: no"),
    ),
    *[
        rejected(n, n + 9, [f"MS-{n}", ""], (FaultCode.INVALID_DATE, "scheduled_at", "scheduled_at: is no date"))
        for n in range(5, 38)
    ],
    rejected(99, 199, ["MS-99", ""], (FaultCode.WRONG_FIELD_COUNT, "row", "The row has 7 fields.")),
]


@pytest.fixture
def faulty(buckets: Any, world: World) -> UUID:
    """A batch with rejected rows."""
    summary = [BAD_EMAIL, BAD_DATE, BAD_ROW]
    headers = ["session_id", "feedback_text", "Date", "participant_email"]
    metadata = {"headers": headers, "warnings": []}
    batch = world.batch(
        error_file_key="errors/x.csv", total_rows=43, error_rows=35, error_summary=summary, csv_metadata=metadata
    )
    buckets.put_object(Bucket=WORK, Key=object_keys.reject_values(batch), Body=write_rejects(REJECTS))
    return batch


def test_each_fault_has_some_of_its_rows_below_it(see: Any, faulty: UUID) -> None:
    page = see(f"/batches/{faulty}/rejected")
    assert len(page.all("ol")) == 3
    for shown in (
        "row 4, line 7",
        "=MS-1",
        f"participant_email: '={EVIL}",
        "MS-6",
        "MS-99",
        "The row has 7 fields.",
        "D2 in the",
        "C2 in",
    ):
        assert shown in page.text
    # Three of the dates, of which the first has the bad email as well.
    assert page.text.count("row 4, line 7") == 2
    assert "MS-7" not in page.text


def test_a_look_at_rejected_rows_is_in_the_audit_trail(see: Any, faulty: UUID, world: World) -> None:
    see(f"/batches/{faulty}/rejected")
    details = world.db.run("SELECT action, batch_id, details FROM audit_logs")
    assert details == [["rejected_rows_shown", faulty, {"rows": 4}]]


def test_a_look_at_rejected_rows_that_shows_none_is_none(see: Any, buckets: Any, faulty: UUID, world: World) -> None:
    buckets.delete_object(Bucket=WORK, Key=object_keys.reject_values(faulty))
    see(f"/batches/{faulty}/rejected", 410)
    see(f"/batches/{UUID(int=7)}/rejected", 404)
    buckets.put_object(Bucket=WORK, Key=object_keys.reject_values(faulty), Body=write_rejects([]))
    see(f"/batches/{faulty}/rejected")
    assert world.db.run("SELECT action FROM audit_logs") == []


def test_a_norwegian_reads_what_is_wrong_in_norwegian_and_the_rest_is_marked_as_english(see: Any, faulty: UUID) -> None:
    page = see(f"/batches/{faulty}/rejected", language="nb")
    # Above the rows, and beside the English sentence of each: one of them stands below its date as well.
    assert page.text.count("Ikke en e-postadresse") == 3
    assert [span["lang"] for span in page.all("span") if "lang" in span] == ["en"] * 7


def test_rejected_rows_of_any_length_are_shown_up_to_where_the_page_reads(buckets: Any, see: Any, world: World) -> None:
    """Rows of almost a million characters: the page looks through three million."""
    fault = (FaultCode.WRONG_FIELD_COUNT, "row", "The row has 7 fields.")
    rows = [rejected(n, n + 9, [f"MS-{n}", "two\r\nlines " * 85_000], fault) for n in range(5, 12)]
    summary = [BAD_ROW | {"count": 7}]
    batch = world.batch(error_file_key="errors/x.csv", total_rows=15, error_rows=7, error_summary=summary)
    buckets.put_object(Bucket=WORK, Key=object_keys.reject_values(batch), Body=write_rejects(rows))
    page = see(f"/batches/{batch}/rejected")
    assert "row 7, line 16" in page.text
    assert "row 8, line 17" not in page.text


def test_rejected_rows_that_are_gone_are_not_shown(see: Any, world: World) -> None:
    gone = world.batch(error_file_key="errors/gone.csv", error_file_deleted_at=NOW)
    assert "2024-12-01" in see(f"/batches/{gone}/rejected", 410).text
    assert "slettet" in see(f"/batches/{gone}/rejected", 410, language="nb").text
    see(f"/batches/{world.batch()}/rejected", 404)


# The row behind a session ---------------------------------------------------------------------------------------------

FILE = (
    "session_id,participant_email,mentor_email,scheduled_at,feedback_text,Shoe size\n"
    + "".join(f"MS-{n},anna@example.org,ole@example.org,2024-11-13,fine,42\n" for n in range(1, 40))
    + f'MS-40,anna@example.org,ole@example.org,2024-11-13,"Дякую,\nå takk {EVIL.replace(chr(34), chr(34) * 2)}",\n'
    + "MS-41,anna@example.org,ole@example.org,2024-11-13,,\n"
)


def session_of(world: World, buckets: Any, body: bytes, row: int = 40, **stored: Any) -> str:
    """The address of a session that this row of this file gave."""
    one_pass = FilePass(Limits(chunk=700), frozenset({"session_id", "participant_email"}), lambda text: None)
    one_pass.feed(body)
    scanned = one_pass.finish()
    assert len(scanned.chunks) > 3
    buckets.put_object(Bucket=UPLOADS, Key="incoming/x.csv", Body=body, **stored)
    # What was unpacked for the import is gone after some days.
    work_key = "work/uploads/gone" if scanned.transformed else None
    batch = world.batch(
        upload_id=world.upload(key="incoming/x.csv", version_id="null"),
        format=scanned.format.model_dump(),
        work_key=work_key,
    )
    for span in scanned.chunks:
        world.chunk(batch, span.number, span=span.model_dump(), first_row=span.first_row, rows=span.rows)
    people = (world.user("anna@example.org"), world.user("ole@example.org", "volunteer"))
    return f"/sessions/{world.session(batch, row, world.instance('run-1'), people)}/rows/1"


PACKED = {
    "utf-8": FILE.encode(),
    "utf-8 with a BOM": b"\xef\xbb\xbf" + FILE.encode(),
    "utf-16": FILE.encode("utf-16"),
    "gzip": gzip.compress(b"\xef\xbb\xbf" + FILE.encode()),
    "gzip of utf-16": gzip.compress(FILE.encode("utf-16-le")),
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in PACKED.items()])
def test_the_row_is_shown_as_it_stands_in_the_file(see: Any, buckets: Any, world: World, body: bytes) -> None:
    page = see(session_of(world, buckets, body))
    assert f"Дякую,\nå takk {EVIL}" in page.text
    for shown in ("MS-40", "Shoe size", "row 40, line 41", "empty"):
        assert shown in page.text
    assert "MS-39" not in page.text
    assert "MS-41" not in page.text


def test_a_row_in_another_code_page_is_read_as_the_import_read_it(see: Any, buckets: Any, world: World) -> None:
    rows = "".join(f'MS-{n};anna@example.org;13.11.2024;"Blåbær; på øya {n}"\n' for n in range(1, 60))
    body = f"session_id;participant_email;scheduled_at;feedback_text\n{rows}".encode("cp1252")
    page = see(session_of(world, buckets, body))
    assert "Blåbær; på øya 40" in page.text
    assert "13.11.2024" in page.text


@pytest.mark.parametrize("row", [1, 41])
def test_the_first_row_and_the_last_are_found_as_well(see: Any, buckets: Any, world: World, row: int) -> None:
    assert f"MS-{row}\n" in see(session_of(world, buckets, FILE.encode(), row)).text


def test_a_file_in_cold_storage_says_so(see: Any, buckets: Any, world: World) -> None:
    path = session_of(world, buckets, FILE.encode(), StorageClass="GLACIER")
    assert "cold storage" in see(path).text
    assert "kaldlager" in see(path, language="nb").text


@pytest.mark.parametrize("body", [FILE.encode(), gzip.compress(FILE.encode())], ids=["plain", "packed"])
def test_a_file_that_is_gone_says_so(see: Any, buckets: Any, world: World, body: bytes) -> None:
    path = session_of(world, buckets, body)
    buckets.delete_object(Bucket=UPLOADS, Key="incoming/x.csv")
    assert "has been deleted" in see(path).text


def test_an_archived_batch_has_no_file(see: Any, buckets: Any, world: World) -> None:
    path = session_of(world, buckets, FILE.encode())
    world.db.run("UPDATE ingestion_batches SET status = 'archived', archived_at = now()")
    assert "has been deleted" in see(path).text


def test_a_row_deep_in_a_packed_file_is_not_looked_for(
    see: Any, buckets: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(original_text, "MOST_UNPACKED_BYTES", 2_000)
    assert "too far into a compressed file" in see(session_of(world, buckets, gzip.compress(FILE.encode()))).text
    assert "MS-1\n" in see(session_of_row_one(world)).text


def session_of_row_one(world: World) -> str:
    """The same file's first row, by another session."""
    (batch, instance, participant, volunteer) = world.db.run(
        "SELECT batch_id, program_instance_id, participant_id, volunteer_id FROM kintell_sessions"
    )[0]
    return f"/sessions/{world.session(batch, 1, instance, (participant, volunteer))}/rows/1"


def test_a_look_at_a_row_is_in_the_audit_trail(see: Any, buckets: Any, world: World) -> None:
    path = session_of(world, buckets, FILE.encode())
    see(path)
    ((batch, session),) = world.db.run("SELECT batch_id, id FROM kintell_sessions")
    assert world.db.run("SELECT actor, action, batch_id, details FROM audit_logs") == [
        ["local", "original_row_shown", batch, {"sessionId": str(session), "version": 1, "rowNumber": 40}]
    ]


def test_a_look_that_showed_nothing_is_none(see: Any, buckets: Any, world: World) -> None:
    path = session_of(world, buckets, FILE.encode())
    see(path.replace("rows/1", "rows/7"), 404)
    buckets.delete_object(Bucket=UPLOADS, Key="incoming/x.csv")
    see(path)
    assert world.db.run("SELECT action FROM audit_logs") == []


def test_of_a_row_as_large_as_a_file_a_page_shows_a_part(
    see: Any, buckets: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(original_rows, "MOST_SHOWN_CHARACTERS", 330)
    page = see(session_of(world, buckets, FILE.encode()))
    assert "MS-40" in page.text
    assert "ole@example.org" in page.text
    assert "…" in page.text
    assert EVIL not in page.text


def test_a_version_that_never_was(see: Any, buckets: Any, world: World) -> None:
    path = session_of(world, buckets, FILE.encode())
    see(path.replace("rows/1", "rows/7"), 404)
    see(path.replace("rows/1", "rows/none"), 404)


# Whose eyes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "status"), [([Right.IMPORTS_READ], 403), ([Right.IMPORTS_READ, Right.ERRORS_READ], 200)]
)
def test_rows_are_for_those_who_may_read_error_files(
    api: Call,
    buckets: Any,
    world: World,
    faulty: UUID,
    monkeypatch: pytest.MonkeyPatch,
    rights: list[Right],
    status: int,
) -> None:
    row = session_of(world, buckets, FILE.encode())
    monkeypatch.setenv("AUTHENTICATION", "oidc")
    config.settings.cache_clear()
    claims = {"sub": "x", "cognito:groups": list(rights)}

    def ask(path: str) -> Any:
        return api("GET", path, headers=BROWSER, claims=claims)

    for path in (row, f"/batches/{faulty}/rejected"):
        assert ask(path).status == status
        offering = ask(path.rpartition("/rows")[0] if "/rows" in path else f"/batches/{faulty}")
        assert offering.status == 200
        assert (f'hx-get="{path}"' in offering.text) == (status == 200)
    assert ("/errors" in ask(f"/batches/{faulty}").text) == (status == 200)
