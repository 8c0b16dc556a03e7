"""People whom an import creates: those of a dry run never were, and nobody waits for those who go again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from finalize.fail_batch import fail_batch
from ingestion.contracts import FailTask, StateError
from ingestion.database.connection import Connection, connect
from ingestion.database.publishing import merge_sql
from ingestion.database.tables import people
from ingestion.errors import Unavailable
from local.postgres import Database
from tests.conftest import functions_secret_of
from tests.db.world import LANGUAGE, a_session, insert
from tests.stages.conftest import Pipeline
from tests.stages.test_interruptions import Run
from tests.stages.test_outcomes import KEY, counts, file_of, line

OF_LANGUAGE = "incoming/language_ukraine/language-ukraine-2024-11/sessions.csv"


@pytest.fixture
def creating(environment: pytest.MonkeyPatch, pipeline: Pipeline) -> Pipeline:
    """Where unknown people are created."""
    environment.setenv("UNKNOWN_USERS", "create")
    return pipeline


@pytest.fixture
def elsewhere(database: Database) -> Iterator[Callable[[], Connection]]:
    """Makes connections of the functions, beside those of the stages."""
    made: list[Connection] = []

    def make() -> Connection:
        made.append(connect(functions_secret_of(database)))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def merge_at_work(creating: Pipeline, elsewhere: Callable[[], Connection]) -> Iterator[Connection]:
    """Another programme's merge, which has written a session and is not done."""
    given = a_session(creating.db, program_type=LANGUAGE)
    db = elsewhere()
    db.run("BEGIN")
    insert(db, "kintell_sessions", **given)
    yield db
    db.run("ROLLBACK")


def users(pipeline: Pipeline) -> list[str]:
    return [email for (email,) in pipeline.db.run("SELECT email FROM users ORDER BY email")]


@pytest.mark.parametrize(
    ("body", "options", "outcome"),
    [
        pytest.param(
            file_of(line(1), line(2, who="ny@example.org")), {"dry_run": "true"}, (2, 0, 0, 0), id="a dry run"
        ),
        pytest.param(
            file_of(line(1), line(2, who="no address")), {"max_error_percent": "10"}, (0, 0, 1, 1), id="too many errors"
        ),
    ],
)
@pytest.mark.usefixtures("merge_at_work")
def test_an_import_that_publishes_nothing_creates_nobody_and_waits_for_no_merge(
    creating: Pipeline, body: bytes, options: dict[str, str], outcome: tuple[int, ...]
) -> None:
    before = users(creating)
    batch = creating.load(KEY, body, **options)
    assert counts(batch) == outcome, batch["failure_reason"]
    assert "import_broke" not in (batch["failure_reason"] or "")
    assert users(creating) == before


TOGETHER = [
    pytest.param([line(1), line(1), line(1, "a")], id="a stranger's session again and again"),
    pytest.param([line(1), line(1, who="ny@example.org"), line(1, "b")], id="two strangers claim a session"),
    pytest.param([line(7, who="ny@example.org")], id="a stranger claims somebody's session"),
    pytest.param([line(7, "c"), line(8), line(8, who="kari@acme.com")], id="one who is known among strangers"),
    pytest.param([line(n, who=f"p{n % 3}@example.org") for n in (1, 2, 3, 1, 2, 4)], id="some strangers"),
]


@pytest.mark.parametrize("lines", TOGETHER)
def test_a_dry_run_says_what_the_import_comes_to(creating: Pipeline, lines: list[str]) -> None:
    creating.load(KEY, file_of(line(7)))
    before = users(creating)
    dry = creating.load(KEY, file_of(*lines), dry_run="true")
    assert users(creating) == before
    wet = creating.load(KEY, file_of(*lines))
    assert counts(dry) == counts(wet)
    assert dry["error_summary"] == wet["error_summary"]


def broken_after_merging(pipeline: Pipeline, key: str, body: bytes) -> FailTask:
    """A batch whose rows and people are there, and which is to be taken back."""
    run = Run(pipeline, body, key=key)
    run.stage()
    run.merge(*run.reconcile()["shards"])
    return FailTask(batch_id=UUID(run.batch_id), execution=run.execution, error=StateError(error="BatchBroken"))


def two_broken(creating: Pipeline) -> list[FailTask]:
    other = file_of(line(1, who="olena@example.org")).replace(b"mentor_email", b"volunteer_email")
    return [
        broken_after_merging(creating, KEY, file_of(line(1))),
        broken_after_merging(creating, OF_LANGUAGE, other.replace(b"kari@acme.com", b"per@acme.com")),
    ]


def test_two_that_fail_at_once_do_not_wait_for_each_other(
    creating: Pipeline, elsewhere: Callable[[], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Barrier(2)
    real: Any = merge_sql.remove_published

    def remove_published(*given: Any) -> None:
        real(*given)
        both.wait(timeout=30)

    breakages = two_broken(creating)
    assert len(users(creating)) == 4
    monkeypatch.setattr(merge_sql, "remove_published", remove_published)
    with ThreadPoolExecutor(2) as pool:
        finalized = [pool.submit(fail_batch, breakage, elsewhere()) for breakage in breakages]
        assert [each.result(timeout=60).status for each in finalized] == ["failed", "failed"]
    assert users(creating) == []
    assert creating.db.run("SELECT count(*) FROM kintell_sessions") == [[0]]


def test_who_deletes_people_holds_up_no_merge_for_long_and_is_tried_again(
    creating: Pipeline, elsewhere: Callable[[], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "LOCK_SECONDS", 0.1)
    breakage = broken_after_merging(creating, KEY, file_of(line(1)))
    given = a_session(creating.db, program_type=LANGUAGE)
    created = set(users(creating))
    at_work, finalizing = elsewhere(), elsewhere()
    at_work.run("BEGIN")
    insert(at_work, "kintell_sessions", **given)
    with pytest.raises(Unavailable):
        fail_batch(breakage, finalizing)
    assert set(users(creating)) == created
    at_work.run("COMMIT")
    assert fail_batch(breakage, finalizing).status == "failed"
    assert set(users(creating)) == created - {"kari@acme.com", "oksana@example.org"}
