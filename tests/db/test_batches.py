"""ingestion_batches: one live batch per file and programme, one batch per upload, and counts that add up."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from ingestion.batch import BatchStatus
from ingestion.database.connection import Connection
from ingestion.database.tables import batch_states, batches, new_batches
from ingestion.database.tables.new_batches import NewBatch
from tests.db.world import (
    CHECK,
    FOREIGN_KEY,
    LANGUAGE,
    MENTORS,
    UNIQUE,
    a_hash,
    add_batch,
    add_upload,
    backend,
    batch_columns,
    refused,
    wait_until_blocked,
)


def a_batch(db: Connection, **given: Any) -> NewBatch:
    """A batch as intake knows it."""
    columns: dict[str, Any] = dict.fromkeys(NewBatch.model_fields)
    columns |= {
        "id": uuid4(),
        "upload_id": add_upload(db),
        "program_type": MENTORS,
        "file_name": "a.csv",
        "file_hash": a_hash(),
        "file_size_bytes": 1,
        "forced": False,
        "dry_run": False,
        "format": {},
        "csv_metadata": {"delimiter": ","},
        "shard_count": 1,
        "total_rows": 10,
    }
    return NewBatch(**{**columns, **given})


# One live batch per file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "columns", "may_be_created"),
    [
        pytest.param("pending", {}, False, id="pending blocks"),
        pytest.param("running", {}, False, id="running blocks"),
        pytest.param("completed", {}, False, id="completed blocks"),
        pytest.param("archived", {}, False, id="archived blocks"),
        pytest.param("failed", {}, True, id="failed does not"),
        pytest.param("completed", {"dry_run": True}, True, id="a dry run does not"),
        pytest.param("completed", {"program_type": LANGUAGE}, True, id="another programme does not"),
    ],
)
def test_a_file_that_is_live_in_its_programme_is_not_imported_again(
    db: Connection, there: str, columns: dict[str, Any], may_be_created: bool
) -> None:
    file_hash = a_hash()
    add_batch(db, there, file_hash=file_hash, **columns)
    assert new_batches.create(db, a_batch(db, file_hash=file_hash)) is may_be_created
    assert new_batches.create(db, a_batch(db, file_hash=file_hash, dry_run=True)), "a dry run may always be made"
    assert new_batches.create(db, a_batch(db, file_hash=file_hash, forced=True, force_reason="asked to"))


def test_the_live_batch_is_named_with_its_date(db: Connection) -> None:
    file_hash = a_hash()
    assert new_batches.find_live(db, file_hash, MENTORS) is None
    add_batch(db, "failed", file_hash=file_hash)
    add_batch(db, "completed", file_hash=file_hash, dry_run=True)
    assert new_batches.find_live(db, file_hash, MENTORS) is None
    add_batch(db, "completed", file_hash=file_hash, forced=True, force_reason="asked to")
    archived = add_batch(db, "archived", file_hash=file_hash)
    live = new_batches.find_live(db, file_hash, MENTORS)
    assert live is not None
    assert (live.id, live.status, live.date) == (archived, BatchStatus.ARCHIVED, "2024-12-01")


@pytest.mark.parametrize(
    ("ends_with", "second_is_created"),
    [pytest.param("COMMIT", False, id="the first is there"), pytest.param("ROLLBACK", True, id="the first gave up")],
)
def test_of_two_batches_of_one_file_at_the_same_moment_one_is_created(
    new_connection: Callable[[], Connection], ends_with: str, second_is_created: bool
) -> None:
    first, second, observer = new_connection(), new_connection(), new_connection()
    file_hash, pid = a_hash(), backend(second)
    first.run("BEGIN")
    second.run("BEGIN")
    given = a_batch(second, file_hash=file_hash)
    assert new_batches.create(first, a_batch(first, file_hash=file_hash))
    assert new_batches.find_live(second, file_hash, MENTORS) is None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(new_batches.create, second, given)
        wait_until_blocked(observer, pid)
        first.run(ends_with)
        assert waiting.result(timeout=10) is second_is_created
    second.run("COMMIT")
    assert observer.run("SELECT count(*) FROM ingestion_batches") == [[1]]


def test_one_upload_is_one_batch(db: Connection) -> None:
    upload_id = add_upload(db)
    batch_id = add_batch(db, "failed", upload_id=upload_id)
    with refused(db, UNIQUE, "one_batch_per_upload"):
        add_batch(db, upload_id=upload_id)
    assert new_batches.find_of_upload(db, upload_id) == batch_id
    assert new_batches.find_of_upload(db, uuid4()) is None


def test_a_batch_that_failed_is_not_tried_again_once_another_has_its_file(db: Connection) -> None:
    file_hash = a_hash()
    failed = add_batch(db, "failed", file_hash=file_hash)
    add_batch(db, "completed", file_hash=file_hash)
    with refused(db, UNIQUE, "one_live_batch_per_file"):
        batch_states.start_over(db, failed, "execution-2")


# What a batch must be -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "columns", "state"),
    [
        pytest.param("completed", {"inserted_rows": 9}, CHECK, id="a row is not counted"),
        pytest.param("completed", {"error_rows": 1}, CHECK, id="a row is counted twice"),
        pytest.param("failed", {"skipped_rows": 3}, CHECK, id="a failed batch counts too"),
        pytest.param("lost", {}, CHECK, id="no such status"),
        pytest.param("failed", {"failure_reason": None}, CHECK, id="failed without a reason"),
        pytest.param("completed", {"failure_reason": "x"}, CHECK, id="a reason without a failure"),
        pytest.param("completed", {"completed_at": None}, CHECK, id="ended without a time"),
        pytest.param("running", {"completed_at": "2024-12-01"}, CHECK, id="a time without an end"),
        pytest.param("pending", {"forced": True, "force_reason": " "}, CHECK, id="forced without a reason"),
        pytest.param("pending", {"file_hash": "x"}, CHECK, id="no hash"),
        pytest.param("pending", {"max_error_percent": 101}, CHECK, id="a limit over 100 percent"),
        pytest.param("pending", {"shard_count": 0}, CHECK, id="no shard"),
        pytest.param("pending", {"program_type": "tutors"}, FOREIGN_KEY, id="no such programme"),
        pytest.param("pending", {"program_instance_id": -1}, FOREIGN_KEY, id="no such instance"),
        pytest.param("pending", {"parent_batch_id": UUID(int=0)}, FOREIGN_KEY, id="no such parent"),
        pytest.param("pending", {"upload_id": UUID(int=1)}, FOREIGN_KEY, id="no such upload"),
    ],
)
def test_a_batch_is_whole(db: Connection, status: str, columns: dict[str, Any], state: str) -> None:
    with refused(db, state):
        add_batch(db, status, **columns)


def test_success_is_what_was_inserted_or_updated(db: Connection) -> None:
    batch_id = add_batch(db, "completed", inserted_rows=4, updated_rows=3, skipped_rows=2, error_rows=1)
    assert batch_columns(db, batch_id, "success_rows") == [7]


def test_what_reconciling_found_is_added_to_the_metadata(db: Connection) -> None:
    new = a_batch(db)
    new_batches.create(db, new)
    batch_states.reconciled(db, new.id, "1-5", True)
    db.run("UPDATE ingestion_batches SET reconciled_at = reconciled_at - interval '1 hour'")
    batch_states.reconciled(db, new.id, "0-1", False)
    assert batch_columns(db, new.id, "rating_scale, csv_metadata, reconciled_at < now()") == [
        "0-1",
        {"delimiter": ",", "ratingScale": "0-1", "ratingScaleAssumed": False},
        True,
    ]


def test_a_batch_that_is_not_there_is_not_found(db: Connection) -> None:
    with pytest.raises(LookupError):
        batches.get(db, uuid4())
    assert batches.find_parent(db, uuid4()) is None


def test_a_batch_is_read_with_the_file_that_it_is_of(db: Connection) -> None:
    upload_id = add_upload(db, key="incoming/b.csv", version_id="v7")
    new = a_batch(db, upload_id=upload_id, max_error_percent=12.5, imported_by="AWS:operator")
    new_batches.create(db, new)
    batch = batches.get(db, new.id, lock=True)
    assert (batch.bucket, batch.key, batch.version_id) == ("uploads", "incoming/b.csv", "v7")
    assert (batch.status, batch.max_error_percent, batch.execution) == (BatchStatus.PENDING, 12.5, None)
    parent = batches.find_parent(db, new.id)
    assert parent is not None
    assert (parent.program_type, parent.program_instance_id, parent.has_lost_rejects) == (MENTORS, None, False)
