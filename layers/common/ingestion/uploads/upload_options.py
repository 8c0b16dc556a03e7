"""An uploader's options, and their form as S3 object metadata (`x-amz-meta-*`).

S3 carries ASCII only, so the API percent-encodes other characters and intake decodes them. Metadata set by hand is read
leniently, but an unreadable option refuses the upload: silently dropping one, such as `dry-run`, would do what nobody
asked for.
"""

import re
import unicodedata
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from math import isfinite
from typing import Any, Final, Self
from urllib.parse import quote, unquote
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.errors import RefusalCode, Refused
from ingestion.faults import Fault
from ingestion.uploads import option_names
from ingestion.values import emails
from ingestion.values.date_forms import DateOrder
from ingestion.values.dates import find_zone

MAX_METADATA_BYTES: Final = 2048
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html"""

PROGRAM_TYPE: Final = "programType"
"""Stored beside the options in an upload's record: the programme from the API's request, which the key has too."""

# Not ASCII, or changed on the way: the percent sign, `=?` (RFC 2047), and spaces that S3 collapses.
_TO_ENCODE = re.compile(r"[^ -~]|%|(?<==)\?|^ | $|(?<= ) ")
_RFC_2047 = re.compile(r"=\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=")
# Hangul fillers: letters by category, but invisible.
_UNSEEN: Final = "\u115f\u1160"
_SWITCH: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def encode_metadata(text: str) -> str:
    """Encode a text in ASCII; `decode_metadata` restores it."""
    return _TO_ENCODE.sub(lambda found: quote(found.group(), safe=""), text)


def decode_metadata(text: str) -> str:
    """Decode a metadata value, encoded by us or, as S3 does with other values, by RFC 2047.

    Removes NULs and half surrogate pairs, which can't be stored.
    """
    return _decoded(text).replace("\0", "").encode("utf-8", "replace").decode()


def _decoded(text: str) -> str:
    if _RFC_2047.search(text):
        try:
            return str(make_header(decode_header(text)))
        except (HeaderParseError, LookupError, UnicodeDecodeError, ValueError):
            return text
    return unquote(text)


PROMISED_BATCH = "promisedBatch"
"""In the record of an upload that the API makes itself: the id that its batch will have."""
_NO_OPTIONS = (PROGRAM_TYPE, PROMISED_BATCH)


def is_reason(text: str | None) -> bool:
    """Whether the text has a visible letter or digit, so that its reader reads something."""
    return any(char.isalnum() and char not in _UNSEEN for char in unicodedata.normalize("NFKC", text or ""))


class UploadOptions(BaseModel):
    """The options of one upload. Whether `force` has the reason that it needs is checked where it is used."""

    model_config = ConfigDict(frozen=True)

    force: bool = False
    force_reason: str | None = None
    imported_by: str | None = None
    """Who the uploader claims to be."""
    program_instance: str | None = None
    """A slug, not yet checked."""
    parent_batch: UUID | None = None
    dry_run: bool = False
    max_error_percent: float | None = None
    date_order: DateOrder | None = None
    time_zone: str | None = None
    """The IANA name of an existing zone."""

    @property
    def is_forced(self) -> bool:
        """Whether the file is to be imported again, with a reason."""
        return self.force and is_reason(self.force_reason)

    @classmethod
    def from_metadata(cls, metadata: dict[str, str]) -> Self:
        """Read object metadata, with names without `x-amz-meta-`. Raises Refused.

        `option_names` decides which name means which option; other names are ignored.
        """
        texts = option_names.by_name({name: decode_metadata(value).strip() for name, value in metadata.items()})
        given = {name: text for name, text in texts.items() if text}
        return cls(
            force=_switch("force", given),
            force_reason=given.get("force-reason"),
            imported_by=_address("imported-by", given),
            program_instance=given.get("program-instance"),
            parent_batch=_parent("parent-batch", given),
            dry_run=_switch("dry-run", given),
            max_error_percent=_percent("max-error-percent", given),
            date_order=_order("date-order", given),
            time_zone=_zone("time-zone", given),
        )

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> Self:
        """Read what `to_stored` wrote."""
        return cls.from_metadata(
            {name: encode_metadata(text) for name, text in stored.items() if name not in _NO_OPTIONS}
        )

    def to_stored(self) -> dict[str, str]:
        """Return the given options by the same names, as readable texts for the upload's record."""
        return {name: decode_metadata(text) for name, text in self.to_metadata().items()}

    def to_metadata(self) -> dict[str, str]:
        """Return the given options in ASCII, by name without `x-amz-meta-`."""
        values: dict[str, Any] = {
            "force": self.force or None,
            "force-reason": self.force_reason,
            "imported-by": self.imported_by,
            "program-instance": self.program_instance,
            "parent-batch": self.parent_batch,
            "dry-run": self.dry_run or None,
            "max-error-percent": self.max_error_percent,
            "date-order": self.date_order,
            "time-zone": self.time_zone,
        }
        return {
            name: "true" if value is True else encode_metadata(str(value))
            for name, value in values.items()
            if value is not None
        }


def metadata_bytes(metadata: dict[str, str]) -> int:
    """Return the size that S3 limits to `MAX_METADATA_BYTES`."""
    return sum(len(f"x-amz-meta-{name}") + len(value.encode()) for name, value in metadata.items())


def _invalid(name: str, text: str, wrong: str) -> Refused:
    return Refused(RefusalCode.INVALID_OPTION, f'The option {name} is "{text}", which {wrong}.')


def _switch(name: str, given: dict[str, str]) -> bool:
    text = given.get(name, "false")
    if text.lower() not in _SWITCH:
        raise _invalid(name, text, "is neither true nor false")
    return _SWITCH[text.lower()]


def _percent(name: str, given: dict[str, str]) -> float | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        percent = float(text.removesuffix("%").strip().replace(",", "."))
    except ValueError:
        percent = -1.0
    if not (isfinite(percent) and 0 <= percent <= 100):
        raise _invalid(name, text, "is not a number from 0 to 100")
    return percent


def _address(name: str, given: dict[str, str]) -> str | None:
    address = emails.email(name, given.get(name, ""))
    if isinstance(address, Fault):
        raise _invalid(name, given[name], "is not an email address")
    return address


def _order(name: str, given: dict[str, str]) -> DateOrder | None:
    text = given.get(name)
    try:
        return DateOrder(text.lower().replace("_", "-")) if text else None
    except ValueError as wrong:
        raise _invalid(name, text or "", f"is neither {' nor '.join(DateOrder)}") from wrong


def _zone(name: str, given: dict[str, str]) -> str | None:
    text = given.get(name)
    try:
        return find_zone(text).key if text else None
    except ValueError as wrong:
        raise _invalid(name, text or "", "is not an IANA time zone such as Europe/Oslo") from wrong


def _parent(name: str, given: dict[str, str]) -> UUID | None:
    text = given.get(name)
    try:
        return UUID(text) if text else None
    except ValueError as wrong:
        raise Refused(
            RefusalCode.NO_SUCH_PARENT_BATCH,
            f'There is no batch "{given[name]}" for this file to correct; give the id of the batch that it corrects.',
        ) from wrong
