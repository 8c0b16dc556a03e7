"""docs/errors.md, from the catalogue of codes."""

from collections.abc import Iterable, Sequence
from typing import Final

from api.problem_codes import ProblemCode
from ingestion.batch import FailureCode
from ingestion.catalogue import CatalogueCode, Language, Text
from ingestion.fault_codes import FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.limits import limits
from ingestion.refusal_codes import RefusalCode

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
    columns = ", ".join(f"`{field}`" for field in code.fields) or "any"
    key, title, advice = _entry(code)
    return key, title, f"`{code.category}`", columns, advice


def _problem(code: ProblemCode) -> Sequence[str]:
    key, title, advice = _entry(code)
    return key, str(int(code.answered_with)), title, advice


def _entry(code: CatalogueCode) -> tuple[str, str, str]:
    return f"`{code}`", _read(code.about.title), _read(code.about.advice)


def _read(text: Text) -> str:
    return text.read(Language.ENGLISH, limits())
