"""Hand-made rows of every table, and the names that the tests share."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ingestion.database.connection import Connection

REGION = "eu-north-1"
UPLOADS, WORK = "test-uploads", "test-work"
FAR_ROWS = 1_000_000
"""Rows that no test's file has."""
NOW = datetime(2024, 12, 1, 12, 0, tzinfo=UTC)


class World:
    """Hand-made rows."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        self._number = 0

    def _insert(self, table: str, values: dict[str, Any]) -> Any:
        given = {
            name: json.dumps(value) if isinstance(value, dict) or name == "error_summary" else value
            for name, value in values.items()
        }
        columns, marks = ", ".join(given), ", ".join(f":{name}" for name in given)
        return self.db.run(f"INSERT INTO {table} ({columns}) VALUES ({marks}) RETURNING *", **given)[0][0]

    def count(self, sql: str) -> int:
        """The number that a query gives."""
        return int(self.db.run(sql)[0][0])

    def upload(self, **values: Any) -> UUID:
        """An upload, accepted unless said otherwise."""
        self._number += 1
        defaults = {
            "state": "accepted",
            "bucket": UPLOADS,
            "key": "incoming/mentors-ukraine-2024-11.csv",
            "version_id": f"v{self._number}" if values.get("state") != "waiting" else None,
            "file_name": "mentors-ukraine-2024-11.csv",
            "created_at": NOW,
        }
        return UUID(str(self._insert("uploads", {**defaults, **values})))

    def batch(self, **values: Any) -> UUID:
        """A completed batch of 10 rows: 6 inserted, 1 updated, 1 skipped, 2 rejected; or as said."""
        self._number += 1
        status = values.get("status", "completed")
        ended = status not in ("pending", "running")
        counts = {"inserted_rows": 6, "updated_rows": 1, "skipped_rows": 1, "error_rows": 2} if ended else {}
        defaults = {
            "program_type": "mentors_ukraine",
            "file_name": "mentors-ukraine-2024-11.csv",
            "file_hash": f"{self._number:064x}",
            "file_size_bytes": 1234,
            "status": status,
            "imported_by": "ole@example.org",
            "format": {},
            "csv_metadata": {"delimiter": ",", "encoding": "utf-8", "headers": ["session_id"], "rowCount": 10},
            "total_rows": 10,
            "created_at": NOW,
            "started_at": None if status == "pending" else NOW + timedelta(seconds=1),
            "completed_at": NOW + timedelta(seconds=2) if ended else None,
            "undone_at": NOW + timedelta(days=1) if status == "undone" else None,
            "failure_reason": "every row was rejected" if status == "failed" else None,
            **counts,
        }
        upload_id = values.pop("upload_id", None) or self.upload(created_at=values.get("created_at", NOW))
        return UUID(str(self._insert("ingestion_batches", {**defaults, "upload_id": upload_id, **values})))

    def chunk(self, batch_id: UUID, number: int, **values: Any) -> None:
        """A planned chunk of 5 rows, or as said."""
        defaults = {"number": number, "span": {}, "first_row": 5 * number + 1, "rows": 5}
        self._insert("chunks", {"batch_id": batch_id, **defaults, **values})

    def instance(self, slug: str, program_type: str = "mentors_ukraine") -> int:
        """A programme instance."""
        return int(self._insert("program_instances", {"slug": slug, "program_type": program_type, "name": slug}))

    def user(self, email: str, role: str = "participant", **values: Any) -> int:
        """A person."""
        return int(self._insert("users", {"email": email, "role": role, **values}))

    def session(
        self,
        batch_id: UUID,
        row: int,
        instance: int,
        people: tuple[int, int],
        inserted_by: tuple[UUID, int] | None = None,
        **values: Any,
    ) -> int:
        """A session as this row left it; *inserted_by* is the batch and row that inserted it, if that is another."""
        if inserted_by is None:
            inserted_by = (batch_id, row if values.get("version", 1) == 1 else row + FAR_ROWS)
        first_id = self.db.run("SELECT first_session_id(:id)", id=inserted_by[0])[0][0]
        defaults = {
            "id": first_id + inserted_by[1],
            "participant_id": people[0],
            "volunteer_id": people[1],
            "scheduled_at": NOW,
            "row_number": row,
            "line": row + 1,
            "version": 1,
            "program_type": "mentors_ukraine",
            "external_session_id": f"MS-{row}",
        }
        columns = {"batch_id": batch_id, "program_instance_id": instance, **defaults, **values}
        session_id = int(self._insert("kintell_sessions", columns))
        # Which a trigger does, where there is no replica's way past it.
        for person in {columns["participant_id"], columns["volunteer_id"]}:
            self._insert("batch_people", {"person_id": person, "batch_id": inserted_by[0]})
        return session_id

    def earlier(self, session_id: int, version: int, batch_id: UUID, row: int, instance: int, by: UUID) -> None:
        """A version of a session that a row of *by* replaced."""
        self._insert(
            "kintell_session_versions",
            {
                "session_id": session_id,
                "version": version,
                "program_instance_id": instance,
                "scheduled_at": NOW - timedelta(days=version),
                "batch_id": batch_id,
                "row_number": row,
                "line": row + 1,
                "replaced_by_batch": by,
                "replaced_by_row": 1,
                "replaced_at": NOW,
            },
        )

    def undo(self, batch_id: UUID, **values: Any) -> None:
        """A completed undo."""
        defaults = {
            "number": 1,
            "state": "completed",
            "requested_by": "ole@example.org",
            "requester_kind": "local",
            "reason": "the wrong file",
            "plan_hash": "0" * 64,
            "removes": 6,
            "restores": 1,
            "keeps": 0,
            "removed_rows": 6,
            "restored_rows": 1,
            "kept_rows": 0,
            "completed_at": NOW,
        }
        self._insert("undos", {"batch_id": batch_id, **defaults, **values})

    def overlap(self, batch_id: UUID, earlier: UUID) -> None:
        """What the file of a batch has in common with that of an earlier one."""
        counts = {"same_rows": 3, "changed_rows": 1, "changed_fields": {"rating": 1}}
        self.db.run("UPDATE ingestion_batches SET distinct_ids = 5 WHERE id IN (:one, :two)", one=batch_id, two=earlier)
        self._insert("batch_overlaps", {"batch_id": batch_id, "earlier_batch_id": earlier, **counts})

    def verification(self, batch_id: UUID) -> None:
        """A completed comparison of a batch with its file, in the background."""
        self._insert(
            "verifications",
            {
                "batch_id": batch_id,
                "state": "completed",
                "completed_at": NOW,
                "checked_rows": 3,
                "differing_values": 0,
            },
        )

    def audit(self, action: str, **values: Any) -> None:
        """A row of the audit trail."""
        self._insert("audit_logs", {"actor": "ole@example.org", "action": action, **values})
