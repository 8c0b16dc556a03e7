"""How many statements the steps of a small import run: each is a round trip, and its uploader waits for all of them."""

from collections import Counter
from types import ModuleType
from typing import Any

import pytest

import annotate_conflicts.app
import finalize.app
import intake.app
import merge.app
import reconcile.app
import stage.app
from ingestion.database.connection import Connection
from tests.stages.conftest import Pipeline

KEY = "incoming/mentors_ukraine/mentors-ukraine-2024-q4/sessions.csv"
HEADER = "session_id,participant_email,mentor_email,scheduled_at,rating,feedback_text\n"
AT_MOST = {intake.app: 19, stage.app: 20, reconcile.app: 42, annotate_conflicts.app: 3, merge.app: 16, finalize.app: 16}
"""Each with the one that proves the connection sound, and one for each message in the outbox; nine of Reconcile compare
the file with earlier ones. More need a reason."""


class Counting:
    """Counts the statements of each step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.of: Counter[ModuleType] = Counter()
        self._step: ModuleType | None = None
        self._run = Connection.run
        monkeypatch.setattr(Connection, "run", lambda db, *args, **given: self._count(db, *args, **given))  # noqa: PLW0108 - a bound method would not be given the connection
        for step in AT_MOST:
            monkeypatch.setattr(step, "handler", self._counted(step, step.handler))

    def _count(self, db: Connection, *args: Any, **given: Any) -> Any:
        if self._step:
            self.of[self._step] += 1
        return self._run(db, *args, **given)

    def _counted(self, step: ModuleType, handler: Any) -> Any:
        def handle(event: Any, context: Any) -> Any:
            self._step = step
            try:
                return handler(event, context)
            finally:
                self._step = None

        return handle


def file_of(first_participant: str, feedback: str) -> bytes:
    people = [first_participant, *["oksana@example.org"] * 499]
    return (
        HEADER + "".join(f"MS-{n},{email},kari@acme.com,2024-11-05,4,{feedback}\n" for n, email in enumerate(people))
    ).encode()


def test_a_small_import_runs_few_statements(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com", "ivan@example.org")
    counting = Counting(monkeypatch)
    first = pipeline.load(KEY, file_of("oksana@example.org", ""))
    assert (first["inserted_rows"], sum(counting.of.values()) <= 102) == (500, True), counting.of
    counting.of.clear()
    second = pipeline.load(KEY, file_of("ivan@example.org", "again"))
    assert (second["updated_rows"], second["error_rows"]) == (499, 1)
    assert {step.__name__: count for step, count in counting.of.items() if count > AT_MOST[step]} == {}
