"""docs/errors.md, from the catalogue of codes."""

from collections.abc import Iterable, Sequence
from typing import Final

from api.problem_codes import ProblemCode
from ingestion.batch import FailureCode
from ingestion.catalogue import CatalogueCode, Language, Text
from ingestion.faults import WHOLE_ROW, Fault, FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.limits import limits
from ingestion.records import PROGRAMMES, Column, Field, RecordType
from ingestion.records.session import SESSION_TYPE
from ingestion.refusal_codes import RefusalCode
from ingestion.values import emails

_WHOLE_ROW: Final = (FaultCode.WRONG_FIELD_COUNT, FaultCode.UNREADABLE, FaultCode.DATABASE_REFUSED)
_HEAD: Final = """\
# Codes

Generated from the catalogue by `make reference`; change the texts there.

Every code is stable, so programs may compare it. The sentences beside it are for people and may change.
The dashboard has the same texts in Norwegian.
"""
_FAULTS: Final = """\
## Error codes of rows

A rejected row has all of its codes in `_error_code`, and a sentence for each in `_error_message`. `errorSummary` counts
them by code and column. The error file is kept for {error_file_time}.
"""
_REFUSALS: Final = """\
## Refusals of files

A refused file does not become a batch. The upload says why, and `message` names the place. The file is deleted after
{failed_upload_time}.
"""
_FAILURES: Final = """\
## Failures of batches

A failed batch has published nothing. `failureReason` starts with the code.
"""
_WARNINGS: Final = """\
## Warnings

Oddities that were tolerated in a file, each with a count.
"""
_PROBLEMS: Final = """\
## Problems of the API

Errors are `application/problem+json` with a `code`. A request for an upload that would be refused is answered with 422
and the code of the refusal.
"""


def render() -> str:
    """The whole page."""
    sections = [
        _HEAD,
        _section(_FAULTS, ("Code", "Fault", "Category", "Columns", "What to do"), map(_fault, FaultCode)),
        _section(_REFUSALS, ("Code", "Refusal", "What to do"), map(_entry, RefusalCode)),
        _section(_FAILURES, ("Code", "Failure", "What to do"), map(_entry, FailureCode)),
        _section(_WARNINGS, ("Code", "Warning", "What to do"), map(_entry, WarningCode)),
        _section(_PROBLEMS, ("Code", "Status", "Problem", "What to do"), map(_problem, ProblemCode)),
    ]
    return "\n".join(sections)


def _section(lead: str, heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    table = [heads, ["---"] * len(heads), *lines]
    return f"{_read(Text(lead, lead))}\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in table)


def _fault(code: FaultCode) -> Sequence[str]:
    columns = ", ".join(f"`{name}`" for name in columns_of(code)) or "any"
    key, title, advice = _entry(code)
    return key, title, f"`{code.category}`", columns, advice


def columns_of(code: FaultCode) -> list[str]:
    """The columns in which a code is found, as the records declare them; none if it may be any."""
    if code in _WHOLE_ROW:
        return [WHOLE_ROW]
    if code is FaultCode.OTHER_PROGRAMME:
        return list(SESSION_TYPE)
    found = [
        column.name
        for programme in PROGRAMMES.values()
        for column in programme.columns
        if code in _codes_of(programme.record.staged_as(column.fills), programme.record, column)
    ]
    return list(dict.fromkeys(found))


def _codes_of(field: Field, record: RecordType, column: Column) -> set[FaultCode]:
    """The codes that are this column's more than others'. Its own rule says which one fits what is nothing at all."""
    refused = column.rule(column.name, "?")
    codes = {refused.code} if isinstance(refused, Fault) else set()
    if column.rule is emails.email:
        codes.add(FaultCode.PERSON_ERASED)
    if field.role:
        codes.add(field.role.not_found)
    if field is record.key and record.people:
        codes.add(FaultCode.ID_CONFLICT)
    if record.starts_and_ends and field.staged == record.starts_and_ends[1]:
        codes.add(FaultCode.COMPLETED_BEFORE_SCHEDULED)
    return codes


def _problem(code: ProblemCode) -> Sequence[str]:
    key, title, advice = _entry(code)
    return key, str(int(code.answered_with)), title, advice


def _entry(code: CatalogueCode) -> tuple[str, str, str]:
    return f"`{code}`", _read(code.about.title), _read(code.about.advice)


def _read(text: Text) -> str:
    return text.read(Language.ENGLISH, limits())
