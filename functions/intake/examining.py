"""What a file is: read once from its first byte to its last, then identified by its programme and instance."""

from dataclasses import dataclass
from uuid import UUID

from ingestion import files, paths
from ingestion.columns import ColumnPlan, plan_columns
from ingestion.config import Settings
from ingestion.dates import declared_of
from ingestion.db import Connection
from ingestion.errors import RefusalCode, Refused
from ingestion.framing import Limits
from ingestion.naming import Instance, Key, programme_of_slug, read_key
from ingestion.programmes import PROGRAMMES, Programme, get_programme
from ingestion.scanning import FilePass, ScannedFile
from ingestion.source import Source
from ingestion.tables import batches
from ingestion.tables.uploads import Arrival
from ingestion.upload_options import UploadOptions
from intake.identifying import Choice, InstanceQuestion, choose_instance, choose_programme, refuse_other_program

KNOWN_HEADERS = frozenset(
    name for programme in PROGRAMMES.values() for column in programme.columns for name in (column.name, *column.aliases)
)


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
    parent: UUID | None


def examine(examination: Examination, options: UploadOptions, db: Connection, settings: Settings) -> Examined:
    """Read and identify the file. Raises Refused, Unavailable."""
    arrival = examination.arrival
    key = _key(arrival, options)
    parent = _parent(options, key.program_type, db)
    _check_size(arrival, settings)
    scanned, work_key = _scan(examination, settings)
    source = _source(arrival, scanned, work_key, settings)
    programme = choose_programme(key, parent[0] if parent else None, source, scanned)
    if not options.is_forced:
        refuse_other_program(programme, scanned.format.header)
    scanned = _read_as(get_programme(programme.value), scanned)
    declared = declared_of(options.date_order, options.time_zone)
    plan = plan_columns(scanned.format.header, get_programme(programme.value), declared)
    question = InstanceQuestion(
        explicit=options.program_instance or key.slug,
        file_name=key.file_name,
        plan=plan,
        source=source,
        scanned=scanned,
    )
    instance = choose_instance(question, parent[1] if parent else None, db)
    return Examined(arrival, key, scanned, work_key, plan, programme, instance, options.parent_batch)


def _key(arrival: Arrival, options: UploadOptions) -> Key:
    """What the uploader says: by the key, or by the slug of an instance, whose programme needs no other name."""
    key = read_key(arrival.key)
    return key if key.program_type else key._replace(program_type=programme_of_slug(options.program_instance or ""))


def _parent(options: UploadOptions, program_type: str | None, db: Connection) -> tuple[str, int | None] | None:
    """Programme and instance of the batch that the file is said to correct, which is one of the programme given."""
    if options.parent_batch is None:
        return None
    parent = batches.find_parent(db, options.parent_batch)
    if parent is None:
        raise Refused(
            RefusalCode.NO_SUCH_PARENT_BATCH,
            f"There is no batch {options.parent_batch}; name the batch whose error file this corrects, or none.",
        )
    if program_type not in (None, parent[0]):
        raise Refused(
            RefusalCode.NO_SUCH_PARENT_BATCH,
            f"Batch {options.parent_batch} is one of {parent[0]}, not of {program_type}; "
            "name a batch of the same programme, or none.",
        )
    return parent


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
    work_key = paths.unpacked(examination.upload_id)
    writer = files.MultipartWriter(settings.work_bucket, work_key)
    limits = Limits(chunk=settings.chunk_bytes, unpacked=settings.max_file_bytes)
    one_pass = FilePass(limits, KNOWN_HEADERS, writer.write)
    try:
        for block in files.blocks_ahead(arrival.bucket, arrival.key, arrival.version_id):
            one_pass.feed(block)
        scanned = one_pass.finish()
    except files.NoSuchFile as gone:
        raise Refused(RefusalCode.EMPTY_FILE, "The file was deleted before it was read; upload it again.") from gone
    except BaseException:
        writer.abandon()
        raise
    examination.sha256 = scanned.sha256
    if scanned.transformed:
        writer.finish()
    return scanned, work_key if scanned.transformed else None


def _read_as(programme: Programme, scanned: ScannedFile) -> ScannedFile:
    """The file, to be read as files of its programme are."""
    fmt = scanned.format.model_copy(update={"fills_short_rows": programme.fills_short_rows})
    return scanned.model_copy(update={"format": fmt})


def _source(arrival: Arrival, scanned: ScannedFile, work_key: str | None, settings: Settings) -> Source:
    if work_key:
        return Source(bucket=settings.work_bucket, key=work_key, version_id=None, format=scanned.format)
    return Source(bucket=arrival.bucket, key=arrival.key, version_id=arrival.version_id, format=scanned.format)
