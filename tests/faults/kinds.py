"""Every kind of trial, by the name that is printed. A new kind goes to the end: a seed means the kind of its place."""

from functools import partial

from tests.faults import brought_back, cleaning, disturbing, starting_over, undoing, uploads_at_once
from tests.faults.database_relay import When
from tests.faults.s3_relay import Trouble
from tests.faults.trials import Kind, disturbed

ERRORS = (Trouble.ERROR_500, Trouble.ERROR_503)
BREAKS = (Trouble.REFUSED, Trouble.BROKEN_BODY, Trouble.LOST_ANSWER)

KINDS: dict[str, Kind] = {
    "killed at random": partial(disturbed, disturbing.killed_at_random),
    "killed before commit": partial(disturbed, partial(disturbing.killed_at_commit, when=When.BEFORE)),
    "killed after commit": partial(disturbed, partial(disturbing.killed_at_commit, when=When.AFTER)),
    "cut off after commit": partial(disturbed, partial(disturbing.killed_at_commit, when=When.CUT)),
    "at its time limit": partial(disturbed, disturbing.at_its_time_limit),
    "database crashed": partial(disturbed, disturbing.database_crashed),
    "database killed": partial(disturbed, disturbing.database_killed),
    "S3 answers 500 or 503": partial(disturbed, partial(disturbing.s3_in_trouble, troubles=ERRORS)),
    "S3 breaks off": partial(disturbed, partial(disturbing.s3_in_trouble, troubles=BREAKS)),
    "event three times": partial(disturbed, disturbing.event_three_times),
    "twenty identical": uploads_at_once.twenty_identical,
    "same ids at once": uploads_at_once.same_ids_at_once,
    "clean-up interrupted": cleaning.retention_interrupted,
    "aborted, started over": starting_over.aborted_and_started_over,
    "broken, started over": starting_over.broken_and_started_over,
    "all at once": partial(disturbed, disturbing.all_at_once),
    "cancelled, started over": starting_over.cancelled_and_started_over,
    "undone, killed": undoing.undone_and_killed,
    "retried, killed": brought_back.retried_and_killed,
    "corrected, killed": brought_back.corrected_and_killed,
}


def kind_of(seed: int) -> str:
    """As many trials in a row as there are kinds have one of each."""
    return list(KINDS)[seed % len(KINDS)]
