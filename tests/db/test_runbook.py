"""The questions of docs/runbook.md about a person are answered as they stand there."""

import re
from pathlib import Path

import pytest

from ingestion.database.connection import Connection
from tests.db.world import add_batch, add_earlier_version, add_session, add_upload, insert, session_id

RUNBOOK = Path(__file__).parents[2] / "docs/runbook.md"
QUESTIONS = re.findall(r"```sql\n(.*?);\n```", RUNBOOK.read_text(encoding="utf-8"), re.DOTALL)

SEEN_BY = {
    "kari@example.org": "error_file_downloaded",
    "ola@example.org": "rejected_rows_shown",
    "per@example.org": "original_row_shown",
}


@pytest.fixture
def person(db: Connection) -> str:
    """Somebody of a roster, with a session of one file that another updated, and rejected rows that were seen."""
    roster, first, second = (add_batch(db, upload_id=add_upload(db), file_name=name) for name in ("r", "one", "two"))
    given = {"email": "olena@example.org", "role": "participant", "batch_id": roster, "row_number": 1, "line": 2}
    user_id = insert(db, "users", **given, version=1)
    inserted = session_id(db, first, 1)
    add_session(db, id=inserted, batch_id=second, participant_id=user_id, version=2)
    add_earlier_version(db, inserted, first, row_number=1)
    for actor, action in SEEN_BY.items():
        audit = {"actor": actor, "resource_type": "batch", "resource_id": first, "batch_id": first}
        insert(db, "audit_logs", action=action, **audit)
    return "olena@example.org"


@pytest.mark.parametrize(
    ("question", "column", "answers"),
    [
        pytest.param(0, "file_name", ["one", "two"], id="the files of their sessions"),
        pytest.param(1, "file_name", ["r"], id="the file that made them known"),
        pytest.param(2, "actor", sorted(SEEN_BY), id="who saw their rows"),
    ],
)
def test_a_question_about_a_person_is_answered(
    db: Connection, person: str, question: int, column: str, answers: list[str]
) -> None:
    assert len(QUESTIONS) == 3
    found = db.run(QUESTIONS[question].replace(":'email'", ":email"), email=person)
    names = [each["name"] for each in db.columns or []]
    assert sorted(row[names.index(column)] for row in found) == answers
