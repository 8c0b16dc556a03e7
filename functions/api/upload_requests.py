"""A request to upload a file, and the checks that tell whether intake would accept it."""

import re
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator

from api.schemas import Shape
from ingestion.database.connection import Connection
from ingestion.database.queries import lists
from ingestion.database.tables import batches
from ingestion.errors import RefusalCode, Refused
from ingestion.records import PROGRAMMES
from ingestion.uploads.identification import (
    INCOMING,
    get_programme_of_alias,
    instance_of_slug,
    programme_of_slug,
    read_key,
)
from ingestion.uploads.upload_links import UploadLink
from ingestion.uploads.upload_options import MAX_METADATA_BYTES, PROGRAM_TYPE, UploadOptions, is_reason, metadata_bytes
from ingestion.uploads.upload_parts import MOST_BYTES
from ingestion.values.date_forms import DateOrder
from ingestion.values.dates import find_zone

MAX_KEY_BYTES: Final = 1024
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""

REFUSALS: Final = (
    RefusalCode.NOT_CSV,
    RefusalCode.TOO_LARGE,
    RefusalCode.UNKNOWN_PROGRAM,
    RefusalCode.UNKNOWN_PROGRAM_INSTANCE,
    RefusalCode.NO_SUCH_PARENT_BATCH,
    RefusalCode.INVALID_OPTION,
)

_NOT_IN_A_NAME = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")

Text = Annotated[str, Field(min_length=1)]


class UploadRequest(Shape):
    """The uploader's name for the file, and the options of its import."""

    model_config = ConfigDict(extra="forbid")

    file_name: Annotated[str, Field(min_length=1, max_length=255)]
    program_type: Text | None = None
    program_instance: Text | None = None
    size_bytes: Annotated[int, Field(ge=0)] | None = None
    force: bool = False
    force_reason: str | None = None
    parent_batch_id: UUID | None = None
    dry_run: bool = False
    max_error_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    date_order: DateOrder | None = None
    time_zone: Text | None = None

    @field_validator("file_name")
    @classmethod
    def is_a_name_only(cls, name: str) -> str:
        """The folders are chosen here."""
        if _NOT_IN_A_NAME.search(name):
            raise ValueError("write the name alone, without slashes and control characters")
        return name

    @field_validator("time_zone")
    @classmethod
    def is_a_zone(cls, name: str | None) -> str | None:
        """The zone's IANA name."""
        return find_zone(name).key if name is not None else None

    @field_validator("program_type", "program_instance", "force_reason")
    @classmethod
    def is_storable(cls, text: str | None) -> str | None:
        """PostgreSQL cannot store NUL."""
        if text is not None and "\0" in text:
            raise ValueError("it holds a NUL character")
        return text.strip() if text is not None else None


class Accepted(NamedTuple):
    """Where the file goes, the options of its import, and the link that may upload it."""

    key: str
    program_type: str | None
    options: UploadOptions
    link: UploadLink

    def as_signed(self) -> dict[str, str]:
        """The metadata of the object."""
        return {**self.options.to_metadata(), **self.link.to_metadata()}

    def as_stored(self) -> dict[str, str | None]:
        """The options as the upload's record keeps them, where intake reads them."""
        return {PROGRAM_TYPE: self.program_type, **self.options.to_stored()}


def check(db: Connection, request: UploadRequest, max_file_bytes: int) -> Accepted:
    """Where the file goes. Raises Refused if intake would certainly refuse it on arrival."""
    most_bytes = min(max_file_bytes, MOST_BYTES)
    if request.size_bytes is not None and request.size_bytes > most_bytes:
        limit = f"the limit is {most_bytes:,}"
        raise Refused(RefusalCode.TOO_LARGE, f"The file has {request.size_bytes:,} bytes; {limit}.")
    if request.force and not is_reason(request.force_reason):
        raise Refused(
            RefusalCode.INVALID_OPTION, "Using force requires a forceReason, which says why the file is imported again."
        )
    options = UploadOptions(
        force=request.force,
        force_reason=request.force_reason or None,
        program_instance=request.program_instance,
        parent_batch=request.parent_batch_id,
        dry_run=request.dry_run,
        max_error_percent=request.max_error_percent,
        date_order=request.date_order,
        time_zone=request.time_zone,
    )
    program_type = _programme(db, request)
    _check_parent(db, request.parent_batch_id, program_type)
    accepted = Accepted(_key(program_type, request), program_type, options, UploadLink.new())
    if metadata_bytes(accepted.as_signed()) > MAX_METADATA_BYTES:
        raise Refused(RefusalCode.INVALID_OPTION, "The option forceReason is too long; shorten it.")
    return accepted


def _check_parent(db: Connection, batch_id: UUID | None, program_type: str | None) -> None:
    """Raises Refused if there is no such batch, or it belongs to another programme."""
    if batch_id is None:
        return
    parent = batches.find_parent(db, batch_id)
    if parent is None:
        raise Refused(RefusalCode.NO_SUCH_PARENT_BATCH, f"There is no batch {batch_id} to correct.")
    if program_type not in (None, parent.program_type):
        raise Refused(
            RefusalCode.NO_SUCH_PARENT_BATCH,
            # Doesn't name the batch's programme: the right to upload gives no right to read batches.
            f"Batch {batch_id} is not one of {program_type}; name a batch of the same programme, or none.",
        )


def _programme(db: Connection, request: UploadRequest) -> str | None:
    """The programme that is named or that the instance belongs to; None if only the file can tell. Raises Refused."""
    named = get_programme_of_alias(request.program_type) if request.program_type is not None else None
    slug = request.program_instance
    if slug is None:
        return named
    owner = lists.find_programme_of_instance(db, slug)
    program_type = named or owner or programme_of_slug(slug)
    # If the programme isn't known yet, any will do to check that this is a slug at all.
    instance_of_slug(slug, program_type or next(iter(PROGRAMMES)))
    if owner not in (None, program_type):
        raise Refused(
            RefusalCode.UNKNOWN_PROGRAM_INSTANCE, f'"{slug}" is an instance of {owner}, not of {program_type}.'
        )
    return program_type


def _key(program_type: str | None, request: UploadRequest) -> str:
    folders = [program_type, request.program_instance] if program_type else []
    key = INCOMING + "/".join([*filter(None, folders), request.file_name])
    if len(key.encode()) > MAX_KEY_BYTES:
        raise Refused(RefusalCode.INVALID_OPTION, "The file's name is too long; shorten it.")
    # Intake reads the key in the same way; this refuses other suffixes.
    read_key(key)
    return key
