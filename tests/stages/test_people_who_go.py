"""People whom a failed import had created, and who are gone before another one, which knew them, is merged."""

from collections.abc import Callable

import pytest

from finalize.fail_batch import fail_batch
from ingestion.database.connection import Connection
from ingestion.errors import StagingLost
from tests.stages.conftest import Pipeline
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
