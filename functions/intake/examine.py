"""Reads a file once, from its first byte to its last, to find its format before anything looks at its meaning."""

from dataclasses import dataclass
from uuid import UUID

from ingestion.aws import object_keys, s3
from ingestion.config import Settings
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass, ScannedFile
from ingestion.database.tables.uploads import Arrival
from ingestion.errors import RefusalCode, Refused
from ingestion.records import known_headers
from ingestion.source import Source
from ingestion.workbook.as_text import WorkbookText, is_workbook


@dataclass(slots=True)
class Examination:
    """A file being examined; the hash is known first, even if the file is then refused."""

    arrival: Arrival
    upload_id: UUID
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """A file's format, and where its text can be read again."""

    scanned: ScannedFile
    source: Source
    work_key: str | None
    """The key of the unpacked copy, if the file's own bytes can't be cut."""


def examine(examination: Examination, settings: Settings) -> Examined:
    """Read the file. Raises Refused, Unavailable."""
    _check_size(examination.arrival, settings)
    scanned, work_key = _scan(examination, settings)
    return Examined(scanned, _source(examination.arrival, scanned, work_key, settings), work_key)


def _check_size(arrival: Arrival, settings: Settings) -> None:
    if arrival.size_bytes > settings.max_file_bytes:
        raise Refused(
            RefusalCode.TOO_LARGE,
            f"The file has {arrival.size_bytes:,} bytes; the limit is {settings.max_file_bytes:,}. "
            "Split it into several files.",
        )


def _scan(examination: Examination, settings: Settings) -> tuple[ScannedFile, str | None]:
    """One pass over the object. A file that can't be cut by its bytes is copied unpacked; returns that copy's key."""
    arrival = examination.arrival
    work_key = object_keys.unpacked(examination.upload_id)
    writer = s3.MultipartWriter(settings.work_bucket, work_key)
    limits = Limits(chunk=settings.chunk_bytes, unpacked=settings.max_file_bytes)
    one_pass = FilePass(limits, known_headers(), writer.write, _workbook(arrival, limits))
    try:
        for block in s3.blocks_ahead(arrival.bucket, arrival.key, arrival.version_id):
            one_pass.feed(block)
        scanned = one_pass.finish()
    except s3.NoSuchFile as gone:
        raise Refused(
            RefusalCode.EMPTY_FILE, "The file was deleted before it could be read; upload it again."
        ) from gone
    except BaseException:
        writer.abandon()
        raise
    examination.sha256 = scanned.sha256
    if scanned.transformed:
        writer.finish()
    return scanned, work_key if scanned.transformed else None


def _workbook(arrival: Arrival, limits: Limits) -> WorkbookText | None:
    if not is_workbook(arrival.key):
        return None
    return WorkbookText(limits.unpacked, limits.unpacked_ratio).looks_for(known_headers())


def _source(arrival: Arrival, scanned: ScannedFile, work_key: str | None, settings: Settings) -> Source:
    if work_key:
        return Source(bucket=settings.work_bucket, key=work_key, version_id=None, format=scanned.format)
    return Source(bucket=arrival.bucket, key=arrival.key, version_id=arrival.version_id, format=scanned.format)
