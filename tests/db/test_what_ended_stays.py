"""What the functions' role can't change of batches and uploads that are over, and of the ledgers of the others."""

from typing import Any
from uuid import UUID

import pytest

from ingestion.batch import BatchStatus
from ingestion.database.connection import Connection
from ingestion.database.publishing import merge_sql
from ingestion.database.publishing.targets import PEOPLE, SESSIONS
from ingestion.database.tables import batch_states, chunks, expiry, old_uploads, shards
from tests.db.test_audit import INSUFFICIENT_PRIVILEGE
from tests.db.test_guards import TALLY
from tests.db.world import (
    CHECK,
    FOREIGN_KEY,
    a_hash,
    a_session,
    account_for,
    add_batch,
    add_session,
    add_upload,
    batch_columns,
    insert,
    refused,
    session_id,
)

NOWHERE: dict[str, Any] = {"batch_id": UUID(int=0), "replaced_by_batch": UUID(int=0), "program_instance_id": -1}
KEPT = "what_no_move_changes_stays"

EDITS = {
    "inserted_rows": "inserted_rows = 9, error_rows = 1",
    "skipped_rows": "inserted_rows = 9, skipped_rows = 1",
    "error_summary": "error_summary = '[{}]'",
    "file_name": "file_name = 'another.csv'",
    "file_name deleted": "file_name = '(deleted)'",
    "completed_at": "completed_at = '2020-01-01'",
    "completed_at now": "completed_at = now()",
    "started_at": "started_at = '2020-01-01'",
    "reconciled_at": "reconciled_at = now()",
    "archived_at": "archived_at = '2020-01-01'",
    "execution": "execution = 'mine'",
    "rating_scale": "rating_scale = '0-1'",
    "error_file_key": "error_file_key = 'errors/of-another-batch.csv'",
    "error_file_deleted_at": "error_file_deleted_at = '2020-01-01'",
    "failure_code": "failure_code = 'import_broke'",
    "work_key": "work_key = 'x'",
    "format": 'format = \'{"encoding": "utf-16"}\'',
    "csv_metadata": "csv_metadata = '{\"headers\": []}'",
}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in EDITS.items()])
@pytest.mark.parametrize("status", ["completed", "archived", "failed"])
def test_a_batch_that_has_ended_is_not_edited(owner: Connection, functions: Connection, status: str, edit: str) -> None:
    add_batch(owner, status, execution="first", started_at="2024-12-01T11:00:00Z")
    with refused(functions, CHECK):
        functions.run(f"UPDATE ingestion_batches SET {edit}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pending", "completed"),
        ("pending", "archived"),
        ("running", "pending"),
        ("running", "archived"),
        ("failed", "pending"),
        ("failed", "archived"),
        ("archived", "completed"),
        ("archived", "failed"),
    ],
)
def test_what_is_no_move_of_a_batch_is_refused(owner: Connection, functions: Connection, old: str, new: str) -> None:
    batch_id = add_batch(owner, old)
    account_for(owner, batch_id, TALLY)
    ended = "now()" if new in ("completed", "failed", "archived") else "NULL"
    reason = "'x'" if new == "failed" else "NULL"
    counts = "inserted_rows = 10, skipped_rows = 0" if new != "pending" else "inserted_rows = 0, skipped_rows = 0"
    with refused(functions, CHECK):
        functions.run(
            f"UPDATE ingestion_batches SET status = '{new}', completed_at = {ended}, "
            f"{counts}, failure_reason = {reason}"
        )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("inserted_rows = 9, error_rows = 1", id="other counts"),
        pytest.param("file_name = 'another.csv'", id="another name"),
        pytest.param("completed_at = '2020-01-01'", id="another time"),
        pytest.param("archived_at = '2020-01-01'", id="an earlier archiving"),
        pytest.param("format = '{}'", id="another format"),
        pytest.param("error_file_key = 'another'", id="another error file"),
    ],
)
def test_archiving_forgets_and_changes_nothing(owner: Connection, functions: Connection, change: str) -> None:
    add_batch(owner, "completed", format='{"header": ["a"], "encoding": "utf-8"}')
    with refused(functions, CHECK, KEPT):
        functions.run(
            f"UPDATE ingestion_batches SET {'archived_at = now(), ' if 'archived_at' not in change else ''}"
            f"status = 'archived', {change}"
        )


@pytest.mark.parametrize("status", [BatchStatus.COMPLETED, BatchStatus.FAILED])
def test_a_batch_ends_now(owner: Connection, functions: Connection, status: BatchStatus) -> None:
    batch_id = add_batch(owner, "running")
    account_for(owner, batch_id, TALLY)
    counts = "inserted_rows = 10" if status is BatchStatus.COMPLETED else "skipped_rows = 10, failure_reason = 'x'"
    with refused(functions, CHECK, KEPT):
        functions.run(f"UPDATE ingestion_batches SET status = '{status}', completed_at = '2020-01-01', {counts}")


def test_a_batch_goes_its_way(owner: Connection, functions: Connection) -> None:
    batch_id = add_batch(owner, file_name="Kari.csv", forced=True, force_reason="Kari", error_file_key=None)
    account_for(owner, batch_id, TALLY)
    assert batch_states.start(functions, batch_id, "first")
    assert batch_states.start_over(functions, batch_id, "second")
    batch_states.reconciled(functions, batch_id, "1-5", is_assumed=False)
    batch_states.warn(functions, batch_id, [])
    assert batch_states.end(
        functions, batch_id, BatchStatus.COMPLETED, TALLY, [], failure=None, error_file_key="errors.csv"
    )
    functions.run("COMMIT; BEGIN")
    assert not expiry.note_error_file_deleted(functions, batch_id, days=1)
    assert expiry.note_error_file_deleted(functions, batch_id, days=-1)
    assert expiry.archive(functions, batch_id)
    assert batch_columns(functions, batch_id, "status, file_name, force_reason, inserted_rows") == [
        "archived",
        "(deleted)",
        "archived",
        10,
    ]


def test_a_failed_batch_is_tried_again_or_forgotten(owner: Connection, functions: Connection) -> None:
    failure = {"failure_code": "import_broke", "failure_reason": "import_broke: Kari"}
    batch_id = add_batch(owner, "failed", execution="first", file_name="Kari.csv", **failure)
    functions.run("SAVEPOINT failed")
    assert batch_states.start_over(functions, batch_id, "second")
    functions.run("ROLLBACK TO SAVEPOINT failed")
    upload_id = batch_columns(functions, batch_id, "upload_id")[0]
    due = old_uploads.DueUpload(
        upload_id=upload_id, batch_id=batch_id, bucket="", key="", version_id="", error_file_key=None
    )
    old_uploads.blank(functions, due)
    assert batch_columns(functions, batch_id, "file_name") == ["(deleted)"]
    assert functions.run("SELECT key FROM uploads") == [[f"deleted/{upload_id}"]]


@pytest.mark.parametrize(
    "edit",
    [
        "sha256 = NULL",
        "version_id = 'another'",
        "size_bytes = 1",
        "key = 'incoming/another.csv'",
        "file_name = 'another.csv'",
        "options = '{\"force\": true}'",
        "received_at = now()",
        "decided_at = '2020-01-01'",
        "decided_at = now()",
        "deleted_at = '2020-01-01'",
        "deleted_at = now(), key = 'incoming/another.csv'",
        "deleted_at = now(), file_name = 'another.csv'",
        "refusal_batch_id = (SELECT id FROM ingestion_batches)",
        "state = 'refused', refusal_code = 'empty_file'",
        "state = 'waiting', refusal_code = NULL",
        "state = 'accepted', refusal_code = NULL",
    ],
)
@pytest.mark.parametrize("state", ["accepted", "refused"])
def test_an_upload_that_was_decided_on_is_not_edited(
    owner: Connection, functions: Connection, state: str, edit: str
) -> None:
    if f"state = '{state}'" in edit:
        return
    code = {"refusal_code": "not_csv", "refusal_message": "x"} if state == "refused" else {}
    add_batch(owner, upload_id=add_upload(owner, state=state, sha256=a_hash(), decided_at="2024-12-01", **code))
    with refused(functions, CHECK, KEPT):
        functions.run(f"UPDATE uploads SET {edit}")


def test_an_object_version_is_received_once(owner: Connection, functions: Connection) -> None:
    upload_id = add_upload(owner, version_id=None)
    functions.run(
        "UPDATE uploads SET version_id = 'first', size_bytes = 1, received_at = now() WHERE id = :id", id=upload_id
    )
    with refused(functions, CHECK, KEPT):
        functions.run("UPDATE uploads SET version_id = 'second' WHERE id = :id", id=upload_id)


# Sessions and their versions


@pytest.mark.parametrize("column", NOWHERE)
@pytest.mark.parametrize("who", ["functions", "owner"])
def test_a_version_refers_to_what_exists(
    owner: Connection, functions: Connection, request: pytest.FixtureRequest, who: str, column: str
) -> None:
    given = a_session(owner)
    insert(owner, "kintell_sessions", **given)
    version = a_version(owner, given)
    db = request.getfixturevalue(who)
    db.run("COMMIT; BEGIN")
    db.run("UPDATE kintell_sessions SET version = 2")
    with refused(db, FOREIGN_KEY):
        insert(
            db,
            "kintell_session_versions",
            **{**version, column: NOWHERE[column]},
        )
    insert(db, "kintell_session_versions", **version)


def a_version(db: Connection, session: dict[str, Any], **columns: Any) -> dict[str, Any]:
    """The columns of an earlier version of a session, which a batch at work has replaced."""
    of_session = ("program_instance_id", "scheduled_at", "batch_id", "row_number", "line")
    return {
        "session_id": session["id"],
        "version": 1,
        **{name: session[name] for name in of_session},
        "replaced_by_batch": session["batch_id"],
        "replaced_by_row": 1,
        **columns,
    }


def test_a_version_is_written_with_the_session_that_follows_it(owner: Connection, functions: Connection) -> None:
    """Nobody can delete the session meanwhile: who wrote it holds it until the commit."""
    given = a_session(owner)
    insert(owner, "kintell_sessions", **given)
    functions.run("COMMIT; BEGIN")
    with refused(functions, FOREIGN_KEY):
        insert(functions, "kintell_session_versions", **a_version(owner, given))
    functions.run("COMMIT; BEGIN")
    functions.run("UPDATE kintell_sessions SET version = 2")
    insert(functions, "kintell_session_versions", **a_version(owner, given))
    functions.run("COMMIT")
    owner.run("BEGIN")
    with refused(owner, FOREIGN_KEY):
        insert(owner, "kintell_session_versions", **a_version(owner, given, session_id=given["id"] + 1, version=2))
    owner.run("ROLLBACK")


def test_versions_keep_their_session(owner: Connection) -> None:
    given = a_session(owner)
    insert(owner, "kintell_sessions", **given)
    insert(owner, "kintell_session_versions", **a_version(owner, given))
    owner.run("BEGIN")
    with refused(owner, FOREIGN_KEY):
        owner.run("TRUNCATE kintell_sessions")
    with refused(owner, FOREIGN_KEY):
        owner.run("UPDATE kintell_sessions SET id = id + 1")
    owner.run("TRUNCATE kintell_sessions, kintell_session_versions")
    owner.run("ROLLBACK")


def test_no_version_is_changed(functions: Connection) -> None:
    for table in ("kintell_session_versions", "user_versions"):
        with refused(functions, INSUFFICIENT_PRIVILEGE):
            functions.run(f"UPDATE {table} SET row_number = 1")


@pytest.mark.parametrize("status", ["completed", "failed", "archived"])
def test_a_batch_that_has_ended_gets_and_loses_no_sessions(
    owner: Connection, functions: Connection, status: str
) -> None:
    given = a_session(owner, batch_id=add_batch(owner, status))
    with refused(functions, FOREIGN_KEY):
        insert(functions, "kintell_sessions", **given)
    insert(owner, "kintell_sessions", **given)
    for change in ("feedback_text = 'x'", "row_number = row_number + 1, id = id + 1", "version = 2"):
        state = INSUFFICIENT_PRIVILEGE if "id = id" in change else CHECK
        with refused(functions, state):
            functions.run(f"UPDATE kintell_sessions SET {change}")
    with refused(functions, CHECK, "what_was_published_stays"):
        functions.run("DELETE FROM kintell_sessions")


@pytest.mark.parametrize("status", ["completed", "failed", "archived"])
def test_a_batch_that_has_ended_replaces_nothing_and_gives_nothing_back(
    owner: Connection, functions: Connection, status: str
) -> None:
    ended = add_batch(owner, status)
    given = a_session(owner)
    insert(owner, "kintell_sessions", **given)
    version = a_version(owner, given, replaced_by_batch=ended)
    person = {"user_id": given["participant_id"], "version": 1, "role": "participant", "replaced_by_row": 1}
    for table, columns in (
        ("kintell_session_versions", version),
        ("user_versions", {**person, "replaced_by_batch": ended}),
    ):
        with refused(functions, CHECK, "what_was_published_stays"):
            insert(functions, table, **columns)
        insert(owner, table, **columns)
        with refused(functions, CHECK, "what_was_published_stays"):
            functions.run(f"DELETE FROM {table}")


def test_a_session_has_the_id_of_a_row_of_its_batch(owner: Connection, functions: Connection) -> None:
    given, other = a_session(owner), add_batch(owner)
    for stolen in (session_id(owner, other, 1), given["id"] + (1 << 40)):
        for version in (1, 2):
            with refused(functions, FOREIGN_KEY):
                insert(functions, "kintell_sessions", **{**given, "id": stolen, "version": version})


def test_a_batch_at_work_takes_back_what_it_published(owner: Connection, functions: Connection) -> None:
    first, running = add_batch(owner, "completed"), add_batch(owner, "running")
    session = add_session(owner, batch_id=first, row_number=1)
    functions.run("UPDATE kintell_sessions SET batch_id = :running, version = 2, feedback_text = 'x'", running=running)
    functions.run(
        """
        INSERT INTO kintell_session_versions (session_id, version, program_instance_id, scheduled_at, batch_id,
                                              row_number, line, replaced_by_batch, replaced_by_row)
        SELECT id, 1, program_instance_id, scheduled_at, :first, row_number, line, :running, 1 FROM kintell_sessions
        """,
        running=running,
        first=first,
    )
    insert(functions, "kintell_sessions", **a_session(functions, batch_id=running, row_number=2))
    merge_sql.remove_published(functions, running, SESSIONS)
    merge_sql.remove_published(functions, running, PEOPLE)
    assert functions.run("SELECT id, batch_id, version FROM kintell_sessions") == [[session, first, 1]]
    assert functions.run("SELECT count(*) FROM kintell_session_versions") == [[0]]


# Ledgers


def planned(db: Connection, batch_id: UUID, *rows: int) -> None:
    spans = [{"number": number, "first_row": 1, "rows": count} for number, count in enumerate(rows, 1)]
    chunks.plan(db, batch_id, spans)


@pytest.mark.parametrize("rows", [(9,), (11,), (5, 6), (10, 1)])
def test_the_chunks_of_a_batch_hold_its_rows(owner: Connection, functions: Connection, rows: tuple[int, ...]) -> None:
    with refused(functions, CHECK, "plans_add_up"):
        planned(functions, add_batch(owner), *rows)
    planned(functions, add_batch(owner), 4, 6)


@pytest.mark.parametrize("status", ["running", "completed", "failed", "archived"])
def test_no_chunk_is_added_later(owner: Connection, functions: Connection, status: str) -> None:
    batch_id = add_batch(owner, status)
    with refused(functions, CHECK, "plans_add_up"):
        planned(functions, batch_id, 10)
    planned(owner, batch_id, 10)
    with refused(functions, CHECK, "plans_add_up"):
        functions.run(
            "INSERT INTO chunks (batch_id, number, span, first_row, rows) VALUES (:id, 2, '{}', 11, 0)", id=batch_id
        )


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM chunks",
        "UPDATE chunks SET rows = 1",
        "UPDATE chunks SET number = 2",
        "UPDATE chunks SET span = '{}'",
        "INSERT INTO chunks (state) VALUES ('reconciled')",
        "INSERT INTO shards (merged_at) VALUES (now())",
        "UPDATE shards SET inserted_rows = 1",
        "UPDATE kintell_sessions SET external_session_id = 'x'",
        "UPDATE kintell_sessions SET participant_id = volunteer_id",
        "UPDATE users SET email = 'x@example.org'",
        "INSERT INTO users (id, email, role) OVERRIDING SYSTEM VALUE VALUES (99, 'x@example.org', 'participant')",
        "INSERT INTO program_instances (id, program_type, slug) OVERRIDING SYSTEM VALUE VALUES (9, 'x', 'x')",
        "UPDATE program_instances SET name = 'x'",
        "DELETE FROM program_instances",
        "DELETE FROM programmes",
        "UPDATE programmes SET program_type = 'x'",
        "UPDATE revoked_cookies SET expires_at = now()",
        "UPDATE ingestion_batches SET shard_count = 2",
        "UPDATE ingestion_batches SET max_error_percent = 100",
        "INSERT INTO ingestion_batches (finding) VALUES (NULL)",
    ],
)
def test_no_row_of_these_is_written_so(functions: Connection, statement: str) -> None:
    with refused(functions, INSUFFICIENT_PRIVILEGE):
        functions.run(statement)


@pytest.mark.parametrize("status", ["completed", "failed", "archived"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE chunks SET state = 'planned'",
        "UPDATE chunks SET inserted_rows = 9, updated_rows = 1",
        "UPDATE chunks SET warnings = '[{}]'",
        "UPDATE shards SET merged_at = NULL",
        "UPDATE shards SET merged_at = now()",
        "DELETE FROM shards",
        "INSERT INTO shards (batch_id, number, inserted_rows, updated_rows) SELECT batch_id, 1, 0, 0 FROM shards",
    ],
)
def test_the_ledgers_of_a_batch_that_has_ended_stay(
    owner: Connection, functions: Connection, status: str, statement: str
) -> None:
    account_for(owner, add_batch(owner, status, shard_count=2), TALLY)
    with refused(functions, CHECK, "ledgers_stay"):
        functions.run(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE chunks SET inserted_rows = 9, updated_rows = 1",
        "UPDATE chunks SET state = 'staged', conflict_rows = 1, conflicting_rows = '{1}'",
        "UPDATE shards SET merged_at = NULL",
        "UPDATE shards SET merged_at = now()",
        "INSERT INTO shards (batch_id, number, inserted_rows, updated_rows) SELECT batch_id, 1, 0, 0 FROM shards",
    ],
)
def test_what_a_merge_was_told_stays(owner: Connection, functions: Connection, statement: str) -> None:
    account_for(owner, add_batch(owner, "running", shard_count=2), TALLY)
    with refused(functions, CHECK, "ledgers_stay"):
        functions.run(statement)


@pytest.mark.parametrize("merged_at", ["'2020-01-01'", "now() + interval '1 second'"])
def test_a_shard_is_merged_now(owner: Connection, functions: Connection, merged_at: str) -> None:
    batch_id = add_batch(owner, "running")
    shards.plan(owner, batch_id, [(0, 10, 0)])
    with refused(functions, CHECK, "ledgers_stay"):
        functions.run(f"UPDATE shards SET merged_at = {merged_at}")
    shards.merged(functions, batch_id, 0)


@pytest.mark.parametrize("number", [-1, 2])
def test_a_batch_has_the_shards_that_it_was_planned_with(owner: Connection, functions: Connection, number: int) -> None:
    batch_id = add_batch(owner, "running", shard_count=2)
    with refused(functions, CHECK, "ledgers_stay"):
        shards.plan(functions, batch_id, [(number, 10, 0)])
    shards.plan(functions, batch_id, [(0, 5, 0), (1, 5, 0)])
    shards.plan(functions, batch_id, [(0, 10, 0)])


def test_a_cookie_stays_revoked_until_it_expires(functions: Connection) -> None:
    functions.run("INSERT INTO revoked_cookies VALUES (gen_random_uuid(), now() + interval '1 hour')")
    with refused(functions, CHECK, "what_is_revoked_stays"):
        functions.run("DELETE FROM revoked_cookies")
