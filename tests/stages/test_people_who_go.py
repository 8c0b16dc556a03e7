"""People whom a failed import had created, and who are gone before another one, which knew them, is merged."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from finalize.fail_batch import fail_batch
from finalize.finalize_batch import finalize_batch
from ingestion.config import UnknownUsers, settings
from ingestion.contracts import FailTask, StageTask, StateError
from ingestion.database.connection import Connection, transaction
from ingestion.database.publishing import merge_sql, reconciliation
from ingestion.database.publishing.targets import target_of
from ingestion.database.tables.uploads import Arrival
from ingestion.errors import StagingLost
from ingestion.records.kintell_users import KINTELL_USERS
from intake.intake_upload import intake_upload
from reconcile.reconcile_batch import reconcile_batch
from stage.stage_chunk import stage_chunk
from tests.stages.conftest import UPLOADS, Pipeline
from tests.stages.test_interruptions import Run
from tests.stages.test_new_people import OF_LANGUAGE, broken_after_merging, creating, elsewhere, users
from tests.stages.test_outcomes import KEY, file_of, line

__all__ = ["creating", "elsewhere"]

LANGUAGE = file_of(line(1), line(2)).replace(b"mentor_email", b"volunteer_email")


def test_an_import_that_knew_people_of_a_failed_one_stages_its_file_again(
    creating: Pipeline, elsewhere: Callable[[], Connection]
) -> None:
    broken = broken_after_merging(creating, KEY, file_of(line(1)))
    run = Run(creating, LANGUAGE, key=OF_LANGUAGE)
    run.stage()
    shards = run.reconcile()["shards"]
    assert fail_batch(broken, elsewhere()).status == "failed"
    assert users(creating) == []
    with pytest.raises(StagingLost):
        run.merge(*shards)
    run.stage()
    run.merge(*run.reconcile()["shards"])
    assert run.finalize()["status"] == "completed"
    assert len(users(creating)) == 2


def test_an_import_whose_people_are_gone_for_good_rejects_their_rows(
    environment: pytest.MonkeyPatch, pipeline: Pipeline
) -> None:
    pipeline.know("oksana@example.org", "kari@acme.com", "olena@example.org")
    run = Run(pipeline, file_of(line(1), line(2, who="olena@example.org")))
    run.stage()
    shards = run.reconcile()["shards"]
    pipeline.db.run("DELETE FROM users WHERE email = 'olena@example.org'")
    with pytest.raises(StagingLost):
        run.merge(*shards)
    run.stage()
    run.merge(*run.reconcile()["shards"])
    assert run.finalize()["status"] == "completed"
    batch = pipeline.batch(run.batch_id)
    assert (batch["inserted_rows"], batch["error_rows"]) == (1, 1)


SAME, OTHER = "the same programme", "another programme"
PATIENCE_SECONDS = 60


def test_a_failed_roster_keeps_the_people_whom_sessions_name(pipeline: Pipeline) -> None:
    roster = b"Email,Name\noksana@example.org,Oksana\nkari@acme.com,Kari\nolena@example.org,Olena\n"
    loaded = pipeline.load("incoming/kintell_users/users.csv", roster)
    pipeline.load(KEY, file_of(line(1)))
    with transaction(pipeline.db):
        merge_sql.remove_published(pipeline.db, loaded["id"], target_of(KINTELL_USERS.record))
    assert users(pipeline) == ["kari@acme.com", "oksana@example.org"]


@pytest.fixture
def beside(creating: Pipeline, elsewhere: Callable[[], Connection]) -> "Beside":
    """An import that is to be failed, which had created three people; an import of the other programme needs one."""
    task = broken_after_merging(creating, KEY, file_of(line(1), line(2, who="olena@example.org")))
    needs = creating.load(OF_LANGUAGE, LANGUAGE.replace(b"MS-", b"LS-").replace(b"kari@acme.com", b"per@acme.com"))
    assert needs["inserted_rows"] == 2
    assert users(creating) == ["kari@acme.com", "oksana@example.org", "olena@example.org", "per@acme.com"]
    return Beside(creating, task, elsewhere)


@dataclass
class Beside:
    """An import that is failed, and a dry run beside it, each on a connection of its own."""

    pipeline: Pipeline
    failing: FailTask
    connect: Callable[[], Connection]

    def accept_dry_run(self, programme: str) -> UUID:
        body = file_of(line(3), line(4, who="olena@example.org"), line(5, who="ny@example.org"))
        if programme == OTHER:
            body = body.replace(b"mentor_email", b"volunteer_email")
        key = KEY if programme == SAME else OF_LANGUAGE
        return UUID(self.pipeline.upload(key, body, dry_run="true")["batch_id"])

    def dry_run(self, batch_id: UUID, unknown_users: UnknownUsers) -> str:
        """Stage, reconcile and finalize it; its status."""
        db, given = self.connect(), settings().model_copy(update={"unknown_users": unknown_users})
        stage_chunk(StageTask(batch_id=batch_id, chunk=1, execution="dry"), db, given)
        assert reconcile_batch(batch_id, db, given).verdict == "finalize"
        return finalize_batch(batch_id, db, given).status

    def fail(self) -> str:
        return fail_batch(self.failing, self.connect()).status

    def check(self, batch_id: UUID, rejected: int) -> None:
        """Only those are gone whom nobody needs, and the dry run has left nothing."""
        assert users(self.pipeline) == ["oksana@example.org", "per@acme.com"]
        assert self.pipeline.db.run("SELECT DISTINCT program_type FROM kintell_sessions") == [["language_ukraine"]]
        batch = self.pipeline.batch(str(batch_id))
        assert (batch["dry_run"], batch["inserted_rows"], batch["error_rows"]) == (True, 3 - rejected, rejected)


@pytest.mark.parametrize(
    ("unknown_users", "rejected"), [(UnknownUsers.CREATE, 0), (UnknownUsers.REJECT, 1)], ids=["create", "reject"]
)
@pytest.mark.parametrize("programme", [SAME, OTHER])
def test_a_dry_run_ends_while_an_import_is_being_failed(
    beside: Beside, programme: str, unknown_users: UnknownUsers, rejected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_inside, may_go_on = Event(), Event()
    real: Any = merge_sql.remove_published

    def remove_published(*given: Any) -> None:
        real(*given)
        is_inside.set()
        assert may_go_on.wait(PATIENCE_SECONDS)

    batch_id = beside.accept_dry_run(programme)
    monkeypatch.setattr(merge_sql, "remove_published", remove_published)
    with ThreadPoolExecutor(2) as pool:
        failed = pool.submit(beside.fail)
        assert is_inside.wait(PATIENCE_SECONDS)
        try:
            status = pool.submit(beside.dry_run, batch_id, unknown_users).result(PATIENCE_SECONDS)
        finally:
            may_go_on.set()
        assert (status, failed.result(PATIENCE_SECONDS)) == ("completed", "failed")
    beside.check(batch_id, rejected)


@pytest.mark.parametrize(
    ("unknown_users", "rejected"), [(UnknownUsers.CREATE, 0), (UnknownUsers.REJECT, 1)], ids=["create", "reject"]
)
@pytest.mark.parametrize("programme", [SAME, OTHER])
def test_an_import_is_failed_while_a_dry_run_is_being_reconciled(
    beside: Beside, programme: str, unknown_users: UnknownUsers, rejected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_inside, may_go_on = Event(), Event()
    real: Any = reconciliation.reconcile

    def reconcile(*given: Any) -> None:
        real(*given)
        is_inside.set()
        assert may_go_on.wait(PATIENCE_SECONDS)

    batch_id = beside.accept_dry_run(programme)
    monkeypatch.setattr(reconciliation, "reconcile", reconcile)
    with ThreadPoolExecutor(2) as pool:
        status = pool.submit(beside.dry_run, batch_id, unknown_users)
        assert is_inside.wait(PATIENCE_SECONDS)
        try:
            failed = pool.submit(beside.fail).result(PATIENCE_SECONDS)
        finally:
            may_go_on.set()
        assert (status.result(PATIENCE_SECONDS), failed) == ("completed", "failed")
    beside.check(batch_id, rejected)


@pytest.mark.parametrize("is_started", [True, False])
def test_an_event_that_comes_twice_while_its_batch_is_being_failed_makes_no_other_batch(
    creating: Pipeline, elsewhere: Callable[[], Connection], is_started: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = file_of(line(1))
    version = creating.s3.put_object(Bucket=UPLOADS, Key=KEY, Body=body)["VersionId"]
    arrival = Arrival(bucket=UPLOADS, key=KEY, version_id=version, size_bytes=len(body), principal="AWS:operator")
    first = intake_upload(arrival, elsewhere(), settings())
    batch_id = first.batch_id
    assert batch_id
    if is_started:
        stage_chunk(StageTask(batch_id=batch_id, chunk=1, execution="one"), elsewhere(), settings())
    again: list[Future[Any]] = []
    real: Any = merge_sql.remove_published

    def remove_published(*given: Any) -> None:
        real(*given)
        again.extend(pool.submit(intake_upload, arrival, elsewhere(), settings()) for _ in range(2))
        for each in again:
            each.result(PATIENCE_SECONDS)

    monkeypatch.setattr(merge_sql, "remove_published", remove_published)
    task = FailTask(batch_id=batch_id, execution="one", error=StateError(error="States.Timeout"))
    with ThreadPoolExecutor(2) as pool:
        assert fail_batch(task, elsewhere()).status == "failed"
    assert [each.result() for each in again] == [first, first]
    assert intake_upload(arrival, elsewhere(), settings()) == first
    assert creating.db.run("SELECT id, status FROM ingestion_batches") == [[batch_id, "failed"]]
    assert users(creating) == []
