"""The warnings of a batch."""

from ingestion.file_warnings import WarningCode, warnings_of


def test_only_what_was_counted_is_a_warning() -> None:
    assert warnings_of({WarningCode.ROLES_UNCLEAR: 0, WarningCode.CELLS_EMPTIED: 2}) == [
        {"code": "cells_emptied", "count": 2}
    ]
