"""Judge rows by the rules of an import without importing them: what would be wrong with each."""

from datetime import UTC, datetime

from ingestion.config import settings
from ingestion.database.connection import Connection
from ingestion.database.publishing.targets import target_of
from ingestion.database.tables.batches import Batch
from ingestion.faults import Fault, FaultCode, RawRows
from ingestion.known_people import Acquaintances, People
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.validation import Validated, validate
from ingestion.values.ratings import Scale


def faults_of(db: Connection, batch: Batch, plan: ColumnPlan, rows: RawRows) -> dict[int, tuple[Fault, ...]]:
    """What is wrong with each row that would be rejected, by its number; *plan* is that of the rows' cells."""
    scale = Scale(batch.rating_scale) if batch.rating_scale else None
    people = People(db, settings().unknown_users, Acquaintances((batch.id, "")))
    validated = validate(rows, plan, now=datetime.now(UTC), scale=scale, remembered=people.readings)
    valid, rejects = people.check(validated, rows, plan)
    found = {reject.row.number: reject.faults for reject in rejects}
    return found | _conflicts(db, batch, plan, valid, people)


def _conflicts(
    db: Connection, batch: Batch, plan: ColumnPlan, valid: Validated, people: People
) -> dict[int, tuple[Fault, ...]]:
    """The rows whose id is that of other people's record, stored or in an earlier row."""
    record, target = plan.programme.record, target_of(plan.programme.record)
    if not record.people:
        return {}
    keys = valid.columns[record.key.staged]
    named = zip(*(valid.columns[person.staged] for person in record.people), strict=True)
    owners = [tuple(people.ids.get(email, email) for email in emails) for emails in named]
    scope = " AND s.program_type = :program_type" if target.scope else ""
    stored = db.run(
        f"""
        SELECT s.{target.key}, {", ".join(f"s.{name}" for name in target.owners)}
          FROM {target.table} s
         WHERE s.{target.key} = ANY(CAST(:keys AS text[])){scope}
        """,
        keys=sorted(set(keys)),
        program_type=batch.program_type,
    )
    owner_of = {key: tuple(map(str, ids)) for key, *ids in stored}
    found: dict[int, tuple[Fault, ...]] = {}
    for number, key, ids in zip(valid.columns["row_number"], keys, owners, strict=True):
        if owner_of.setdefault(key, ids) != ids:
            field = plan.programme.key_column.name
            message = f"{field}: this is the id of a {record.name} of other people; correct the id or the addresses"
            found[number] = (Fault(FaultCode.ID_CONFLICT, field, message, key),)
    return found
