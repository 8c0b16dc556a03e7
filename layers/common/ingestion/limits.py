"""The limits that texts mention, each read from where it is enforced: no text contains a number of its own."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from ingestion.catalogue import Text
from ingestion.config import Retention, retention
from ingestion.csv_file.dialect import MOST_COLUMNS
from ingestion.records.session import LONGEST_FEEDBACK, OLDEST_YEARS
from ingestion.values.cells import LEVELS
from ingestion.values.durations import LONGEST_SESSION

_NO_BREAK: Final = "\u00a0"
_DAYS_OF_YEAR: Final = 365


@cache
def limits_of(kept: Retention) -> Mapping[str, Text]:
    """Return what fills the placeholders of texts, by name, in each language."""
    return {
        "error_file_time": _time(kept.error_file_days),
        "failed_upload_time": _time(kept.failed_upload_days),
        "cold_storage_time": _time(kept.cold_storage_days),
        "archive_time": _time(kept.archive_days),
        "longest_session": _number(LONGEST_SESSION),
        "oldest_years": _number(OLDEST_YEARS),
        "longest_feedback": _number(LONGEST_FEEDBACK),
        "most_columns": _number(MOST_COLUMNS),
        "levels": Text(_listed("or"), _listed("eller")),
    }


def limits() -> Mapping[str, Text]:
    """Return the limits of this process's environment."""
    return limits_of(retention())


def _number(value: int) -> Text:
    english = f"{value:,}"
    return Text(english, english.replace(",", _NO_BREAK))


def _time(days: int) -> Text:
    """Write 365 days as one year, and any other time in days."""
    if days == _DAYS_OF_YEAR:
        return Text("one year", "ett år")
    if days == 1:
        return Text("1 day", "1 dag")
    english, norwegian = _number(days)
    return Text(f"{english} days", f"{norwegian} dager")


def _listed(word: str) -> str:
    *others, last = LEVELS
    return f"{', '.join(others)} {word} {last}"
