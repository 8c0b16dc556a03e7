"""What stands in a file, in its name or in what came with it is shown only to those who may see the record."""

from typing import Any

import pytest

from ingestion.database.connection import rows
from tests.stages.conftest import Pipeline

CELL, NAME, REASON, HEADER = "canarycell", "canaryname", "canaryreason", "canaryheader"
FOLDER = "incoming/mentors_ukraine"
COLUMNS = "session_id,participant_email,mentor_email,scheduled_at,duration_minutes,rating,feedback_text,cohort_ref"
GOOD = ("MS-1", "oksana@example.org", "kari@acme.com", "2024-11-05", "60", "4", "Fine", "")


def file_of(*changes: dict[int, str], header: str = COLUMNS) -> bytes:
    """One row for each of the changes to a good row."""
    lines = [header]
    for number, change in enumerate(changes):
        cells = [change.get(at, cell) for at, cell in enumerate(GOOD)]
        lines.append(",".join([cells[0] if 0 in change else f"MS-{number}", *cells[1:]]))
    return ("\n".join(lines) + "\n").encode()


FILES = [
    pytest.param(file_of({}, {6: CELL}), id="in a good row"),
    pytest.param(file_of({}, *({at: CELL} for at in range(7))), id="in each column"),
    pytest.param(file_of({}, *({at: f"{CELL}@example.org {CELL}@example.com"} for at in range(7))), id="as an address"),
    pytest.param(file_of(dict.fromkeys(range(8), CELL)), id="in all columns"),
    pytest.param(file_of({7: CELL}), id="as an instance"),
    pytest.param(file_of({7: CELL}, {7: CELL + "2"}), id="as two instances"),
    pytest.param(file_of({7: f"{CELL}@example.org"}), id="as an instance that can be none"),
    pytest.param(file_of({7: f"mentors-ukraine-{CELL}"}), id="as an instance of the programme's prefix"),
    pytest.param(file_of({3: f"2024-11-05 {CELL}"}), id="as the only date"),
    pytest.param(file_of({}).split(b"\n", 1)[1].replace(b"Fine", CELL.encode()), id="in a file without a header"),
    pytest.param(f"{CELL}\n{CELL}\n".encode(), id="in one column"),
    pytest.param(f'"{CELL},{CELL}\n'.encode(), id="in a quote that does not close"),
    pytest.param(f"{CELL}\0\0\0\1\2\3{CELL}".encode(), id="in what is no text"),
    pytest.param(COLUMNS.encode() + b"," * 17_000 + f"\n{CELL},\n".encode(), id="below too wide a header"),
    pytest.param(file_of({}) + f'MS-9,"{CELL}'.encode(), id="in a row that does not end"),
]


@pytest.mark.parametrize("body", FILES)
@pytest.mark.parametrize("name", [f"{NAME}.csv", f"mentors-ukraine-2024-{NAME}.csv", f"{NAME}.pdf"])
def test_what_stands_in_a_file_is_in_no_log_trail_message_or_slug(
    pipeline: Pipeline,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    name: str,
) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com")
    key = f"{FOLDER}/{name}"
    options = {"force": "true", "force_reason": REASON}
    for _ in range(2):
        taken = pipeline.upload(key, body.replace(b"feedback_text", b"feedback_text," + HEADER.encode()), **options)
        taken = pipeline.upload(key, body, **options)
        if taken["state"] == "accepted":
            pipeline.run(taken["batch_id"])
    said = {
        "log": str([vars(record) for record in caplog.records]),
        "metrics": capsys.readouterr().out,
        "trail": everything(pipeline, "SELECT to_jsonb(a)::text AS it FROM audit_logs a"),
        "refusals": everything(pipeline, "SELECT refusal_message AS it FROM uploads WHERE refusal_message IS NOT NULL"),
        "failures": everything(
            pipeline, "SELECT failure_reason || error_summary AS it FROM ingestion_batches WHERE status = 'failed'"
        ),
        "slugs": everything(pipeline, "SELECT slug || name AS it FROM program_instances"),
        "ledgers": everything(pipeline, "SELECT to_jsonb(c)::text AS it FROM chunks c"),
    }
    assert "upload decided" in said["log"]
    assert said["trail"]
    for place, text in said.items():
        for canary in (CELL, NAME, REASON, HEADER):
            assert canary not in text.lower(), place


def everything(pipeline: Pipeline, sql: str) -> str:
    found: list[dict[str, Any]] = rows(pipeline.db, sql)
    return "\n".join(str(row["it"]) for row in found)
