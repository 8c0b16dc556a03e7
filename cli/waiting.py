"""Waits for an upload to become a batch and for the batch to end, and does not give up after one failed request."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from cli.api import Api, Json, backfill_path, batch_path, upload_path
from cli.command_errors import ApiProblem, Failure, Unreachable
from cli.progress_bars import Progress
from cli.reports import ENDED, RETRYABLE
from cli.words import command

ROSTER: Final = "kintell_users"
FIRST_PAUSE_SECONDS: Final = 0.15
LONGEST_PAUSE_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 30.0
"""How long an unanswered request is repeated."""


def get_batch(api: Api, batch_id: str) -> Json:
    """The status of a batch. Raises ApiProblem, Unreachable."""
    return api.get(backfill_path(batch_id, "/status"))


def wait_for_upload(api: Api, upload_id: str, timeout_seconds: float) -> Json:
    """The upload, accepted or refused; still `waiting` if there is no decision in time."""
    deadline = time.monotonic() + timeout_seconds
    waits = pauses()
    while True:
        upload = patiently(lambda: api.get(upload_path(upload_id)))
        left = deadline - time.monotonic()
        if upload["state"] != "waiting" or left <= 0:
            return upload
        time.sleep(min(next(waits), left))


def not_received(upload_id: str, timeout_seconds: float) -> Failure:
    """The error for a file that was sent but whose import did not start in time."""
    return Failure(
        f"The file was sent, but its import did not start within {timeout_seconds:g} seconds; "
        f"it may still start: {command('kintell', 'status', upload_id, '--watch')}"
    )


def with_file_facts(api: Api, batch: Json) -> Json:
    """The batch with details of its file, if these are available."""
    try:
        found = {**batch, "csvMetadata": api.get(batch_path(batch["batchId"]))["csvMetadata"]}
        # If all valid rows are new, no earlier file had any of them.
        if batch["status"] in ENDED and (batch["updatedRows"] or batch["skippedRows"]):
            found["overlap"] = api.get(batch_path(batch["batchId"], "/overlap"))["items"]
    except (ApiProblem, Unreachable, KeyError):
        return batch
    return found


def retryable(api: Api, batch: Json) -> list[Json]:
    """The batches with rejected rows that would now pass, if this batch imported people and the API knows any."""
    if batch["programType"] != ROSTER or batch["dryRun"] or not batch["successRows"]:
        return []
    try:
        found: list[Json] = api.get(RETRYABLE)["items"]
    except (ApiProblem, Unreachable, KeyError):
        return []
    return found


def wait_for_batch(api: Api, batch_id: str, progress: Progress) -> Json:
    """The batch when it has ended. *progress* receives each state on the way, and the stages if it shows them."""
    waits = pauses()
    while True:
        batch = patiently(lambda: get_batch(api, batch_id))
        progress.counted(batch)
        if batch["status"] in ENDED:
            return batch
        if progress.shows_stages:
            # Older versions of the API have no stages.
            progress.staged(patiently(lambda: api.get(batch_path(batch_id))).get("stages", []))
        time.sleep(next(waits))


def pauses() -> Iterator[float]:
    """Short pauses at first, for a small file whose user waits; longer ones later."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.3, LONGEST_PAUSE_SECONDS)


def patiently(ask: Callable[[], Json]) -> Json:
    """The answer to a request that may be repeated, after a while if the API does not answer. Raises ApiProblem."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except (ApiProblem, Unreachable) as failed:
            is_passing = isinstance(failed, Unreachable) or failed.is_passing
            if not is_passing or time.monotonic() > deadline:
                raise
        time.sleep(LONGEST_PAUSE_SECONDS / 2)
