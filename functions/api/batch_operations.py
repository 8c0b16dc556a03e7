"""What somebody may do to an import, beside uploading its file."""

from uuid import UUID

from api.problems import Problem, ProblemCode
from api.routing import must_exist
from ingestion.database.connection import Connection, transaction
from ingestion.database.tables import audit, batch_states, batches
from ingestion.sign_in.actors import Actor


def cancel(db: Connection, batch_id: UUID, actor: Actor) -> None:
    """Ask whatever step is at work to stop, take back what was published and fail the batch. Raises Problem."""
    must_exist(db, batch_id)
    with transaction(db):
        if batch_states.cancel(db, batch_id):
            audit.write(db, actor=actor, action="import_cancelled", batch_id=batch_id)
        elif batches.get(db, batch_id).has_ended:
            raise Problem(ProblemCode.ALREADY_ENDED, f"Batch {batch_id} has ended; nothing was changed.")
