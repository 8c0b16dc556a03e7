"""Every warning has its words, wherever warnings are shown."""

import json
from pathlib import Path

import pytest

from cli.warning_words import WORDS, warning_line
from ingestion.file_warnings import WarningCode, warnings_of

TEXTS = Path(__file__).parents[2] / "functions/dashboard/texts"


@pytest.mark.parametrize("language", ["en", "nb"])
def test_every_warning_has_its_text_and_no_other_has_one(language: str) -> None:
    texts = json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))
    shown = {name.removeprefix("warning.") for name in texts if name.startswith("warning.")}
    assert shown == set(WarningCode)


def test_the_command_line_says_what_the_dashboard_says() -> None:
    texts = json.loads((TEXTS / "en.json").read_text(encoding="utf-8"))
    assert {code: texts[f"warning.{code}"] for code in WarningCode} == WORDS


def test_a_warning_of_tomorrow_is_shown_by_its_code() -> None:
    assert warning_line({"code": "brand_new", "count": 3}) == "brand_new (3)"


def test_only_what_was_counted_is_a_warning() -> None:
    assert warnings_of({WarningCode.ROLES_UNCLEAR: 0, WarningCode.CELLS_EMPTIED: 2}) == [
        {"code": "cells_emptied", "count": 2}
    ]
