"""The warnings of a batch: what was tolerated in a file, each by a code, with how often.

Their sentences, in both languages, are the dashboard's texts `warning.<code>`; the command line has the English ones.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict


class WarningCode(StrEnum):
    """What can be tolerated."""

    # Found while the file is indexed.
    LOST_CHARACTERS = "lost_characters"
    PREAMBLE_ROWS = "preamble_rows"
    REPEATED_HEADERS = "repeated_headers"
    REPEATED_COLUMNS = "repeated_columns"
    FOOTER_ROWS = "footer_rows"
    FOOTER_COUNT_DIFFERS = "footer_count_differs"
    END_OF_FILE_MARKS = "end_of_file_marks"
    ENCODED_TWICE = "encoded_twice"
    ENCODING_UNSURE = "encoding_unsure"
    CORRECTED_ROWS_GONE = "corrected_rows_gone"
    # Found in the rows.
    CELLS_EMPTIED = "cells_emptied"
    LOOKALIKE_LETTERS = "lookalike_letters"
    RATING_SCALE_ASSUMED = "rating_scale_assumed"
    ROLES_UNCLEAR = "roles_unclear"
    SESSION_TYPES_UNKNOWN = "session_types_unknown"
    SHORT_ROWS_FILLED = "short_rows_filled"


OF_ROWS: Final = (
    WarningCode.CELLS_EMPTIED,
    WarningCode.LOOKALIKE_LETTERS,
    WarningCode.RATING_SCALE_ASSUMED,
    WarningCode.ROLES_UNCLEAR,
    WarningCode.SESSION_TYPES_UNKNOWN,
    WarningCode.SHORT_ROWS_FILLED,
)
"""Those that the import counts, chunk by chunk; the others intake finds."""


class FileWarning(BaseModel):
    """Something odd about a file that does not keep it from being imported; `count` says how often."""

    model_config = ConfigDict(frozen=True)

    code: str
    count: int


def warnings_of(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The warnings that are not of nothing, by code, as they are stored."""
    return [{"code": str(code), "count": count} for code, count in sorted(counts.items()) if count]
