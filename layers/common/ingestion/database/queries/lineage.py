"""Read lineage: what a batch inserted or updated, and every version of a record with its row and file.

A record's current content is in its table with the batch and row that gave it; replaced content is in the
table of its versions. The key and the people are the same for all versions of a record.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ingestion.database.connection import Connection, rows
from ingestion.database.publishing.targets import inserted_by_batch, of_later_row
from ingestion.records import PROGRAMMES, SESSION, RecordType


def columns_of(record: RecordType, key_of: str, content_of: str) -> str:
    """SQL: the fields of a record, its key from one table, its content from another, its people from theirs."""
    people = [f"{person.alias}.email AS {person.name}" for person in record.people]
    return _list([f"{key_of}.{record.key.name}", *people, *(f"{content_of}.{field.name}" for field in record.stored)])


def people_of(record: RecordType, row: str) -> str:
    """SQL: the people of *row*, each joined under an alias of their own."""
    found = [f"JOIN users {person.alias} ON {person.alias}.id = {row}.{person.id_name}" for person in record.people]
    return "\n          ".join(found)


def _content(record: RecordType, row: str = "") -> str:
    return _list(f"{row}{field.name}" for field in record.stored)


def _list(columns: Iterable[str]) -> str:
    return ", ".join(columns)


def records_of_batch_sql(record: RecordType) -> str:
    """Return SQL for the rows of the batch :batch_id that inserted or updated a record, in file order."""
    table, versions, version_of = record.table, record.versions, record.version_of
    content = f"program_instance_id, row_number, version, {_content(record)}"
    return f"""
          WITH inserted AS MATERIALIZED (
               SELECT id, {content}
                 FROM {table}
                WHERE {inserted_by_batch("id")} AND id > (SELECT first_session_id(:batch_id)) + CAST(:after AS bigint)
             ORDER BY id
                LIMIT CAST(:limit AS bigint))
        SELECT w.id, s.program_type, i.slug AS program_instance, w.row_number, w.version,
               {columns_of(record, "s", "w")}
          FROM (
                SELECT id, {content}
                  FROM inserted
                 WHERE version = 1
                UNION ALL
                SELECT {version_of}, {content}
                  FROM {versions}
                 WHERE ({version_of}, version) IN (SELECT id, 1 FROM inserted WHERE version > 1)
                UNION ALL
               (SELECT c.id, {content}
                  FROM {table} c
                 WHERE {of_later_row("c")} AND c.row_number > CAST(:after AS bigint)
              ORDER BY c.row_number
                 LIMIT CAST(:limit AS bigint))
                UNION ALL
               (SELECT v.{version_of}, {content}
                  FROM {versions} v
                 WHERE {of_later_row("v")} AND v.row_number > CAST(:after AS bigint)
              ORDER BY v.row_number
                 LIMIT CAST(:limit AS bigint))
               ) w
          JOIN {table} s ON s.id = w.id
          {people_of(record, "s")}
          JOIN program_instances i ON i.id = w.program_instance_id
      ORDER BY w.row_number
         LIMIT CAST(:limit AS bigint)
"""


SESSIONS_OF_BATCH = records_of_batch_sql(SESSION)


def records_of_batch(
    db: Connection, record: RecordType, batch_id: UUID, limit: int, after_row: int | None
) -> list[dict[str, Any]]:
    """Return the batch's rows that inserted or updated a record, in file order, with the record as each left it."""
    if not record.people:
        return []
    return rows(db, records_of_batch_sql(record), batch_id=batch_id, limit=limit, after=after_row or 0)


def people_of_roster(
    db: Connection, record: RecordType, batch_id: UUID, limit: int, after_row: int | None
) -> list[dict[str, Any]]:
    """Return the rows of a roster that added or updated people, in file order, with each person as it left them."""
    content = f"row_number, version, {_content(record)}"
    return rows(
        db,
        f"""
        SELECT w.id, w.row_number, w.version, {columns_of(record, "p", "w")}
          FROM (SELECT id, {content} FROM {record.table} WHERE batch_id = :batch_id
                 UNION ALL
                SELECT {record.version_of}, {content} FROM {record.versions} WHERE batch_id = :batch_id) w
          JOIN {record.table} p ON p.id = w.id
         WHERE w.row_number > CAST(:after AS bigint)
      ORDER BY w.row_number
         LIMIT CAST(:limit AS bigint)
        """,
        batch_id=batch_id,
        limit=limit,
        after=after_row or 0,
    )


def sessions_of_batch(db: Connection, batch_id: UUID, limit: int, after_row: int | None) -> list[dict[str, Any]]:
    """Return `records_of_batch` for sessions."""
    return records_of_batch(db, SESSION, batch_id, limit, after_row)


def find_record(db: Connection, program_type: str, key: str) -> int | None:
    """Find our id of a programme's record."""
    record = PROGRAMMES[program_type].record
    if not record.people:
        return None
    found = db.run(
        f"""
        SELECT id
          FROM {record.table}
         WHERE {record.key.name} = :key AND program_type = :program_type
        """,
        key=key,
        program_type=program_type,
    )
    return int(found[0][0]) if found else None


def find_version_of_row(db: Connection, record: RecordType, batch_id: UUID, row: int) -> tuple[int, int] | None:
    """Find the record, and its version, that this row of the batch gave."""
    found = db.run(
        f"""
        SELECT id, 1
          FROM {record.table}
         WHERE id = (SELECT first_session_id(:batch_id)) + CAST(:row AS bigint)
         UNION ALL
        SELECT c.id, c.version
          FROM {record.table} c
         WHERE {of_later_row("c")} AND c.row_number = CAST(:row AS bigint)
         UNION ALL
        SELECT v.{record.version_of}, v.version
          FROM {record.versions} v
         WHERE {of_later_row("v")} AND v.row_number = CAST(:row AS bigint)
        """,
        batch_id=batch_id,
        row=row,
    )
    return (int(found[0][0]), int(found[0][1])) if found else None


def record_type_of(db: Connection, record_id: int) -> RecordType:
    """Return the type of the record with this id, which names the batch that inserted it; session if none did."""
    found = db.run("SELECT program_type FROM ingestion_batches WHERE number = CAST(:id AS bigint) >> 30", id=record_id)
    programme = PROGRAMMES.get(found[0][0]) if found else None
    return programme.record if programme and programme.record.people else SESSION


def versions_of_record_sql(record: RecordType) -> str:
    """Return SQL for the versions of the record :record_id with their lineage, newest first."""
    of_version = "version, program_instance_id, " + _content(record)
    own = _list(f"c.{name}" for name in of_version.split(", "))
    earlier = _list(f"v.{name}" for name in of_version.split(", "))
    return f"""
        SELECT s.id, s.program_type, i.slug AS program_instance, w.version, {columns_of(record, "s", "w")},
               w.replaced_at, w.row_number, w.line, b.format->'sheet'->>'name' AS sheet,
               w.batch_id, b.status AS batch_status, b.created_at AS batch_created_at, b.imported_by,
               coalesce(b.completed_at, b.started_at) AS imported_at,
               b.file_name, u.key, u.version_id, b.file_hash AS sha256
          FROM (
                SELECT c.id, {own},
                       c.batch_id, c.row_number, c.line, CAST(NULL AS timestamptz) AS replaced_at
                  FROM {record.table} c
                 WHERE c.id = CAST(:record_id AS bigint)
                UNION ALL
               (SELECT v.{record.version_of}, {earlier},
                       v.batch_id, v.row_number, v.line, v.replaced_at
                  FROM {record.versions} v
                 WHERE v.{record.version_of} = CAST(:record_id AS bigint)
                   AND (CAST(:before AS bigint) IS NULL OR v.version < CAST(:before AS bigint))
              ORDER BY v.version DESC
                 LIMIT CAST(:limit AS bigint))
               ) w
          JOIN {record.table} s ON s.id = w.id
          {people_of(record, "s")}
          JOIN program_instances i ON i.id = w.program_instance_id
          JOIN ingestion_batches b ON b.id = w.batch_id
          JOIN uploads u ON u.id = b.upload_id
      ORDER BY w.version DESC
        """


def versions_of_record(
    db: Connection, record: RecordType, record_id: int, limit: int, before: int | None
) -> list[dict[str, Any]]:
    """Return the versions of a record with their lineage, newest first: the current one, then earlier ones.

    At most *limit* earlier versions, those before version *before*. Empty if there is no such record.
    """
    return rows(db, versions_of_record_sql(record), record_id=record_id, limit=limit, before=before)
