"""Any sequence of imports, updates and undos leaves what a model of stacks leaves: an undo takes rows off the top."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.problems import Problem
from tests.stages.conftest import Pipeline
from tests.stages.test_outcomes import KEY
from tests.stages.test_undoing import ROSTER
from tests.stages.undoing import undone

_numbers = count(1)

IDS, NAMES = st.integers(1, 4), st.sampled_from("abc")
OPERATIONS = st.one_of(
    st.tuples(st.just("import"), st.lists(st.tuples(IDS, NAMES), min_size=1, max_size=5)),
    st.tuples(st.just("roster"), st.lists(st.tuples(st.integers(0, 2), NAMES), min_size=1, max_size=3)),
    st.tuples(st.just("undo"), st.integers(0, 7)),
    st.tuples(st.just("undo"), st.integers(0, 7)),
)

Version = tuple[UUID, int, str | None]
"""The batch and the row that gave it, and its content."""


@dataclass
class Model:
    """Sessions and people as stacks of versions, the current one on top."""

    sessions: dict[int, list[Version]] = field(default_factory=dict)
    people: dict[int, list[Version]] = field(default_factory=dict)
    of_sessions: set[UUID] = field(default_factory=set)
    undone: set[UUID] = field(default_factory=set)

    def import_sessions(self, batch: UUID, rows: Sequence[tuple[int, str]]) -> None:
        self.of_sessions.add(batch)
        for number, (session, text) in enumerate(rows, 1):
            self.people.setdefault(session % 3, [(batch, number, None)])
            self._put(self.sessions.setdefault(session, []), (batch, number, text))

    def import_roster(self, batch: UUID, rows: Sequence[tuple[int, str]]) -> None:
        for number, (person, name) in enumerate(rows, 1):
            self._put(self.people.setdefault(person, []), (batch, number, name))

    @staticmethod
    def _put(stack: list[Version], version: Version) -> None:
        if not stack or stack[-1][2] != version[2]:
            stack.append(version)

    def undo(self, batch: UUID) -> tuple[int, int, int] | None:
        """How many it removes, restores and keeps; None if there is nothing left to undo."""
        stacks = self.sessions if batch in self.of_sessions else self.people
        found = [self._undo(batch, key, stacks) for key in list(stacks)]
        counts = found.count("removed"), found.count("restored"), found.count("kept")
        if batch in self.undone and not (counts[0] or counts[1]):
            return None
        self.undone.add(batch)
        for person, stack in list(self.people.items()):
            creator = stack[-1][0]
            if creator in self.undone & self.of_sessions and not self._is_needed(person):
                del self.people[person]
        return counts

    def _undo(self, batch: UUID, key: int, stacks: dict[int, list[Version]]) -> str | None:
        stack = stacks[key]
        below = [version for version in stack if version[0] != batch]
        if len(below) == len(stack):
            return None
        if stack[-1][0] != batch:
            return "kept"
        if not below and stacks is self.people and self._is_needed(key):
            return "kept"
        stack[:] = below
        if not stack:
            del stacks[key]
        return "restored" if below else "removed"

    def _is_needed(self, person: int) -> bool:
        return any(session % 3 == person for session in self.sessions)


@dataclass
class World:
    """One example: ids and people of its own, in a database that all examples share."""

    pipeline: Pipeline
    number: int
    model: Model = field(default_factory=Model)
    batches: list[UUID] = field(default_factory=list)

    def run(self, what: str, given: Any) -> None:
        if what == "undo":
            if self.batches:
                self._undo(self.batches[given % len(self.batches)])
            return
        unique = f"{self.number}-{len(self.batches)}"
        if what == "import":
            lines = [
                f"MS-{self.number}-{n},{self._address(n % 3)},kari@acme.com,2024-11-05,{text},{unique}"
                for n, text in given
            ]
            key, header = KEY, "session_id,participant_email,mentor_email,scheduled_at,feedback_text,note"
        else:
            lines = [f"{self._address(person)},{name},{unique}" for person, name in given]
            key, header = ROSTER, "Email,Verification_status,note"
        batch = self.pipeline.load(key, "\n".join([header, *lines, ""]).encode())
        assert batch["status"] == "completed", batch["failure_reason"]
        self.batches.append(batch["id"])
        (self.model.import_sessions if what == "import" else self.model.import_roster)(batch["id"], given)

    def _undo(self, batch: UUID) -> None:
        expected = self.model.undo(batch)
        if expected is None:
            with pytest.raises(Problem, match="nothing of it is left"):
                undone(self.pipeline, batch)
            return
        found = undone(self.pipeline, batch)
        assert (found["removed_rows"], found["restored_rows"], found["kept_rows"]) == expected
        assert (found["removes"], found["restores"]) == expected[:2]

    def _address(self, person: int) -> str:
        return f"p{self.number}-{person}@example.org"

    def check(self) -> None:
        """The tables hold what the model holds, earlier versions included."""
        of_sessions = self._stacks(
            """
            SELECT s.external_session_id, v.version, v.batch_id, v.row_number, v.feedback_text
              FROM kintell_session_versions v JOIN kintell_sessions s ON s.id = v.session_id
             WHERE s.external_session_id LIKE :mine
             UNION ALL
            SELECT external_session_id, version, batch_id, row_number, feedback_text
              FROM kintell_sessions WHERE external_session_id LIKE :mine ORDER BY 1, 2
            """,
            f"MS-{self.number}-%",
        )
        assert of_sessions == {f"MS-{self.number}-{n}": stack for n, stack in self.model.sessions.items()}
        of_people = self._stacks(
            """
            SELECT u.email, v.version, v.batch_id, v.row_number, v.verification_status
              FROM user_versions v JOIN users u ON u.id = v.user_id WHERE u.email LIKE :mine
             UNION ALL
            SELECT email, version, batch_id, row_number, verification_status
              FROM users WHERE email LIKE :mine ORDER BY 1, 2
            """,
            f"p{self.number}-%",
        )
        assert of_people == {self._address(person): stack for person, stack in self.model.people.items()}
        needed = {self._address(n % 3) for n in self.model.sessions}
        found = self.pipeline.db.run(
            """
            SELECT DISTINCT u.email FROM batch_people b JOIN users u ON u.id = b.person_id WHERE u.email LIKE :mine
            """,
            mine=f"p{self.number}-%",
        )
        assert {email for (email,) in found} == needed

    def _stacks(self, sql: str, mine: str) -> dict[str, list[Version]]:
        stacks: dict[str, list[Version]] = {}
        for key, version, *content in self.pipeline.db.run(sql, mine=mine):
            stack = stacks.setdefault(key, [])
            stack.append(tuple(content))
            assert version == len(stack)
        return stacks


@pytest.fixture
def creating(environment: pytest.MonkeyPatch, pipeline: Pipeline) -> Pipeline:
    """Where unknown people are created, and a range has two rows."""
    environment.setenv("UNKNOWN_USERS", "create")
    environment.setenv("ROWS_PER_SHARD", "2")
    pipeline.know("kari@acme.com")
    return pipeline


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(operations=st.lists(OPERATIONS, min_size=2, max_size=9))
def test_imports_and_undos_in_any_order_leave_what_the_model_leaves(
    creating: Pipeline, operations: list[tuple[str, Any]]
) -> None:
    world = World(creating, next(_numbers))
    for what, given_ in operations:
        world.run(what, given_)
        world.check()
