"""Identifies a file: the batch that it corrects, its programme, its columns, its programme instance."""

from dataclasses import dataclass
from typing import Any

from ingestion.csv_file.file_pass import ScannedFile
from ingestion.database.connection import Connection
from ingestion.database.tables.batches import Parent
from ingestion.database.tables.uploads import Arrival
from ingestion.records import get_programme
from ingestion.rows.columns import ColumnPlan, plan_columns
from ingestion.uploads.identification import Instance, Key, instance_of_slug, programme_of_slug, read_key
from ingestion.uploads.upload_options import UploadOptions
from ingestion.values.dates import declared_of
from intake.examine import Examined
from intake.parent_batch import (
    find_parent,
    find_slashed,
    find_typed,
    inherited,
    named_parent,
    refuse_parent_of_other_programme,
)
from intake.programme_and_instance import (
    Choice,
    InstanceQuestion,
    choose_instance,
    choose_programme,
    refuse_other_program,
)


@dataclass(frozen=True, slots=True)
class Claims:
    """What the uploader says about a file, known before it is read."""

    key: Key
    options: UploadOptions
    parent: Parent | None
    """The batch whose rejected rows the file brings back."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A file's parent, programme, columns and instance."""

    key: Key
    options: UploadOptions
    """The uploader's options, completed from those of the parent batch."""
    scanned: ScannedFile
    work_key: str | None
    parent: Parent | None
    programme: Choice[str]
    plan: ColumnPlan
    instance: Choice[Instance | int | None]

    @property
    def is_of_parents_programme(self) -> bool:
        """Whether the batch becomes a child of its parent."""
        return self.parent is not None and self.parent.program_type == self.programme.value


def read_claims(arrival: Arrival, options: UploadOptions, db: Connection) -> Claims:
    """Read the claims from the key, a slug, which implies its programme, or the parent batch. Raises Refused."""
    key = read_key(arrival.key)
    if not key.program_type:
        key = key._replace(program_type=programme_of_slug(options.program_instance or ""))
    return Claims(key, options, named_parent(options, db))


def identify(examined: Examined, claims: Claims, db: Connection) -> Identified:
    """Identify the file. Raises Refused, Unavailable."""
    key, source, scanned = claims.key, examined.source, examined.scanned
    parent = find_parent(claims.parent, source, scanned, db)
    options = inherited(claims.options, parent)
    programme = choose_programme(key, parent.program_type if parent else None, source, scanned)
    if parent:
        refuse_parent_of_other_programme(parent, programme.value, scanned.format.header)
    elif not options.is_forced:
        refuse_other_program(programme, scanned.format.header)
    scanned = _with(scanned, fills_short_rows=get_programme(programme.value).fills_short_rows)
    declared = declared_of(options.date_order, options.time_zone)
    plan = plan_columns(scanned.format.header, get_programme(programme.value), declared, corrects=parent is not None)
    if parent:
        slashed, typed = find_slashed(source, scanned, plan), find_typed(source, scanned, plan)
        scanned = _with(scanned, slashed=slashed, typed=typed)
    question = InstanceQuestion(
        explicit=options.program_instance or key.slug,
        file_name=key.file_name,
        plan=plan,
        source=source,
        scanned=scanned,
    )
    is_child = parent is not None and parent.program_type == programme.value
    instance = choose_instance(question, _instance_of(parent) if parent and is_child else None, db)
    return Identified(key, options, scanned, examined.work_key, parent, programme, plan, instance)


def _instance_of(parent: Parent) -> Instance | int | None:
    """The parent's instance; of a dry run, which creates none, the one that it would have created."""
    if parent.planned_instance and parent.program_instance_id is None:
        return instance_of_slug(parent.planned_instance, parent.program_type)
    return parent.program_instance_id


def _with(scanned: ScannedFile, **facts: Any) -> ScannedFile:
    """The file with more details of its format."""
    return scanned.model_copy(update={"format": scanned.format.model_copy(update=facts)})
