"""Chooses the programme and the instance of a file. The first source that has an answer wins, and is recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Generic, TypeVar

from ingestion.csv_file.file_pass import ScannedFile
from ingestion.database.connection import Connection
from ingestion.database.tables import programmes
from ingestion.errors import RefusalCode, Refused
from ingestion.faults import RawRow
from ingestion.records import PROGRAMMES, Kind, get_programme
from ingestion.records.programme import header_name
from ingestion.rows.columns import ColumnPlan, original_indexes
from ingestion.rows.validation import Validated, validate
from ingestion.source import Source
from ingestion.uploads.identification import (
    Instance,
    Key,
    instance_of_slug,
    is_of_own_form,
    other_programme_of_columns,
    own_columns,
    programme_of_columns,
    programme_of_ids,
    read_file_name,
    slug_of_ref,
)
from ingestion.values.spreadsheets import bare

Value = TypeVar("Value")

_GIVEN_BY = {
    "uploader": "uploaded for",
    "file_name": "named like a file of",
    "parent_batch": "uploaded as a correction for",
}
_IDS_TO_LOOK_AT = 100


@dataclass(frozen=True, slots=True)
class Choice(Generic[Value]):
    """A value, and the source that it was chosen from."""

    value: Value
    chosen_by: str


@dataclass(frozen=True, slots=True)
class InstanceQuestion:
    """Everything that may show which instance a file belongs to."""

    explicit: str | None
    file_name: str
    plan: ColumnPlan
    source: Source
    scanned: ScannedFile

    @property
    def program_type(self) -> str:
        """The programme that the instance must belong to."""
        return self.plan.programme.program_type


def choose_programme(key: Key, of_parent: str | None, source: Source, scanned: ScannedFile) -> Choice[str]:
    """The programme of a file. Raises Refused(UNKNOWN_PROGRAM)."""
    if key.program_type:
        return Choice(key.program_type, "uploader")
    if of_parent:
        return Choice(of_parent, "parent_batch")
    if named := read_file_name(key.file_name).program_type:
        return Choice(named, "file_name")
    if told := programme_of_columns(scanned.format.header):
        return Choice(told, "columns")
    if told := programme_of_ids(_first_ids(source, scanned)):
        return Choice(told, "session_ids")
    raise Refused(
        RefusalCode.UNKNOWN_PROGRAM,
        "Neither the file's name nor its columns nor its session ids identify the programme; "
        f"upload it to incoming/<program>/, where <program> is one of {', '.join(PROGRAMMES)}.",
    )


def refuse_other_program(programme: Choice[str], header: Sequence[str]) -> None:
    """Raise Refused(OTHER_PROGRAM) if the file's columns are another programme's, unless it is an error file."""
    if len(original_indexes(header)) < len(header):
        return
    other = other_programme_of_columns(header, programme.value)
    if other is None:
        return
    given, found = get_programme(programme.value), get_programme(other)
    given_by = _GIVEN_BY.get(programme.chosen_by, "read as a file of")
    raise Refused(
        RefusalCode.OTHER_PROGRAM,
        f"The file was {given_by} {given.name} ({given.program_type}), but its columns are those of {found.name} "
        f"({found.program_type}): {', '.join(own_columns(header, found))}. Upload it to {found.program_type}; if it "
        "is right as it is, upload it again with force and a reason.",
    )


def _first_ids(source: Source, scanned: ScannedFile) -> Iterator[str]:
    keys = {programme.key_column.name for programme in PROGRAMMES.values() if programme.id_prefixes}
    at = next((index for index, name in enumerate(scanned.format.header) if header_name(name) in keys), None)
    if at is None or not scanned.chunks:
        return iter(())
    rows = (row for row in source.rows(scanned.chunks[0]) if isinstance(row, RawRow))
    return (bare(row.cells[at]) for row in islice(rows, _IDS_TO_LOOK_AT))


def choose_instance(
    question: InstanceQuestion, of_parent: Instance | int | None, db: Connection
) -> Choice[Instance | int | None]:
    """The instance: a slug that is named, or the id of an existing one. Raises Refused(UNKNOWN_PROGRAM_INSTANCE)."""
    if question.explicit:
        return Choice(instance_of_slug(question.explicit, question.program_type), "uploader")
    if question.plan.programme.kind is Kind.PEOPLE:
        return Choice(None, "roster")
    if of_parent is not None:
        return Choice(of_parent, "parent_batch")
    if question.plan.instance_ref_index is not None and (instance := _of_column(question, db)):
        return Choice(instance, "column")
    if slug := read_file_name(question.file_name).slug:
        return Choice(instance_of_slug(slug, question.program_type), "file_name")
    if question.scanned.rows == 0:
        return Choice(None, "no_rows")
    return Choice(_by_dates(question, db), "session_dates")


def _of_column(question: InstanceQuestion, db: Connection) -> Instance | int | None:
    """The one instance that the file's rows name, if any; it must have the programme's own form or exist already.

    A cell's text is neither turned into a slug nor quoted in a message: in a shifted row it may be anything.
    """
    refs = {ref for validated in _validated(question) for ref in validated.instance_refs}
    slugs = {ref: slug_of_ref(ref) for ref in refs}
    if len(set(slugs.values())) > 1:
        raise _undecided(question, f"name {len(set(slugs.values()))} programme instances; upload one file for each")
    for ref, slug in slugs.items():
        if slug and is_of_own_form(slug, question.program_type):
            return instance_of_slug(slug, question.program_type)
        found = programmes.find_instance(db, slug, question.program_type) if slug else None
        if found is None:
            place = _place_of(question, ref)
            raise _undecided(
                question, f"name a programme instance{place} that {question.program_type} does not have; correct it"
            )
        return found
    return None


def _undecided(question: InstanceQuestion, what: str) -> Refused:
    return Refused(
        RefusalCode.UNKNOWN_PROGRAM_INSTANCE,
        f"The rows {what}, or say which one it is: incoming/{question.program_type}/<program-instance-slug>/<file>.",
    )


def _place_of(question: InstanceQuestion, ref: str) -> str:
    """The place of the first cell with this value."""
    index = question.plan.instance_ref_index
    for span in question.scanned.chunks:
        for row in question.source.rows(span):
            if index is not None and isinstance(row, RawRow) and ref in row.cells[index : index + 1]:
                return f" (row {row.number}, line {row.line}, column {index + 1})"
    return ""


def _by_dates(question: InstanceQuestion, db: Connection) -> int:
    """The one existing instance that covers all session dates."""
    span = _days(question)
    candidates = programmes.instances_around(db, question.program_type, *span) if span else []
    if len(candidates) == 1:
        return candidates[0][0]
    if span is None:
        why = "it has no row with a valid date"
    elif candidates:
        why = f"its sessions fall into several ({', '.join(slug for _, slug in candidates[:5])})"
    else:
        why = "no existing instance covers all of its session dates"
    raise Refused(
        RefusalCode.UNKNOWN_PROGRAM_INSTANCE,
        f"The file does not say which programme instance it belongs to, and {why}. Name it: upload to "
        f"incoming/{question.program_type}/<program-instance-slug>/<file>, or give the file a name such as "
        f"{question.plan.programme.slug_prefix}-2024-11.csv.",
    )


def _days(question: InstanceQuestion) -> tuple[date, date] | None:
    """The first and the last day of the valid sessions; None if there are none."""
    dated_by = question.plan.programme.record.dated_by
    if dated_by is None:
        return None
    ends = [
        (min(moments), max(moments))
        for validated in _validated(question)
        if (moments := [moment for moment in validated.columns[dated_by] if moment is not None])
    ]
    if not ends:
        return None
    zone = question.plan.declared.zone or UTC
    first, last = min(first for first, _ in ends), max(last for _, last in ends)
    return first.astimezone(zone).date(), last.astimezone(zone).date()


def _validated(question: InstanceQuestion) -> Iterator[Validated]:
    """Validate all rows of the file, a few thousand at a time."""
    now = datetime.now(UTC)
    for span in question.scanned.chunks:
        for block in question.source.blocks(span):
            yield validate(block.rows, question.plan, now=now, scale=None)
