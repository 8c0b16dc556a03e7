"""chunks and shards: the ledgers of an import, whose rows add up and which say what is still to be done."""

from typing import Any
from uuid import UUID

import pytest

from ingestion.batch import FaultCount, Tally
from ingestion.database.connection import Connection
from ingestion.database.tables import chunks, ledger, shards
from ingestion.database.tables.chunks import Staged
from ingestion.database.tables.ledger import Ledger
from ingestion.values.ratings import RatingFacts, Scale
from tests.db.world import CHECK, FOREIGN_KEY, add_batch, refused

BAD_EMAIL: FaultCount = {"code": "E001", "category": "validation", "field": "participant_email", "count": 2}
BAD_DATE: FaultCount = {"code": "E003", "category": "validation", "field": "scheduled_at", "count": 1}


@pytest.fixture
def batch_id(db: Connection) -> UUID:
    """A batch of three chunks of ten rows each."""
    planned = add_batch(db, "running", total_rows=30)
    spans = [{"number": n, "start": n * 100, "first_row": n * 10 - 9, "rows": 10} for n in (1, 2, 3)]
    chunks.plan(db, planned, spans)
    return planned


def staged(rejected: int = 0, *faults: FaultCount, scale: Scale | None = None, **facts: bool) -> Staged:
    """The outcome of a chunk of ten rows."""
    return Staged(
        staged_rows=10 - rejected,
        rejected_rows=rejected,
        fault_counts=list(faults),
        rating_scale=scale,
        rating_facts=RatingFacts(**facts),
    )


def reconcile(db: Connection, batch_id: UUID, number: int, **counts: int) -> None:
    """Note the outcome of a chunk's staged rows."""
    columns = ", ".join(f"{name} = {count}" for name, count in counts.items())
    columns += f", conflicting_rows = ARRAY(SELECT generate_series(1, {counts.get('conflict_rows', 0)}))"
    db.run(
        f"UPDATE chunks SET state = 'reconciled', {columns} WHERE batch_id = :batch_id AND number = :number",
        batch_id=batch_id,
        number=number,
    )


def test_the_plan_says_which_chunks_are_to_be_staged(db: Connection, batch_id: UUID) -> None:
    assert ledger.read(db, batch_id).not_staged == [1, 2, 3]
    chunk = chunks.get(db, batch_id, 2)
    assert (chunk.state, chunk.span["start"], chunk.rating_scale) == ("planned", 200, None)
    chunks.stage(db, batch_id, 2, staged())
    assert ledger.read(db, batch_id).not_staged == [1, 3]
    with pytest.raises(LookupError):
        chunks.get(db, batch_id, 4)


def test_a_chunk_that_is_staged_again_counts_once(db: Connection, batch_id: UUID) -> None:
    chunks.stage(db, batch_id, 1, staged(3, BAD_EMAIL, BAD_DATE))
    chunks.stage(db, batch_id, 1, staged(2, BAD_EMAIL))
    chunk = chunks.get(db, batch_id, 1, lock=True)
    assert (chunk.state, chunk.staged_rows, chunk.rejected_rows) == ("staged", 8, 2)
    assert ledger.read(db, batch_id).rejected == 2
    assert [line.staged_rows for line in ledger.read(db, batch_id).chunks] == [8, 0, 0]


@pytest.mark.parametrize(
    ("state", "counts", "constraint"),
    [
        pytest.param("staged", {"staged_rows": 9}, "every_staged_row_is_counted", id="a row is neither"),
        pytest.param(
            "staged", {"staged_rows": 10, "rejected_rows": 1}, "every_staged_row_is_counted", id="a row is both"
        ),
        pytest.param(
            "reconciled", {"staged_rows": 10, "inserted_rows": 9}, "every_reconciled_row_is_counted", id="one lost"
        ),
        pytest.param("lost", {"staged_rows": 10}, None, id="no such state"),
    ],
)
def test_the_rows_of_a_chunk_add_up(
    db: Connection, batch_id: UUID, state: str, counts: dict[str, Any], constraint: str | None
) -> None:
    columns = ", ".join(f"{name} = {count}" for name, count in counts.items())
    with refused(db, CHECK, constraint):
        db.run(f"UPDATE chunks SET state = :state, {columns} WHERE batch_id = :id", state=state, id=batch_id)


def test_chunks_and_shards_are_of_a_batch(db: Connection) -> None:
    with refused(db, FOREIGN_KEY):
        chunks.plan(db, UUID(int=0), [{"number": 1, "first_row": 1, "rows": 1}])
    with refused(db, FOREIGN_KEY):
        shards.plan(db, UUID(int=0), [(0, 1, 0)])


def test_the_faults_of_all_chunks_are_summed_by_code_and_field(db: Connection, batch_id: UUID) -> None:
    chunks.stage(db, batch_id, 1, staged(2, BAD_EMAIL))
    chunks.stage(db, batch_id, 2, staged(3, BAD_EMAIL, BAD_DATE))
    summed = [{**BAD_EMAIL, "count": 4}, BAD_DATE]
    assert ledger.read(db, batch_id).faults("session_id").as_summary() == summed
    chunks.plan_again(db, batch_id, [2], None)
    assert ledger.read(db, batch_id).faults("session_id").as_summary() == [BAD_EMAIL], (
        "what is to be read again does not count"
    )
    assert ledger.read(db, batch_id).rejected == 2


def test_a_chunk_is_planned_again_with_the_scale_that_was_found(db: Connection, batch_id: UUID) -> None:
    for number in (1, 2, 3):
        chunks.stage(db, batch_id, number, staged(saw_below_one=True))
    chunks.plan_again(db, batch_id, [1, 3], Scale.ONE_TO_FIVE)
    chunks.plan_again(db, batch_id, [3], None)
    lines = ledger.read(db, batch_id).chunks
    facts = [(line.number, line.rating_scale, line.rating_facts.saw_below_one) for line in lines]
    assert facts == [(1, Scale.ONE_TO_FIVE, True), (2, None, True), (3, Scale.ONE_TO_FIVE, True)]
    assert ledger.read(db, batch_id).not_staged == [1, 3]
    chunks.plan_all_again(db, batch_id)
    assert ledger.read(db, batch_id).not_staged == [1, 2, 3]


def test_chunks_whose_rows_are_not_all_there_are_lost(db: Connection, batch_id: UUID) -> None:
    chunks.stage(db, batch_id, 1, staged())
    chunks.stage(db, batch_id, 2, staged(1, BAD_DATE))
    read = ledger.read(db, batch_id)
    assert read.lost({1: 10, 2: 9}) == [3], "it was never staged"
    assert read.lost({1: 10, 3: 1}) == [2, 3]
    assert read.lost({}) == read.lost(None) == [1, 2, 3]


def test_chunks_that_look_like_the_other_scale_are_told_once_a_part_of_the_file_shows_its_own(
    db: Connection, batch_id: UUID
) -> None:
    chunks.stage(db, batch_id, 1, staged(saw_below_one=True, saw_any=True))
    chunks.stage(db, batch_id, 2, staged(saw_below_one=True, saw_any=True, scale=Scale.ONE_TO_FIVE))
    chunks.stage(db, batch_id, 3, staged(saw_above_one=True, saw_any=True))
    read = ledger.read(db, batch_id)
    assert read.rating_facts == RatingFacts(saw_above_one=True, saw_below_one=True, saw_any=True)
    assert read.seem_zero_to_one == [1]


def test_a_batch_without_a_plan_has_an_empty_ledger(db: Connection) -> None:
    assert ledger.read(db, add_batch(db)) == Ledger(chunks=(), shards=())


def test_the_tally_is_the_sum_of_what_was_reconciled(db: Connection, batch_id: UUID) -> None:
    assert ledger.read(db, batch_id).totals == Tally()
    chunks.stage(db, batch_id, 1, staged(4))
    chunks.stage(db, batch_id, 2, staged())
    reconcile(db, batch_id, 1, inserted_rows=3, updated_rows=2, conflict_rows=1)
    reconcile(db, batch_id, 2, unchanged_rows=8, conflict_rows=2)
    tally = ledger.read(db, batch_id).totals
    assert tally == Tally(total=20, inserted=3, updated=2, unchanged=8, rejected=7)
    assert tally.balances
    assert ledger.read(db, batch_id).rejected == 7
    assert [
        (fault["code"], fault["count"]) for fault in ledger.read(db, batch_id).faults("session_id").as_summary()
    ] == [("E030", 3)]
    assert ledger.read(db, batch_id).with_conflicts == [1, 2]
    assert chunks.get(db, batch_id, 2).conflicts == {1, 2}


def test_the_error_file_has_a_part_of_each_chunk_with_rejects(db: Connection, batch_id: UUID) -> None:
    chunks.stage(db, batch_id, 3, staged(1, BAD_DATE))
    chunks.stage(db, batch_id, 2, staged())
    chunks.stage(db, batch_id, 1, staged())
    reconcile(db, batch_id, 1, inserted_rows=9, conflict_rows=1)
    assert ledger.read(db, batch_id).with_rejects == [1, 3]
    chunks.mark_reconciled(db, add_batch(db))
    assert chunks.get(db, batch_id, 2).state == "staged"


def test_a_shard_is_merged_once(db: Connection, batch_id: UUID) -> None:
    shards.plan(db, batch_id, [(9, 9, 9)])
    shards.plan(db, batch_id, [(0, 5, 1), (2, 3, 0)])
    assert ledger.read(db, batch_id).shards_to_merge == [0, 2]
    assert shards.lock(db, batch_id, 0) == (5, 1)
    shards.merged(db, batch_id, 0)
    assert shards.lock(db, batch_id, 0) is None
    assert shards.lock(db, batch_id, 1) is None, "nothing of it is to be merged"
    assert (ledger.read(db, batch_id).shards_to_merge, shards.lock_all(db, batch_id)) == ([2], [0])
    shards.forget(db, batch_id)
    assert ledger.read(db, batch_id).shards_to_merge == shards.lock_all(db, batch_id) == []
