"""Looks up the people whom sessions name by email: known ones give an id, unknown ones a fault of the row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from uuid import UUID

from ingestion.config import UnknownUsers
from ingestion.database.connection import Connection
from ingestion.database.tables import people
from ingestion.database.tables.rejected_rows import Retryable
from ingestion.faults import Fault, RawRows, Reject
from ingestion.records import Field
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.formulas import restore
from ingestion.rows.validation import Remembered, Validated
from ingestion.values.lookalikes import noted

MOST_REMEMBERED = 50_000
"""Beyond so many people, about ten megabytes, everything is forgotten."""


@dataclass(slots=True)
class Acquaintances:
    """What a process has learned about the people in a file, kept for the next chunks of the same file.

    A known person is remembered for one execution, until a chunk is staged again: if they are removed meanwhile, the
    merge has all chunks staged again, and those ask anew. An unknown person is remembered for one chunk only.
    """

    of: tuple[UUID, str]
    """The batch and its execution."""
    ids: dict[str, str] = field(default_factory=dict)
    """By email, as text."""
    readings: Remembered = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many emails and cell texts are remembered."""
        return len(self.ids) + sum(map(len, self.readings.values()))


_last: list[Acquaintances] = []


def acquaintances(batch_id: UUID, execution: str, *, is_again: bool = False) -> Acquaintances:
    """What this process has learned from earlier chunks of the same execution; nothing if *is_again*."""
    of = (batch_id, execution)
    if is_again or not _last or _last[0].of != of or _last[0].count > MOST_REMEMBERED:
        _last[:] = [Acquaintances(of)]
    return _last[0]


class People:
    """The known people, looked up once per email."""

    def __init__(self, db: Connection, unknown_users: UnknownUsers, known: Acquaintances) -> None:
        self._db = db
        self.creates = unknown_users is UnknownUsers.CREATE
        self._looked_up: set[str] = set()
        self.ids = known.ids
        self.readings = known.readings
        self.retryable = Retryable()

    def check(self, validated: Validated, raw_rows: RawRows, plan: ColumnPlan) -> tuple[Validated, list[Reject]]:
        """Split the rows: records of known people, and rejects, to which the faults of unknown people are added."""
        people = plan.programme.record.people
        if not people:
            return validated, validated.rejects
        named = set().union(*(validated.columns[person.staged] for person in people))
        named_by_rejects = _emails(validated, plan)
        wanted = named.union(filter(None, chain(*named_by_rejects)))
        self._look_up(wanted)
        if self.creates or wanted <= self.ids.keys():
            return validated, validated.rejects
        texts_of_rejects = zip(*(_texts_of(validated, plan, person) for person in people), strict=True)
        rejects = [
            Reject(reject.row, (*reject.faults, *unknown)) if (unknown := self._faults(emails, texts, plan)) else reject
            for reject, emails, texts in zip(validated.rejects, named_by_rejects, texts_of_rejects, strict=True)
        ]
        if named <= self.ids.keys():
            return validated, rejects
        are_known = [
            self.ids.keys() >= set(emails)
            for emails in zip(*(validated.columns[person.staged] for person in people), strict=True)
        ]
        rows = {row.number: row for row in raw_rows.each()}
        strangers = validated.where([not is_known for is_known in are_known])
        self._note_retryable(strangers)
        rejects += [
            Reject(rows[number], self._faults(emails, texts, plan))
            for number, emails, texts in zip(
                strangers.columns["row_number"],
                zip(*(strangers.columns[person.staged] for person in people), strict=True),
                zip(*(strangers.cells[person.staged] for person in people), strict=True),
                strict=True,
            )
        ]
        return validated.where(are_known), rejects

    def _note_retryable(self, strangers: Validated) -> None:
        """Nothing else is wrong with these rows."""
        addresses = [strangers.columns[person.staged] for person in strangers.record.people]
        self.retryable.row_numbers += strangers.columns["row_number"]
        self.retryable.keys += strangers.columns[strangers.record.key.staged]
        self.retryable.people += map(" ".join, zip(*addresses, strict=True))

    def _look_up(self, emails: set[str]) -> None:
        new = emails - self.ids.keys() - self._looked_up
        if new:
            self._looked_up |= new
            self.ids.update(people.ids_of(self._db, sorted(new)))

    def _faults(self, emails: Sequence[str | None], texts: Sequence[str], plan: ColumnPlan) -> tuple[Fault, ...]:
        """The faults of a row with these cells *texts*."""
        people = plan.programme.record.people
        return tuple(
            [
                _unknown(person, plan, email, text)
                for person, email, text in zip(people, emails, texts, strict=True)
                if email is not None and email not in self.ids
            ]
        )


def _unknown(person: Field, plan: ColumnPlan, email: str, text: str) -> Fault:
    if person.role is None:
        raise ValueError(f"{person.name} is no person's address")
    field = plan.programme.column_of(person.staged).name
    message = f'{field}: "{email}" is not known; correct the address, or import the person first{noted(email)}'
    return Fault(person.role.not_found, field, message, text)


def _emails(validated: Validated, plan: ColumnPlan) -> list[tuple[str | None, ...]]:
    """The valid addresses in the rejects, for each person of the record."""
    people = plan.programme.record.people
    return list(zip(*(_emails_of(validated, plan, person) for person in people), strict=True))


def _emails_of(validated: Validated, plan: ColumnPlan, person: Field) -> list[str | None]:
    readings = validated.readings[person.staged]
    found = [readings[text] for text in _texts_of(validated, plan, person)]
    return [value if isinstance(value, str) else None for value in found]


def _texts_of(validated: Validated, plan: ColumnPlan, person: Field) -> list[str]:
    index = plan.indexes[plan.programme.column_of(person.staged).name]
    cells = [reject.row.cells[index] for reject in validated.rejects]
    return list(map(restore, cells)) if plan.is_error_file else cells
