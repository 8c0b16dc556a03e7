"""A file's outcome is that of its rows in file order, however it was cut and in whatever order its shards ran."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.config import settings as read_settings
from tests.stages.conftest import Pipeline

HEADER = "session_id,participant_email,mentor_email,scheduled_at,rating,feedback_text\n"
PEOPLE = ("a@example.org", "b@example.org")

ROWS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.sampled_from((*PEOPLE, "unknown@example.org", "no address")),
        st.sampled_from(["", "1", "0.5", "3", "9"]),
        st.sampled_from(["", "plain", '"two\nlines"', '"say ""hi"""']),
    ),
    max_size=9,
)


def file_of(rows: Sequence[tuple[int, str, str, str]]) -> bytes:
    lines = [f"MS-{number},{who},kari@acme.com,2024-11-05,{rating},{text}\n" for number, who, rating, text in rows]
    return (HEADER + "".join(lines)).encode()


def outcome(pipeline: Pipeline, batch: dict[str, Any]) -> tuple[object, ...]:
    """All that a user could see of an import but its ids and times."""
    sessions = pipeline.db.run(
        "SELECT s.external_session_id, u.email, s.version, s.row_number, s.line, s.rating, s.feedback_text"
        "  FROM kintell_sessions s JOIN users u ON u.id = s.participant_id ORDER BY 1"
    )
    versions = pipeline.db.run(
        "SELECT s.external_session_id, v.version, v.row_number, v.line, v.replaced_by_row, v.rating, v.feedback_text"
        "  FROM kintell_session_versions v JOIN kintell_sessions s ON s.id = v.session_id ORDER BY 1, 2"
    )
    counts = [batch[f"{name}_rows"] for name in ("total", "inserted", "updated", "skipped", "error")]
    errors = pipeline.error_file(batch) if batch["error_file_key"] else b""
    errors = errors.replace(str(batch["id"]).encode(), b"")
    return sessions, versions, counts, batch["status"], batch["error_summary"], errors


def import_cut(
    pipeline: Pipeline, first: bytes, second: bytes, chunk_bytes: int, rows_per_shard: int
) -> list[tuple[object, ...]]:
    """Import both files, cut as given, into an empty database, and undo it."""
    pipeline.know(*PEOPLE, "kari@acme.com")
    cut = read_settings().model_copy(update={"chunk_bytes": chunk_bytes, "rows_per_shard": rows_per_shard})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("intake.app.settings", lambda: cut)
        key = "incoming/mentors_ukraine/mentors-ukraine-2024-q4/sessions.csv"
        found = [
            outcome(pipeline, pipeline.load(key, body, force="true", force_reason="property"))
            for body in (first, second)
        ]
    # People refer to batches, so they are emptied too.
    pipeline.db.run(
        "TRUNCATE kintell_sessions, kintell_session_versions, shards, chunks, ingestion_batches, uploads CASCADE"
    )
    return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ROWS, second=ROWS, chunk_bytes=st.integers(40, 400), rows_per_shard=st.integers(1, 6))
def test_the_outcome_does_not_depend_on_how_a_file_is_cut(
    pipeline: Pipeline,
    first: list[tuple[int, str, str, str]],
    second: list[tuple[int, str, str, str]],
    chunk_bytes: int,
    rows_per_shard: int,
) -> None:
    whole = import_cut(pipeline, file_of(first), file_of(second), 1 << 20, 1000)
    cut = import_cut(pipeline, file_of(first), file_of(second), chunk_bytes, rows_per_shard)
    assert cut == whole
