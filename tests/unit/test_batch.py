"""A batch's states, its tally and the summary of its faults."""

import pytest
from pydantic import ValidationError

from ingestion.batch import NEXT, BatchStatus, FaultCounts, Tally
from ingestion.faults import Category, Fault, FaultCode

PENDING, RUNNING, COMPLETED, FAILED, ARCHIVED, UNDOING, UNDONE = BatchStatus


@pytest.mark.parametrize(
    ("old", "allowed"),
    [
        (PENDING, {RUNNING, FAILED}),
        (RUNNING, {COMPLETED, FAILED}),
        (COMPLETED, {ARCHIVED, UNDOING}),
        (FAILED, {RUNNING}),
        (ARCHIVED, set()),
        (UNDOING, {UNDONE, COMPLETED}),
        (UNDONE, {UNDOING}),
    ],
)
def test_a_batch_moves_only_where_the_table_says(old: BatchStatus, allowed: set[BatchStatus]) -> None:
    assert NEXT[old] == allowed


def test_a_tally_sums_up_what_became_of_the_rows() -> None:
    tally = Tally(total=10, inserted=4, updated=2, unchanged=1, rejected=3)
    assert (tally.success, tally.skipped, tally.errors, tally.balances) == (6, 1, 3, True)
    assert tally.error_percent == 30


def test_a_tally_that_misses_a_row_does_not_balance() -> None:
    assert not Tally(total=10, inserted=9).balances


def test_tallies_of_chunks_add_up() -> None:
    first = Tally(total=5, inserted=2, updated=1, unchanged=1, rejected=1)
    second = Tally(total=3, inserted=1, unchanged=2)
    assert first + second == Tally(total=8, inserted=3, updated=1, unchanged=3, rejected=1)
    assert sum([first, second], Tally()).balances


def test_a_tally_holds_no_negative_counts() -> None:
    with pytest.raises(ValidationError):
        Tally(total=-1)


@pytest.mark.parametrize(
    ("tally", "outcome"),
    [
        pytest.param(Tally(), COMPLETED, id="a header and no rows"),
        pytest.param(Tally(total=2, rejected=2), FAILED, id="every row rejected"),
        pytest.param(Tally(total=2, inserted=1, rejected=1), COMPLETED, id="some rows rejected"),
        pytest.param(Tally(total=2, unchanged=2), COMPLETED, id="nothing new"),
    ],
)
def test_a_batch_fails_only_if_every_row_was_rejected(tally: Tally, outcome: BatchStatus) -> None:
    assert tally.outcome is outcome


@pytest.mark.parametrize(
    ("tally", "limit", "is_over"),
    [
        pytest.param(Tally(), 0, False, id="no rows"),
        pytest.param(Tally(total=100, inserted=95, rejected=5), 5, False, id="exactly the limit"),
        pytest.param(Tally(total=100, inserted=94, rejected=6), 5, True, id="one more"),
        pytest.param(Tally(total=100, inserted=99, rejected=1), 0, True, id="none allowed"),
        pytest.param(Tally(total=3, rejected=3), 100, False, id="all allowed"),
        pytest.param(Tally(total=1_000, inserted=995, rejected=5), 0.5, False, id="part of a percent"),
    ],
)
def test_the_error_limit_is_passed_by_one_reject_too_many(tally: Tally, limit: float, is_over: bool) -> None:
    assert tally.is_over(limit) is is_over
    assert (tally.error_percent > limit) is is_over


CODES = {
    "E001": Category.VALIDATION,
    "E002": Category.VALIDATION,
    "E003": Category.VALIDATION,
    "E004": Category.VALIDATION,
    "E005": Category.VALIDATION,
    "E006": Category.VALIDATION,
    "E007": Category.VALIDATION,
    "E008": Category.VALIDATION,
    "E009": Category.VALIDATION,
    "E010": Category.VALIDATION,
    "E011": Category.VALIDATION,
    "E012": Category.VALIDATION,
    "E013": Category.VALIDATION,
    "E020": Category.USER_NOT_FOUND,
    "E021": Category.USER_NOT_FOUND,
    "E022": Category.USER_NOT_FOUND,
    "E030": Category.DUPLICATE,
    "E040": Category.DB_ERROR,
}


@pytest.mark.parametrize("code", FaultCode)
def test_a_summary_gives_every_code_its_category(code: FaultCode) -> None:
    summary = FaultCounts.of([Fault(code, "row", "anna@example.org did it")]).as_summary()
    assert summary == [{"code": code.value, "category": CODES[code.value], "field": "row", "count": 1}]


def test_there_is_no_code_beside_those_of_the_domain() -> None:
    assert {code.value for code in FaultCode} == set(CODES)


def fault(code: FaultCode, field: str) -> Fault:
    return Fault(code, field, f"{field}: something personal")


def test_a_summary_groups_by_code_and_field_and_puts_the_most_frequent_first() -> None:
    counts = FaultCounts()
    counts.add([fault(FaultCode.INVALID_EMAIL, "participant_email"), fault(FaultCode.INVALID_DATE, "scheduled_at")])
    counts.add([fault(FaultCode.INVALID_EMAIL, "mentor_email"), fault(FaultCode.INVALID_DATE, "scheduled_at")])
    summary = [(line["code"], line["field"], line["count"]) for line in counts.as_summary()]
    assert summary == [("E003", "scheduled_at", 2), ("E001", "mentor_email", 1), ("E001", "participant_email", 1)]


def test_the_counts_of_chunks_merge_as_if_the_file_were_one() -> None:
    faults = [fault(FaultCode.INVALID_RATING, "rating")] * 3 + [fault(FaultCode.INVALID_EMAIL, "mentor_email")] * 2
    first, second = FaultCounts.of(faults[:2]), FaultCounts.of(faults[2:])
    first.merge(second)
    assert first.as_summary() == FaultCounts.of(faults).as_summary()
    assert len(second.as_summary()) == 2


def test_counts_come_back_from_their_summary() -> None:
    summary = FaultCounts.of([fault(FaultCode.TEXT_TOO_LONG, "topics")] * 2).as_summary()
    assert FaultCounts.from_summary(summary).as_summary() == summary
