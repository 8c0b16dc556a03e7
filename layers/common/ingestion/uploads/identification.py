"""Identify the programme and the programme instance of a file by its key, its name and its columns.

Names are compared in the `plain` form (lower-case, `_` between words), so case and separators don't matter.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from ingestion.errors import RefusalCode, Refused
from ingestion.records import PROGRAMMES, Kind, Programme, get_programme
from ingestion.records.programme import header_name, plain
from ingestion.uploads.file_names import FileName, read_file_name

__all__ = ["FileName", "read_file_name"]

INCOMING: Final = "incoming/"
ERROR_SUFFIX: Final = "-errors"

_SUFFIX = re.compile(r"\.(?:(?:csv|txt|tsv)(?:\.gz)?|xlsx)$", re.IGNORECASE)
_ERRORS = re.compile(r"[\s_-]errors$", re.IGNORECASE)
_PERIOD_IN_SLUG = re.compile(r"(?P<year>20[0-9]{2})(?:-q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))?")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")


class Key(NamedTuple):
    """The parts of an upload's key; None for those that it lacks."""

    program_type: str | None
    slug: str | None
    file_name: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One run of a programme, with dates if its slug gives them."""

    program_type: str
    slug: str
    name: str
    starts_on: date | None
    ends_on: date | None


def programme_of_alias(text: str) -> str | None:
    """Return the program_type with this name or alias, in any case and with any separator."""
    name = plain(text)
    return next((programme.program_type for programme in PROGRAMMES.values() if name in programme.names), None)


def get_programme_of_alias(text: str) -> str:
    """Return the program_type with this name or alias; raises Refused(UNKNOWN_PROGRAM), which lists all programmes."""
    program_type = programme_of_alias(text)
    if program_type is None:
        raise Refused(
            RefusalCode.UNKNOWN_PROGRAM, f'There is no programme "{text}"; name one of {", ".join(PROGRAMMES)}.'
        )
    return program_type


def read_key(key: str) -> Key:
    """Read `incoming/[<program>/[<slug>/]]<file>`; raises Refused if a folder or the suffix is unknown."""
    *folders, file_name = key.removeprefix(INCOMING).split("/")
    if not _SUFFIX.search(file_name):
        raise Refused(
            RefusalCode.NOT_CSV,
            "The file is not named as a CSV file; upload a .csv, .txt or .tsv file, one of these as .gz, or an .xlsx "
            "workbook.",
        )
    if len(folders) > 2:
        raise Refused(
            RefusalCode.UNKNOWN_PROGRAM_INSTANCE,
            f"The file is in too many folders; upload to {INCOMING}<program>/<program-instance-slug>/<file>.",
        )
    if not folders:
        return Key(None, None, file_name)
    program_type = get_programme_of_alias(folders[0])
    slug = instance_of_slug(folders[1], program_type).slug if len(folders) == 2 else None
    return Key(program_type, slug, file_name)


def error_file_name(file_name: str, ending: str = ".csv") -> str:
    """Name the error file of a file; that of an error file is not called `-errors-errors`."""
    return f"{_ERRORS.sub('', _SUFFIX.sub('', file_name))}{ERROR_SUFFIX}{ending}"


def instance_of_slug(slug: str, program_type: str) -> Instance:
    """Return the instance that a slug names; raises Refused if it is not a slug, or belongs to another programme."""
    programme = get_programme(program_type)
    if programme.kind is Kind.PEOPLE:
        raise _no_instance(f"{programme.name} is a roster and has no instances; upload it without one.")
    if not _SLUG.fullmatch(slug):
        raise _no_instance(
            f'"{slug}" does not name a programme instance; write lower-case letters, digits and hyphens, '
            f"at most 100, such as {programme.slug_prefix}-2024-q4."
        )
    owner = programme_of_slug(slug)
    if owner not in (None, program_type):
        raise _no_instance(
            f'"{slug}" is an instance of {owner}, but the file belongs to {program_type}; name an instance of that.'
        )
    rest = slug.removeprefix(f"{programme.slug_prefix}-")
    starts_on, ends_on = _dates_of(rest) if owner else (None, None)
    name = f"{programme.name} {rest.upper() if starts_on else rest.replace('-', ' ')}"
    return Instance(program_type, slug, name, starts_on, ends_on)


def slug_of_ref(text: str) -> str | None:
    """Return the slug in a `program_ref` cell, which may be written like a file's name; None if it is not a slug."""
    slug = read_file_name(text).slug or plain(text).replace("_", "-")
    return slug if _SLUG.fullmatch(slug) else None


def is_of_own_form(slug: str, program_type: str) -> bool:
    """Whether it is the programme's name with a year, quarter or month, which a cell or a file name may create."""
    prefix = f"{get_programme(program_type).slug_prefix}-"
    return slug.startswith(prefix) and _PERIOD_IN_SLUG.fullmatch(slug.removeprefix(prefix)) is not None


def programme_of_slug(slug: str) -> str | None:
    """Return the program_type whose prefix the slug has, if any."""
    for programme in PROGRAMMES.values():
        if slug == programme.slug_prefix or slug.startswith(f"{programme.slug_prefix}-"):
            return programme.program_type
    return None


def _dates_of(period: str) -> tuple[date | None, date | None]:
    found = _PERIOD_IN_SLUG.fullmatch(period)
    if not found:
        return None, None
    year, first, last = int(found["year"]), 1, 12
    if found["quarter"]:
        last = int(found["quarter"]) * 3
        first = last - 2
    elif found["month"]:
        first = last = int(found["month"])
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])


def _no_instance(message: str) -> Refused:
    return Refused(RefusalCode.UNKNOWN_PROGRAM_INSTANCE, message)


def programme_of_columns(headers: Sequence[str]) -> str | None:
    """Return the programme that a header line reveals by a column that only one programme has."""
    names = {header_name(header) for header in headers}
    found = (programme.program_type for programme in PROGRAMMES.values() if programme.telltale_columns & names)
    return next(found, None)


def other_programme_of_columns(headers: Sequence[str], program_type: str) -> str | None:
    """Return another programme if the header has columns that only it has, and none that only this one has."""
    if own_columns(headers, get_programme(program_type)):
        return None
    others = [name for name, other in PROGRAMMES.items() if name != program_type and own_columns(headers, other)]
    return others[0] if len(others) == 1 else None


def own_columns(headers: Sequence[str], programme: Programme) -> list[str]:
    """Return the names of the header's columns that only this programme has."""
    own = programme.telltale_columns | _only_of(programme)
    return sorted({header_name(header) for header in headers} & own)


def _columns_of(programme: Programme) -> set[str]:
    return {name for column in programme.columns for name in (column.name, *column.aliases)}


def _only_of(programme: Programme) -> set[str]:
    if programme.kind is Kind.PEOPLE:
        # The roster's names are so general that any file may have them.
        return set()
    others = (_columns_of(other) for other in PROGRAMMES.values() if other is not programme)
    return _columns_of(programme).difference(*others)


def programme_of_ids(session_ids: Iterable[str]) -> str | None:
    """Return the program_type on which the prefixes of session ids agree; ids without a known prefix don't count."""
    found = {
        programme.program_type
        for session_id in session_ids
        for programme in PROGRAMMES.values()
        if programme.id_prefixes and session_id.strip().upper().startswith(programme.id_prefixes)
    }
    return found.pop() if len(found) == 1 else None
