"""audit_logs: who did what to which resource, and when. Append-only, without personal data of participants."""

from typing import Any, Final, Literal
from uuid import UUID

from ingestion.database.connection import Connection, to_json
from ingestion.sign_in.actors import SYSTEM, Actor

Action = Literal[
    "upload_received",
    "upload_refused",
    "import_started",
    "import_completed",
    "import_failed",
    "import_forced",
    "error_file_created",
    "error_file_downloaded",
    "error_file_deleted",
    "batch_archived",
    "batch_verified",
    "import_cancelled",
    "import_undone",
    "import_corrected",
    "import_retried",
    "rejected_rows_shown",
    "original_row_shown",
    "upload_deleted",
    "person_looked_up",
]

SERVICE: Final = SYSTEM
"""The actor of what the system does by itself."""


def write(
    db: Connection,
    *,
    actor: Actor,
    action: Action,
    upload_id: UUID | None = None,
    batch_id: UUID | None = None,
    person_id: UUID | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add one row. Its resource is the upload if given, else the person (by our id), else the batch."""
    db.run(
        """
        INSERT INTO audit_logs (actor, actor_kind, actor_issuer, actor_subject, action, resource_type, resource_id,
                                batch_id, details)
        VALUES (:actor, :kind, :issuer, :subject, :action, :resource_type, :resource_id, :batch_id,
                CAST(:details AS jsonb))
        """,
        actor=actor.name,
        kind=actor.kind.value,
        issuer=actor.issuer,
        subject=actor.subject,
        action=action,
        resource_type="upload" if upload_id else "person" if person_id else "batch",
        resource_id=upload_id or person_id or batch_id,
        batch_id=batch_id,
        details=to_json(details or {}),
    )
