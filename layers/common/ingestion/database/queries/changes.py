"""Read what each row of a batch changes, a page at a time, in the order of the rows.

Of a dry run from its plan; of an import from the records and their versions. Each row has the columns of its record as
the row leaves them, and under `old_…` as they were before.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from ingestion.database.connection import Connection, rows
from ingestion.database.publishing.plans import Planned, old
from ingestion.database.publishing.targets import inserted_by_batch, of_later_row
from ingestion.database.queries.lineage import people_of
from ingestion.records import RecordType

INSERTED, UPDATED = "inserted", "updated"


class RowsAfter(NamedTuple):
    """At most `limit` rows after the one with this number, of this outcome if it is given."""

    limit: int
    after: int = 0
    outcome: str | None = None


def of_plan(db: Connection, record: RecordType, planned: Planned, wanted: RowsAfter) -> list[dict[str, Any]]:
    """Return planned rows; *wanted* has an outcome of a plan, or none."""
    return rows(
        db,
        f"""{_planned(record, planned)}
         WHERE p.row_number > CAST(:after AS bigint) AND (CAST(:outcome AS text) IS NULL OR p.outcome = :outcome)
      ORDER BY p.row_number
         LIMIT CAST(:limit AS bigint)
        """,
        **wanted._asdict(),
    )


def left_out(db: Connection, batch_id: UUID, limit: int, after: int) -> list[int]:
    """Return the numbers of rows that a commit left out."""
    found = db.run(
        """
        SELECT n.number
          FROM chunks c CROSS JOIN LATERAL unnest(c.left_out_rows) n (number)
         WHERE c.batch_id = :batch_id AND n.number > CAST(:after AS bigint)
      ORDER BY n.number
         LIMIT CAST(:limit AS bigint)
        """,
        batch_id=batch_id,
        limit=limit,
        after=after,
    )
    return [int(number) for (number,) in found]


def of_plan_by_number(
    db: Connection, record: RecordType, planned: Planned, numbers: Iterable[int]
) -> list[dict[str, Any]]:
    """Return the planned rows with these numbers."""
    sql = f"{_planned(record, planned)} WHERE p.row_number = ANY (CAST(:numbers AS int[])) ORDER BY p.row_number"
    return rows(db, sql, numbers=list(numbers))


def _planned(record: RecordType, planned: Planned) -> str:
    people = "".join(f"coalesce({person.alias}.email, p.{person.name}) AS {person.name}, " for person in record.people)
    joined = " ".join(
        f"LEFT JOIN users {person.alias} ON {person.alias}.id = p.{person.id_name}" for person in record.people
    )
    stored = _list(f"p.{name}" for field in record.stored for name in (field.name, old(field.name)))
    return f"""
        SELECT p.row_number, p.line, p.outcome, p.target_id AS id, p.{record.key.name}, {people}{stored}
          FROM {planned.table} p {joined}"""


def of_import(db: Connection, record: RecordType, batch_id: UUID, wanted: RowsAfter) -> list[dict[str, Any]]:
    """Return rows that inserted or updated a record; the others have left no trace in the database."""
    sql = of_import_sql(record, wanted.outcome)
    return rows(db, sql, batch_id=batch_id, limit=wanted.limit, after=wanted.after)


def of_import_sql(record: RecordType, outcome: str | None) -> str:
    """Return SQL for the rows of the batch :batch_id with this outcome."""
    people = _list(f"{person.alias}.email AS {person.name}" for person in record.people)
    stored = _list(
        f"w.{field.name}, b.{field.name} AS {old(field.name)}" for field in record.stored
    )  # fmt: skip
    parts = _rows_of_sessions(record, outcome) if record.people else _rows_of_people(record, outcome)
    joined = "\n                UNION ALL".join(parts)
    return f"""
        SELECT w.row_number, w.line, CASE w.version WHEN 1 THEN '{INSERTED}' ELSE '{UPDATED}' END AS outcome, w.id,
               {_list(filter(None, [f"s.{record.key.name}", people, stored]))}
          FROM ({joined}) w
          JOIN {record.table} s ON s.id = w.id
          {people_of(record, "s")}
     LEFT JOIN {record.versions} b ON b.{record.version_of} = w.id AND b.version = w.version - 1
      ORDER BY w.row_number
         LIMIT CAST(:limit AS bigint)
"""


_PAGE = """
              ORDER BY row_number
                 LIMIT CAST(:limit AS bigint)"""


def _rows_of_sessions(record: RecordType, outcome: str | None) -> list[str]:
    """Rows that inserted a session are found by its id, in the order of the rows; later ones by an index."""
    content, versions, version_of = _content(record), record.versions, record.version_of
    first = f"""
               (SELECT i.id, {content}
                  FROM (SELECT id, version AS now, {content}
                          FROM {record.table}
                         WHERE {inserted_by_batch("id")}
                           AND id > (SELECT first_session_id(:batch_id)) + CAST(:after AS bigint)
                      ORDER BY id LIMIT CAST(:limit AS bigint)) i
                 WHERE i.now = 1)
                UNION ALL
               (SELECT v.{version_of}, {content}
                  FROM {versions} v
                 WHERE v.version = 1 AND v.{version_of} IN (
                       SELECT id FROM (
                              SELECT id, version FROM {record.table}
                               WHERE {inserted_by_batch("id")}
                                 AND id > (SELECT first_session_id(:batch_id)) + CAST(:after AS bigint)
                            ORDER BY id LIMIT CAST(:limit AS bigint)) j
                        WHERE j.version > 1))"""
    later = [
        f"""
               (SELECT x.{id_column} AS id, {content}
                  FROM {table} x
                 WHERE {of_later_row("x")} AND x.row_number > CAST(:after AS bigint){_PAGE})"""
        for table, id_column in ((record.table, "id"), (versions, version_of))
    ]
    return [*([first] if outcome != UPDATED else []), *(later if outcome != INSERTED else [])]


def _rows_of_people(record: RecordType, outcome: str | None) -> list[str]:
    only = {INSERTED: " AND x.version = 1", UPDATED: " AND x.version > 1"}.get(outcome or "", "")
    return [
        f"""
               (SELECT x.{id_column} AS id, {_content(record)}
                  FROM {table} x
                 WHERE x.batch_id = :batch_id AND x.row_number > CAST(:after AS bigint){only}{_PAGE})"""
        for table, id_column in ((record.table, "id"), (record.versions, record.version_of))
    ]


def _content(record: RecordType) -> str:
    return _list(["row_number", "line", "version", *(field.name for field in record.stored)])


def _list(columns: Iterable[str]) -> str:
    return ", ".join(columns)
