"""returned_rows and retryable_rows: which rejected row each row of a correction or retry was, and what may be retried.

Both are written with the chunk that they are about. Whether a row is open is in no column: it follows from the status
of the batches that brought it back, so that an import that fails or is undone opens its rows again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ingestion.database.connection import Connection
from ingestion.database.publishing.staging import changes_table, rows_table
from ingestion.database.publishing.targets import Target


@dataclass(slots=True)
class Retryable:
    """Rows of a chunk whose only fault is that their people are unknown, column by column."""

    row_numbers: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    """The addresses of each row's people, separated by spaces."""


@dataclass(slots=True)
class Returned:
    """Rows of a chunk that bring back a rejected row of the parent, column by column."""

    row_numbers: list[int] = field(default_factory=list)
    of_rows: list[int] = field(default_factory=list)
    are_mended: list[bool] = field(default_factory=list)


def forget_chunk(db: Connection, batch_id: UUID, chunk: int) -> None:
    """Delete what an earlier attempt to stage the chunk wrote."""
    db.run("DELETE FROM retryable_rows WHERE batch_id = :id AND chunk = :chunk", id=batch_id, chunk=chunk)
    db.run("DELETE FROM returned_rows WHERE batch_id = :id AND chunk = :chunk", id=batch_id, chunk=chunk)


def write_retryable(db: Connection, batch_id: UUID, chunk: int, rows: Retryable) -> None:
    """Record the rows that Stage rejected for unknown people alone."""
    if rows.row_numbers:
        db.run(
            """
            INSERT INTO retryable_rows (batch_id, chunk, is_conflict, row_numbers, keys, people)
            VALUES (:batch_id, :chunk, false, CAST(:row_numbers AS integer[]), CAST(:keys AS text[]),
                    CAST(:people AS text[]))
            """,
            batch_id=batch_id,
            chunk=chunk,
            row_numbers=_numbers(rows.row_numbers),
            keys=_texts(rows.keys),
            people=_texts(rows.people),
        )


def write_returned(
    db: Connection, batch_id: UUID, chunk: int, parent: UUID, rows: Returned, rejected: Collection[int]
) -> None:
    """Record which row of the *parent* each row was, by the batch that first rejected it."""
    if rows.row_numbers:
        db.run(
            """
            INSERT INTO returned_rows (batch_id, row_number, chunk, first_batch_id, first_row, is_mended, is_rejected)
            SELECT :batch_id, g.row_number, :chunk, coalesce(p.first_batch_id, CAST(:parent AS uuid)),
                   coalesce(p.first_row, g.of_row), g.is_mended, g.is_rejected
              FROM unnest(CAST(:row_numbers AS integer[]), CAST(:of_rows AS integer[]), CAST(:mended AS boolean[]),
                          CAST(:rejected AS boolean[])) g (row_number, of_row, is_mended, is_rejected)
              LEFT JOIN returned_rows p ON p.batch_id = :parent AND p.row_number = g.of_row
            """,
            batch_id=batch_id,
            chunk=chunk,
            parent=parent,
            row_numbers=_numbers(rows.row_numbers),
            of_rows=_numbers(rows.of_rows),
            mended=_numbers(rows.are_mended),
            rejected=_numbers([number in rejected for number in rows.row_numbers]),
        )


def note_conflicts(db: Connection, batch_id: UUID, target: Target) -> None:
    """Record the rows that Reconcile rejects for their id as retryable, with the addresses of their people."""
    people = ", ".join(f"(SELECT u.email FROM users u WHERE u.id = c.{name})" for name in target.owners)
    db.run("DELETE FROM retryable_rows WHERE batch_id = :batch_id AND is_conflict", batch_id=batch_id)
    db.run(
        f"""
        INSERT INTO retryable_rows (batch_id, chunk, is_conflict, row_numbers, keys, people)
        SELECT :batch_id, chunk, true, array_agg(row_number ORDER BY row_number), array_agg(key ORDER BY row_number),
               array_agg(people ORDER BY row_number)
          FROM (SELECT c.chunk, c.row_number, c.{target.key} AS key, concat_ws(' ', {people}) AS people
                  FROM {changes_table(batch_id)} c
                 WHERE c.outcome = 'conflict') c
      GROUP BY chunk
        """,
        batch_id=batch_id,
    )


def note_outcomes(db: Connection, batch_id: UUID) -> None:
    """Record which staged rows that brought back a rejected row are rejected again, for their id."""
    db.run(
        f"""
        UPDATE returned_rows r
           SET is_rejected = NOT r.is_rejected
          FROM {rows_table(batch_id)} s
          LEFT JOIN {changes_table(batch_id)} c ON c.row_number = s.row_number AND c.outcome = 'conflict'
         WHERE r.batch_id = :batch_id AND r.row_number = s.row_number
           AND r.is_rejected <> (c.row_number IS NOT NULL)
        """,
        batch_id=batch_id,
    )


def forget(db: Connection, batch_id: UUID) -> None:
    """Delete what is known of the rejected rows of a batch that has none to show: its import broke."""
    db.run("DELETE FROM retryable_rows WHERE batch_id = :id", id=batch_id)
    db.run("DELETE FROM returned_rows WHERE batch_id = :id", id=batch_id)


def forget_people(db: Connection, batch_ids: Sequence[UUID]) -> None:
    """Delete the addresses of rejected rows, with the error files of these batches."""
    db.run("DELETE FROM retryable_rows WHERE batch_id = ANY(CAST(:ids AS uuid[]))", ids=list(batch_ids))


def _numbers(values: Sequence[int]) -> str:
    """Write an array of numbers or truth values: the driver, which looks at each, takes twenty times as long."""
    return f"{{{','.join(map(str, values))}}}"


def _texts(values: Sequence[str]) -> str:
    """Write an array of texts, none of them NULL."""
    joined = "\0".join(values)
    if '"' in joined or "\\" in joined:
        joined = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace("\0", '","') + '"}' if values else "{}"
