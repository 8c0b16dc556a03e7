"""All that can be seen of an import but its ids and times: what must not differ between a disturbed run and another."""

from collections.abc import Sequence
from typing import Any

from tests.faults.files import Files
from tests.faults.under_fire import UnderFire

Outcome = dict[str, Any]


def outcome(world: UnderFire, files: Files, batch_ids: Sequence[str]) -> Outcome:
    """The outcome of the batches, given in the order in which they are to be looked at, and of the sessions."""
    prefix = files.prefix
    parts: Outcome = {name: _rows(world, sql, prefix, batch_ids) for name, sql in _OF_ALL.items()}
    for number, batch_id in enumerate(batch_ids, 1):
        for name, sql in _OF_A_BATCH.items():
            parts[f"{name} of batch {number}"] = _rows(world, sql, prefix, [batch_id])
        status, body = world.door.fetch(f"/v1/import/backfill/{batch_id}/errors")
        parts[f"error file of batch {number}"] = (
            status,
            _anonymous(_text(status, body), prefix).replace(batch_id, "B"),
        )
    return parts


def sessions(world: UnderFire, files: Files) -> Outcome:
    """The sessions alone, with their versions."""
    return {name: _rows(world, _OF_ALL[name], files.prefix, []) for name in ("sessions", "versions")}


def trail(parts: Outcome, batch: int = 1) -> list[str]:
    """The actions of a batch's audit trail, in their order."""
    return [row[0] for row in parts[f"audit trail of batch {batch}"]]


def differences(got: Outcome, wanted: Outcome) -> list[str]:
    """What differs, a line for each part."""
    return [
        f"{name}: {_shown(got.get(name), wanted.get(name))}"
        for name in sorted({*got, *wanted})
        if got.get(name) != wanted.get(name)
    ]


def _shown(got: Any, wanted: Any) -> str:
    if isinstance(got, list) and isinstance(wanted, list):
        extra = [row for row in got if row not in wanted]
        missing = [row for row in wanted if row not in got]
        return f"{len(extra)} too many, such as {extra[:3]}; {len(missing)} missing, such as {missing[:3]}"
    return f"{str(got)[:400]} instead of {str(wanted)[:400]}"


def _text(status: int, body: bytes) -> str:
    return body.decode("utf-8-sig") if status == 200 else ""


def _rows(world: UnderFire, sql: str, prefix: str, batch_ids: Sequence[str]) -> list[list[Any]]:
    found = world.rows(sql, ids=list(batch_ids), like=f"{prefix}-%", folder=f"%{prefix.lower()}/%")
    return [[_anonymous(cell, prefix) for cell in row] for row in found]


def _anonymous(cell: Any, prefix: str) -> Any:
    return cell.replace(prefix, "T").replace(prefix.lower(), "t") if isinstance(cell, str) else cell


_GIVEN = """
      WITH given AS (SELECT id, number FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS given (id, number)),
           about AS (SELECT CAST(:like AS text) AS ids, CAST(:folder AS text) AS folder)"""

_OF_ALL = {
    "sessions": f"""{_GIVEN}
    SELECT s.external_session_id, s.version, s.row_number, s.line, s.rating, s.feedback_text, s.participant_id,
           (SELECT number FROM given WHERE id = s.batch_id)
      FROM kintell_sessions s, about WHERE s.external_session_id LIKE about.ids ORDER BY 1
    """,
    "versions": f"""{_GIVEN}
    SELECT s.external_session_id, v.version, v.row_number, v.line, v.replaced_by_row, v.feedback_text,
           (SELECT number FROM given WHERE id = v.batch_id),
           (SELECT number FROM given WHERE id = v.replaced_by_batch)
      FROM about, kintell_session_versions v JOIN kintell_sessions s ON s.id = v.session_id
     WHERE s.external_session_id LIKE about.ids ORDER BY 1, 2
    """,
    "batches and uploads": f"""{_GIVEN}
    SELECT u.state, u.refusal_code, b.status, count(*)
      FROM about, uploads u LEFT JOIN ingestion_batches b ON b.upload_id = u.id
     WHERE u.key LIKE about.folder GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """,
    "unfinished batches": f"""{_GIVEN}
    SELECT id, status FROM ingestion_batches WHERE status IN ('pending', 'running')
    """,
    "staging tables": f"""{_GIVEN}
    SELECT c.relname FROM pg_class c, given
     WHERE c.relname LIKE '%' || replace(CAST(given.id AS text), '-', '') || '%'
    """,
}
_OF_A_BATCH = {
    "record": f"""{_GIVEN}
    SELECT b.status, b.total_rows, b.inserted_rows, b.updated_rows, b.unchanged_rows, b.unpublished_rows, b.error_rows,
           b.rating_scale,
           CAST(b.error_summary AS text), b.failure_reason, b.imported_by, b.error_file_deleted_at IS NULL
      FROM ingestion_batches b JOIN given ON given.id = b.id
    """,
    "audit trail": f"""{_GIVEN}
    SELECT a.action, a.actor, CAST(a.details - CAST('{{key,versionId,batchId,earlierBatch}}' AS text[]) AS text)
      FROM given JOIN ingestion_batches b ON b.id = given.id
      JOIN audit_logs a ON a.resource_id IN (b.id, b.upload_id)
     ORDER BY a.id
    """,
}
