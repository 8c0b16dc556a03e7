"""Random files, planned and committed with random imports in between, come out as in a model of rows and versions."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stages.conftest import Pipeline
from tests.stages.test_commits import carried_out, commit, counts
from tests.stages.test_plans import KEY, changes, file_of, known

__all__ = ["known"]

PEOPLE = ("oksana@example.org", "ivan@example.org", "nobody@example.org")
ROWS = st.tuples(st.integers(1, 4), st.sampled_from(["10", "20", "30"]), st.sampled_from(PEOPLE))
FILES = st.lists(ROWS, min_size=1, max_size=6)
_examples = count(1)

Row = tuple[int, str, str]


@dataclass
class Session:
    """A stored session; each change makes it another version, which is an object of its own."""

    who: str
    minutes: str
    version: object = field(default_factory=object)


class Model:
    """Sessions by key; rows are applied one at a time."""

    def __init__(self) -> None:
        self.sessions: dict[int, Session] = {}
        self.known = set(PEOPLE[:2])

    def outcome(self, row: Row, sessions: dict[int, Session]) -> str:
        """Apply a row."""
        key, minutes, who = row
        if who not in self.known:
            return "rejected"
        if key not in sessions:
            sessions[key] = Session(who, minutes)
            return "inserted"
        if sessions[key].who != who:
            return "rejected"
        if sessions[key].minutes == minutes:
            return "unchanged"
        sessions[key] = Session(who, minutes)
        return "updated"

    def plan(self, rows: list[Row]) -> list[str]:
        """The outcome of each row, if it were imported now."""
        sessions = dict(self.sessions)
        return [self.outcome(row, sessions) for row in rows]

    def load(self, rows: list[Row]) -> None:
        """Import a file."""
        for row in rows:
            self.outcome(row, self.sessions)

    def commit(self, rows: list[Row], planned: list[str], base: dict[int, Session]) -> dict[str, int]:
        """Carry out a plan, leaving out the keys whose stored version is another than in *base*."""
        tally: dict[str, int] = {}
        same = {key for key, *_ in rows if self.sessions.get(key) is base.get(key)}
        for row, outcome in zip(rows, planned, strict=True):
            if outcome == "rejected":
                came = "error"
            elif row[0] not in same:
                came = "unpublished"
            else:
                came = self.outcome(row, self.sessions)
                assert came == outcome
            tally[came] = tally.get(came, 0) + 1
        return tally


def body(example: int, rows: list[Row], padding: int = 0) -> bytes:
    lines = [f"MS-{example}-{key},{who},kari@acme.com,2024-11-05,{minutes}," for key, minutes, who in rows]
    return file_of(*lines) + b"\n" * padding


def stored(pipeline: Pipeline, example: int) -> dict[str, list[Any]]:
    found = pipeline.db.run(
        "SELECT s.external_session_id, u.email, s.duration_minutes::text FROM kintell_sessions s"
        "  JOIN users u ON u.id = s.participant_id WHERE s.external_session_id LIKE :like",
        like=f"MS-{example}-%",
    )
    return {key: rest for key, *rest in found}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    first=st.lists(FILES, max_size=2),
    planned=FILES,
    between=st.lists(FILES, max_size=2),
    is_known_later=st.booleans(),
    after=st.lists(FILES, max_size=1),
    skips=st.booleans(),
)
def test_a_commit_carries_out_what_was_shown_and_nothing_else(
    known: Pipeline,
    first: list[list[Row]],
    planned: list[Row],
    between: list[list[Row]],
    is_known_later: bool,
    after: list[list[Row]],
    skips: bool,
) -> None:
    example, model, number = next(_examples), Model(), count(1)
    known.db.run(
        "DELETE FROM users WHERE email = :email AND id NOT IN (SELECT person_id FROM batch_people)", email=PEOPLE[2]
    )
    if known.db.run("SELECT FROM users WHERE email = :email", email=PEOPLE[2]):
        model.known.add(PEOPLE[2])

    def load(files: list[list[Row]]) -> None:
        for rows in files:
            known.load(KEY, body(example, rows, next(number)))
            model.load(rows)

    load(first)
    dry_run = known.load(KEY, body(example, planned, next(number)), dry_run="true")
    outcomes, base = model.plan(planned), dict(model.sessions)
    assert [one["outcome"] for one in changes(dry_run)] == outcomes
    assert dry_run["status"] == ("failed" if set(outcomes) == {"rejected"} else "completed")
    if dry_run["status"] == "failed":
        return
    if is_known_later:
        known.know(PEOPLE[2])
        model.known.add(PEOPLE[2])
    load(between)
    touched = {key for key, *_ in planned if model.sessions.get(key) is not base.get(key)}
    changed = [
        row for row, outcome in zip(planned, outcomes, strict=True) if outcome != "rejected" and row[0] in touched
    ]
    answer = commit(dry_run, "skip" if skips else "refuse")
    if changed and not skips:
        assert (answer.status, answer.body["changedRows"]) == (409, len(changed))
    else:
        load(after)
        touched = {key for key, *_ in planned if model.sessions.get(key) is not base.get(key)}
        is_stale = any(o != "rejected" and row[0] in touched for row, o in zip(planned, outcomes, strict=True))
        batch = known.run(answer.body["batchId"])
        if is_stale and not skips:
            assert (batch["status"], batch["failure_code"]) == ("failed", "plan_stale")
            batch = carried_out(known, dry_run, "skip")
        assert batch["status"] == "completed", batch["failure_reason"]
        assert counts(batch) == model.commit(planned, outcomes, base)
    assert stored(known, example) == {
        f"MS-{example}-{key}": [session.who, session.minutes] for key, session in model.sessions.items()
    }
