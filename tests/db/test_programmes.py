"""programmes: the right to merge is one batch's at a time; instances are found or created by their slug."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest

from ingestion.database.connection import Connection
from ingestion.database.tables import programmes
from ingestion.records import PROGRAMMES
from ingestion.uploads.identification import Instance
from tests.db.world import CHECK, LANGUAGE, MENTORS, add_batch, backend, refused, wait_until_blocked


def test_only_one_batch_of_a_programme_may_merge(db: Connection) -> None:
    first, second = add_batch(db, "running"), add_batch(db, "running")
    other = add_batch(db, "running", program_type=LANGUAGE)
    assert not programmes.holds(db, MENTORS, first)
    assert programmes.acquire(db, MENTORS, first)
    assert programmes.acquire(db, MENTORS, first), "a try that is repeated has it still"
    assert not programmes.acquire(db, MENTORS, second)
    assert programmes.acquire(db, LANGUAGE, other), "another programme is another right"
    assert (programmes.holds(db, MENTORS, first), programmes.holds(db, MENTORS, second)) == (True, False)
    programmes.release(db, second)
    assert programmes.holds(db, MENTORS, first), "nobody gives back what another has"
    programmes.release(db, first)
    assert programmes.acquire(db, MENTORS, second)
    assert programmes.holds(db, LANGUAGE, other)


@pytest.mark.parametrize("status", ["pending", "completed", "failed", "archived"])
def test_a_right_that_a_batch_left_behind_is_taken_over(db: Connection, status: str) -> None:
    left, next_one = add_batch(db, status), add_batch(db, "running")
    assert programmes.acquire(db, MENTORS, left)
    assert programmes.acquire(db, MENTORS, next_one)
    assert not programmes.holds(db, MENTORS, left)


def test_a_programme_that_is_not_registered_has_no_right_to_give(db: Connection) -> None:
    batch_id = add_batch(db, "running")
    assert not programmes.acquire(db, "tutors", batch_id)
    assert not programmes.holds(db, "tutors", batch_id)


def test_the_right_does_not_change_hands_while_a_shard_is_being_merged(
    new_connection: Callable[[], Connection],
) -> None:
    merging, other, observer = new_connection(), new_connection(), new_connection()
    first, second, pid = add_batch(observer, "running"), add_batch(observer, "running"), backend(other)
    programmes.acquire(observer, MENTORS, first)
    merging.run("BEGIN")
    assert programmes.holds(merging, MENTORS, first)
    observer.run("UPDATE ingestion_batches SET status = 'pending' WHERE id = :id", id=first)
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(programmes.acquire, other, MENTORS, second)
        wait_until_blocked(observer, pid)
        merging.run("COMMIT")
        assert taking.result(timeout=10)


def test_registering_again_changes_nothing(db: Connection) -> None:
    batch_id = add_batch(db, "running")
    programmes.acquire(db, MENTORS, batch_id)
    programmes.register(db, [*PROGRAMMES, "tutors"])
    assert programmes.holds(db, MENTORS, batch_id)
    assert {row[0] for row in db.run("SELECT program_type FROM programmes")} == {*PROGRAMMES, "tutors"}


def an_instance(slug: str, starts_on: date | None, ends_on: date | None) -> Instance:
    """An instance of the mentors' programme."""
    return Instance(program_type=MENTORS, slug=slug, name=slug, starts_on=starts_on, ends_on=ends_on)


def test_an_instance_is_created_once(db: Connection) -> None:
    named = an_instance("mentors-ukraine-2024-q4", date(2024, 10, 1), date(2024, 12, 31))
    first = programmes.find_or_create_instance(db, named)
    assert programmes.find_or_create_instance(db, replace(named, name="Another")) == first
    assert db.run("SELECT name FROM program_instances") == [["mentors-ukraine-2024-q4"]]


def test_an_instance_ends_after_it_started(db: Connection) -> None:
    with refused(db, CHECK):
        programmes.find_or_create_instance(db, an_instance("backwards", date(2024, 2, 1), date(2024, 1, 1)))


@pytest.mark.parametrize(
    ("first", "last", "slugs"),
    [
        pytest.param(date(2024, 11, 1), date(2024, 11, 30), ["november", "quarter"], id="the shortest first"),
        pytest.param(date(2024, 11, 30), date(2024, 12, 1), ["quarter"], id="over the end of a month"),
        pytest.param(date(2024, 9, 30), date(2024, 10, 1), [], id="not in one of them"),
    ],
)
def test_instances_are_found_by_the_days_that_they_hold(
    db: Connection, first: date, last: date, slugs: list[str]
) -> None:
    for slug, start, end in (
        ("quarter", date(2024, 10, 1), date(2024, 12, 31)),
        ("november", date(2024, 11, 1), date(2024, 11, 30)),
        ("always", None, None),
    ):
        programmes.find_or_create_instance(db, an_instance(slug, start, end))
    assert [slug for _, slug in programmes.instances_around(db, MENTORS, first, last)] == slugs
    assert programmes.instances_around(db, LANGUAGE, first, last) == []
