"""The warnings of a batch in words; a code that is newer than this command is shown as it is."""

from typing import Final

from cli.api import Json

WORDS: Final = {
    "lost_characters": "Characters were lost before the file came here (?????)",
    "preamble_rows": "Lines before the header row were left out",
    "repeated_headers": "The header row stands again further down; what follows was read by it",
    "repeated_columns": "Columns have the same name, but other values; the first one counts",
    "footer_rows": "Lines at the end that sum up were left out",
    "footer_count_differs": "The last line gives another number of rows than were found",
    "end_of_file_marks": "Marks at the end of the file were left out",
    "encoded_twice": "Texts seem to have been encoded twice before the file came here (MÃ¸te)",
    "encoding_unsure": "The encoding is likely, but not certain; check names with special letters",
    "corrected_rows_gone": "Rows of a corrected file could not be compared with the rejected ones, which were deleted",
    "cells_emptied": "Cells with N/A, -, NULL or the like were read as empty",
    "lookalike_letters": "Levels in Cyrillic letters were read as the Latin ones that look the same",
    "rating_scale_assumed": "No rating tells whether the scale is 0–1 or 1–5; it was taken for 1–5",
    "roles_unclear": "People whose role is not clear were taken for participants",
    "session_types_unknown": "Rows have a session_type that names no programme; they were imported into this one",
    "short_rows_filled": "Rows lacked cells at their end, which were read as empty",
}
"""As the dashboard has them; a test holds the two and the codes together."""


def warning_line(warning: Json) -> str:
    """What was tolerated, and how often."""
    code = warning["code"]
    return f"{WORDS.get(code, code)} ({warning['count']})"
