"""What a file is: read once from its first byte to its last, then identified by its programme and instance."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ingestion.aws import object_keys, s3
from ingestion.config import Settings
from ingestion.csv_file.file_pass import FilePass, ScannedFile
from ingestion.csv_file.framing import Limits
from ingestion.database.connection import Connection
from ingestion.database.tables.batches import Parent
from ingestion.database.tables.uploads import Arrival
from ingestion.errors import RefusalCode, Refused
from ingestion.records import PROGRAMMES, get_programme
from ingestion.rows.columns import ColumnPlan, plan_columns
from ingestion.source import Source
from ingestion.uploads.identification import Instance, Key, programme_of_slug, read_key
from ingestion.uploads.upload_options import UploadOptions
from ingestion.values.dates import declared_of
from intake.identify import Choice, InstanceQuestion, choose_instance, choose_programme, refuse_other_program
from intake.parent_batch import find_slashed, inherited, named_parent, parent_of_rows, refuse_parent_of_other_programme


def known_headers() -> frozenset[str]:
    """What the columns of any programme may be called."""
    columns = (column for programme in PROGRAMMES.values() for column in programme.columns)
    return frozenset(name for column in columns for name in (column.name, *column.aliases))


@dataclass(slots=True)
class Examination:
    """A file being examined; its hash is known before anything else, also of a file that is refused."""

    arrival: Arrival
    upload_id: UUID
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file is and whose it is."""

    arrival: Arrival
    key: Key
    scanned: ScannedFile
    work_key: str | None
    plan: ColumnPlan
    programme: Choice[str]
    instance: Choice[Instance | int | None]
    parent: Parent | None
    """Whose rejected rows the file brings back."""
    options: UploadOptions
    """What the uploader says, and what the parent's uploader said where this one is silent."""

    @property
    def is_of_parents_programme(self) -> bool:
        """Whether the batch becomes a child of its parent."""
        return self.parent is not None and self.parent.program_type == self.programme.value


def examine(examination: Examination, options: UploadOptions, db: Connection, settings: Settings) -> Examined:
    """Read and identify the file. Raises Refused, Unavailable."""
    arrival = examination.arrival
    key = _key(arrival, options)
    parent = named_parent(options, db)
    _check_size(arrival, settings)
    scanned, work_key = _scan(examination, settings)
    source = _source(arrival, scanned, work_key, settings)
    parent = parent or parent_of_rows(source, scanned, db)
    options = inherited(options, parent)
    programme = choose_programme(key, parent.program_type if parent else None, source, scanned)
    if parent:
        refuse_parent_of_other_programme(parent, programme.value, scanned.format.header)
    elif not options.is_forced:
        refuse_other_program(programme, scanned.format.header)
    scanned = _with(scanned, fills_short_rows=get_programme(programme.value).fills_short_rows)
    declared = declared_of(options.date_order, options.time_zone)
    plan = plan_columns(scanned.format.header, get_programme(programme.value), declared, corrects=parent is not None)
    if parent:
        scanned = _with(scanned, slashed=find_slashed(source, scanned, plan))
    question = InstanceQuestion(
        explicit=options.program_instance or key.slug,
        file_name=key.file_name,
        plan=plan,
        source=source,
        scanned=scanned,
    )
    is_child = parent is not None and parent.program_type == programme.value
    instance = choose_instance(question, parent.program_instance_id if parent and is_child else None, db)
    return Examined(arrival, key, scanned, work_key, plan, programme, instance, parent, options)


def _key(arrival: Arrival, options: UploadOptions) -> Key:
    """What the uploader says: by the key, or by the slug of an instance, whose programme needs no other name."""
    key = read_key(arrival.key)
    return key if key.program_type else key._replace(program_type=programme_of_slug(options.program_instance or ""))


def _check_size(arrival: Arrival, settings: Settings) -> None:
    if arrival.size_bytes > settings.max_file_bytes:
        raise Refused(
            RefusalCode.TOO_LARGE,
            f"The file has {arrival.size_bytes:,} bytes, at most {settings.max_file_bytes:,} are taken; "
            "split it into several files.",
        )


def _scan(examination: Examination, settings: Settings) -> tuple[ScannedFile, str | None]:
    """One pass over the object. What can't be cut by its bytes is written unpacked; the key of that, if so."""
    arrival = examination.arrival
    work_key = object_keys.unpacked(examination.upload_id)
    writer = s3.MultipartWriter(settings.work_bucket, work_key)
    limits = Limits(chunk=settings.chunk_bytes, unpacked=settings.max_file_bytes)
    one_pass = FilePass(limits, known_headers(), writer.write)
    try:
        for block in s3.blocks_ahead(arrival.bucket, arrival.key, arrival.version_id):
            one_pass.feed(block)
        scanned = one_pass.finish()
    except s3.NoSuchFile as gone:
        raise Refused(RefusalCode.EMPTY_FILE, "The file was deleted before it was read; upload it again.") from gone
    except BaseException:
        writer.abandon()
        raise
    examination.sha256 = scanned.sha256
    if scanned.transformed:
        writer.finish()
    return scanned, work_key if scanned.transformed else None


def _with(scanned: ScannedFile, **facts: Any) -> ScannedFile:
    """The file with more facts of its format."""
    return scanned.model_copy(update={"format": scanned.format.model_copy(update=facts)})


def _source(arrival: Arrival, scanned: ScannedFile, work_key: str | None, settings: Settings) -> Source:
    if work_key:
        return Source(bucket=settings.work_bucket, key=work_key, version_id=None, format=scanned.format)
    return Source(bucket=arrival.bucket, key=arrival.key, version_id=arrival.version_id, format=scanned.format)
