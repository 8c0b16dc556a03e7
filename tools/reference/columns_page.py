"""docs/reference/columns.md: the columns of each programme's files, from `ingestion.records`."""

import inspect
from typing import Any, Final

from ingestion.records import PROGRAMMES, Column, Programme
from ingestion.records.kintell_users import role
from ingestion.values import cells, dates, durations, emails
from tools.reference.markdown import code, page, table

ABOUT: Final = """\
Header names match in any case, with spaces, hyphens, dots or camelCase in place of underscores, and without a
closing `*` or a closing text in brackets such as `(required)`. The order of columns is free. A column that is not
listed here is kept in the error file and otherwise ignored; the result of the import names it.

A value is stored exactly as the file gives it, or its row is rejected: nothing is guessed. See
[error codes](../errors.md) for what each rule reports."""

PER_RULE: Final[dict[Any, str]] = {
    emails.email: f"One email address of at most {emails.LONGEST_EMAIL} characters, stored in lower case",
    dates.date: "A date or a date and time. Without an offset, UTC or the time zone that the uploader declares",
    durations.duration: f"Whole minutes from 1 to {durations.LONGEST_SESSION}; also `60 min`, `1h 30m`, `PT1H30M`",
    cells.rating: "0 to 1, or 1 to 5 for the whole file; stored as 0 to 1, from the longer scale as (r − 1) / 4",
    cells.level: f"{', '.join(cells.LEVELS)}, in any case",
    cells.comma_list: f"A comma-separated list, at most {cells.LONGEST_TOPICS:,} characters, stored as topics",
    cells.metadata: f"JSON, at most {cells.LONGEST_METADATA:,} characters",
    role: "Advisor, mentor, tutor and volunteer mean `volunteer`; anything else means `participant`",
}

DATES: Final = """\
## Dates that are read

| Form | Example |
|---|---|
| ISO 8601, with or without offset | `2024-11-13`, `2024-11-13T14:30:00+01:00`, `2024-11-13 14:30 UTC` |
| Slashes, year first | `2024/11/13` |
| Dots, day first | `13.11.2024`, `13.11.2024 14:30` |
| Month as a word: English, Norwegian, Ukrainian | `Dec 14, 2025`, `14. desember 2025`, `14 грудня 2025` |

`03/04/2024` may be either of two days, so its row is rejected unless the uploader declares the file's `date-order`."""


def render() -> str:
    """The whole page."""
    return page("Columns and rules", ABOUT, *map(_programme, PROGRAMMES.values()), DATES)


def _programme(programme: Programme) -> str:
    names = ", ".join(map(code, programme.names))
    about = f"Named {names} on input."
    if programme.schema_versions:
        versions = (f"{version} if it has {code(column)}" for version, column in programme.schema_versions)
        about += f" A file's schema version is {', '.join(versions)}, otherwise 1.0."
    if programme.session_type:
        about += " In combined exports, `session_type` names the programme of each row."
    if programme.fills_short_rows:
        about += " Cells missing at the end of a row are read as empty."
    backward = dict([programme.record.starts_and_ends[::-1]] if programme.record.starts_and_ends else [])
    rows = (
        [_header(column), "yes" if column.required else "no", rule_of(column, not_before=backward.get(column.fills))]
        for column in programme.columns
    )
    return f"## {programme.name}\n\n{about}\n\n" + table(["Column", "Required", "Rule"], rows)


def _header(column: Column) -> str:
    aliases = f" (also {', '.join(map(code, column.aliases))})" if column.aliases else ""
    return code(column.name) + aliases


def rule_of(column: Column, not_before: str | None = None) -> str:
    """What the column's rule requires, in a sentence without a full stop. KeyError if it has no text here.

    *not_before* is the date that the column's may not precede, if there is one.
    """
    limit = inspect.getclosurevars(column.rule).nonlocals.get("limit")
    text = f"Text of at most {limit:,} characters" if limit else PER_RULE[column.rule]
    if column.oldest_years:
        text += f"; at most {column.oldest_years} years ago, or any time in the future"
    if not_before:
        text += f"; not before {code(not_before)}"
    return text
