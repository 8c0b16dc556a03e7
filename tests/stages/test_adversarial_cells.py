"""Cells that somebody thought up to break a rule: each is stored exactly or rejected by the rule that knows it.

All of them stand in one file and go through the database, which must refuse none of them itself (E040).
"""

import csv
import io
from datetime import datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stages.conftest import Pipeline

KEY = "incoming/language_ukraine/language-ukraine-2024-11/cells.csv"
GOOD = {
    "session_id": "",
    "participant_email": "oksana@example.org",
    "volunteer_email": "kari@acme.com",
    "scheduled_at": "2024-11-05T10:00:00Z",
    "completed_at": "",
    "duration_minutes": "",
    "rating": "",
    "feedback_text": "",
    "language_level": "",
    "topics": "",
    "metadata": "",
}
DEEP = 300

REJECTED = [
    ("scheduled_at", text, "E003")
    for text in (
        "0001-01-01",
        "0000-01-01",
        "2023-02-29",
        "2024-02-30T00:00:00Z",
        "2024-11-13T24:00:00Z",
        "2024-11-13T23:59:60Z",
        "2024-11-13T10:00:00+24:00",
        "2024-11-13T10:00:00+01:99",
        "2024-11-13T10:00:00\u221201:00",
        "٢٠٢٤-١١-١٣",
        "2024-11-1３",
        "infinity",
        "now",
        "epoch",
        "20241113",
        "03/04/2024",
        "2024-11-13T10:00:00Z'); --",
    )
] + [
    ("completed_at", "9999-12-31T23:59:59-14:00", "E003"),
    ("completed_at", "2024-11-05T10:59:59+01:00", "E007"),
    ("session_id", "\u200b \u00a0", "E002"),
    ("session_id", "𝟙" * 256, "E008"),
    ("duration_minutes", "1e2", "E004"),
    ("duration_minutes", "٦٠", "E004"),
    ("duration_minutes", "+60", "E004"),
    ("duration_minutes", "60.5", "E004"),
    ("duration_minutes", "4294967297", "E004"),
    ("rating", "nan", "E006"),
    ("rating", "inf", "E006"),
    ("rating", "1e-1", "E006"),
    ("rating", "½", "E006"),
    ("rating", "5.0000000000000000001", "E006"),
    ("participant_email", "oksana@example.org, kari@acme.com", "E001"),
    ("participant_email", "Oksana <oksana@example.org>", "E001"),
    ("participant_email", "oks\u200bana@example.org", "E001"),
    ("participant_email", "\u043eksana@example.org", "E020"),
    ("volunteer_email", "\u212aari@acme.com", "E001"),
    ("volunteer_email", "k" * 250 + "@acme.com", "E001"),
    ("language_level", "Ａ1", "E005"),
    ("language_level", "\u0411\u0031", "E005"),
    ("session_id", "\\N", "E002"),
    ("session_id", "1.23457E+11", "E013"),
    ("metadata", "1.23457E+11", "E013"),
    ("rating", "#REF!", "E013"),
    ("metadata", "NaN", "E009"),
    ("metadata", '{"a": 1, "a": 2}', "E009"),
    ("metadata", "[" * DEEP + "]" * DEEP, "E009"),
    ("metadata", "[" * 1_000 + "]" * 1_000, "E009"),
    ("metadata", '{"a": "\\u0000"}', "E009"),
    ("metadata", '{"a": "\\ud800"}', "E009"),
    ("metadata", '{"a": 1e400}', "E009"),
    ("metadata", '{"a": 1e-400}', "E009"),
    ("metadata", '{"a": 1' + "0" * 2_000 + "}", "E008"),
    ("feedback_text", "x" * 5_001, "E008"),
    ("topics", "x" * 1_001, "E008"),
]

STORED: list[tuple[str, str, object]] = [
    ("scheduled_at", "2024-02-29", "2024-02-29T00:00:00+00:00"),
    ("scheduled_at", "29.2.2024 07:05", "2024-02-29T07:05:00+00:00"),
    ("scheduled_at", "2024-11-13T10:00:00,5+05:30", "2024-11-13T04:30:00.500000+00:00"),
    ("scheduled_at", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
    ("session_id", "MS-1", "MS-1"),
    ("session_id", "ms-1", "ms-1"),
    ("session_id", "Caf\u00e9", "Caf\u00e9"),
    ("session_id", "Cafe\u0301", "Cafe\u0301"),
    ("session_id", " a  b ", "a  b"),
    ("session_id", "\\.", "\\."),
    ("session_id", "𝟙" * 255, "𝟙" * 255),
    ("duration_minutes", "060", 60),
    ("duration_minutes", "60.0", 60),
    ("duration_minutes", "480 ", 480),
    ("language_level", "\u0410\u0031", "A1"),
    ("rating", "4,5", Decimal("0.875")),
    ("rating", "+4", Decimal("0.75")),
    ("rating", "3.00000000000000000001", Decimal("0.5000000000000000000025")),
    (
        "feedback_text",
        "\\x00 \\n \\N \x1e \x1f \x7f \u2028 \ufffe 👩🏽‍🏫",
        "\\x00 \\n \\N \x1e \x1f \x7f \u2028 \ufffe 👩🏽‍🏫",
    ),
    ("feedback_text", "a\tb\\tc", "a\tb\\tc"),
    ("feedback_text", "ø" * 5_000, "ø" * 5_000),
    ("topics", 'NULL, {a}, "b\\", \u00a0c', ["NULL", "{a}", '"b\\"', "c"]),
    ("metadata", '{"n": 0.1234567890123456789, "e": 1E2}', {"e": "100", "n": "0.1234567890123456789"}),
    ("metadata", '"\\ud83d\\ude00 \\u20ac"', "😀 €"),
]


def table(cells: list[tuple[str, str]]) -> bytes:
    """A file with a row for each cell, the others of which are good."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(GOOD), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({**GOOD, "session_id": f"LS-{at}", name: cell} for at, (name, cell) in enumerate(cells, 1))
    return text.getvalue().encode()


def error_lines(pipeline: Pipeline, batch: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(pipeline.error_file(batch).decode("utf-8-sig"), newline="")))


def test_what_no_rule_understands_is_rejected_by_the_rule_that_knows_it(pipeline: Pipeline) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    cells = [(name, cell) for name, cell, _ in REJECTED]
    batch = pipeline.load(KEY, table([*cells, ("rating", "4")]))
    lines = error_lines(pipeline, batch)
    assert [(line["_error_row"], line["_error_code"]) for line in lines] == [
        (str(at), code) for at, (_, _, code) in enumerate(REJECTED, 1)
    ]
    as_written = [line[name].removeprefix("'") for line, (name, _) in zip(lines, cells, strict=True)]
    assert as_written == [cell for _, cell in cells]
    assert batch["success_rows"] == 1


def test_what_a_rule_understands_is_stored_exactly(pipeline: Pipeline) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    batch = pipeline.load(KEY, table([(name, cell) for name, cell, _ in STORED]))
    assert (batch["success_rows"], batch["error_rows"]) == (len(STORED), 0), batch["error_summary"]
    names = (
        "external_session_id, scheduled_at, duration_minutes, rating, feedback_text, language_level, topics, "
        "metadata::text"
    )
    rows = pipeline.db.run(f"SELECT {names} FROM kintell_sessions ORDER BY row_number")
    for (name, cell, expected), row in zip(STORED, rows, strict=True):
        at = [
            "session_id",
            *("scheduled_at", "duration_minutes", "rating", "feedback_text", "language_level", "topics"),
        ]
        stored = row[[*at, "metadata"].index(name)]
        if isinstance(stored, datetime):
            stored = stored.isoformat()
        wanted = expected
        if name == "metadata":
            wanted = '{"e": 100, "n": 0.1234567890123456789}' if isinstance(expected, dict) else f'"{expected}"'
        assert stored == wanted, (name, cell)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(GOOD)),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
            | st.text(st.sampled_from("0123456789.,:-+eETZ/ @{}[]\"'\\naAu"), max_size=30)
            | st.sampled_from([text for _, text, _ in REJECTED] + [text for _, text, _ in STORED]),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_no_text_gets_past_the_rules_to_where_the_database_refuses_it(
    pipeline: Pipeline, cells: list[tuple[str, str]]
) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    batch = pipeline.load(KEY, table(cells), force="true", force_reason="property")
    assert batch["failure_reason"] is None or batch["failure_reason"].startswith("every_row_rejected")
    assert batch["total_rows"] == len(cells)
    assert batch["success_rows"] + batch["skipped_rows"] + batch["error_rows"] == len(cells)
    assert "E040" not in [fault["code"] for fault in batch["error_summary"]]
