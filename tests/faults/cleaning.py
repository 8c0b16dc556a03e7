"""The daily clean-up, interrupted: the next one goes on, and everything is deleted and written down once."""

import json
import random
from functools import cache
from typing import Any

from tests.faults.database_relay import Ambush, When
from tests.faults.files import Files
from tests.faults.outcomes import Outcome, differences, outcome
from tests.faults.s3_relay import Trouble
from tests.faults.trials import Trial, Trials
from tests.faults.under_fire import UnderFire

DAYS = {"first": 400, "second": 400, "other": 40}
"""How long ago each file was imported: two are to be archived, two have an error file to be deleted."""
COMMITS = 4
MOST_TRIES = 12


def retention_interrupted(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """Some clean-ups are killed, cut off or refused by S3; those after them finish their work."""
    wanted = cleaned_undisturbed(trials)
    files = trials.new_files()
    batches = imported_long_ago(trials, files)
    interrupt(trials.world, trial, pick)
    tries = 1
    while "FunctionError" in trials.world.invoke("Retention", {}, wait=True):
        tries += 1
        assert tries <= MOST_TRIES, "the clean-up does not go through"
    trial.done.append(f"{tries} tries")
    trials.world.calm_down()
    trial.differences = differences(cleaned(trials.world, files, batches), wanted)


def interrupt(world: UnderFire, trial: Trial, pick: random.Random) -> None:
    """Lie in wait for the clean-up, at the database or at S3."""
    if pick.random() < 0.7:
        when = pick.choice((When.BEFORE, When.AFTER, When.CUT))
        world.database_relay.ambush = Ambush("Retention", when, pick.randrange(COMMITS), strikes=pick.randint(1, 3))
        trial.done.append(world.database_relay.ambush)
        return
    troubles = [Trouble.LOST_ANSWER, Trouble.ERROR_500, Trouble.ERROR_503, Trouble.REFUSED] * 3
    pick.shuffle(troubles)
    trial.done.append(f"S3: {', '.join(troubles)}")
    world.s3_relay.choose = lambda _method: troubles.pop() if troubles and pick.random() < 0.8 else None


@cache
def cleaned_undisturbed(trials: Trials) -> Outcome:
    """What a clean-up leaves that nothing interrupts."""
    files = trials.new_files()
    batches = imported_long_ago(trials, files)
    assert "FunctionError" not in trials.world.invoke("Retention", {}, wait=True)
    return cleaned(trials.world, files, batches)


def imported_long_ago(trials: Trials, files: Files) -> list[str]:
    """The batches of three files, which are due."""
    contents = {"first": files.first(), "second": files.second(), "other": files.other()}
    batches = [trials.load(f"{files.folder}/{name}.csv", contents[name]) for name in DAYS]
    for batch_id, days in zip(batches, DAYS.values(), strict=True):
        trials.world.rows(
            "UPDATE ingestion_batches SET completed_at = now() - make_interval(days => CAST(:days AS int)) "
            "WHERE id = CAST(:id AS uuid)",
            id=batch_id,
            days=days,
        )
    return batches


def cleaned(world: UnderFire, files: Files, batches: list[str]) -> Outcome:
    """What is left of files, batches and trails, and what another clean-up finds to do: nothing."""
    parts: dict[str, Any] = outcome(world, files, batches)
    again = json.loads(world.invoke("Retention", {}, wait=True)["Payload"].read())
    parts["done by another clean-up"] = {name: again[name] for name in ("error_files_deleted", "batches_archived")}
    s3, stack = world.system.client("s3"), world.system.stack
    listed = s3.list_object_versions(Bucket=stack.uploads_bucket, Prefix=f"{files.folder}/")
    parts["originals"] = sorted(each["Key"].rsplit("/", 1)[1] for each in listed.get("Versions", []))
    errors = [s3.list_objects_v2(Bucket=stack.work_bucket, Prefix="errors/")]
    keys = " ".join(each["Key"] for page in errors for each in page.get("Contents", []))
    parts["error files"] = [number for number, batch_id in enumerate(batches, 1) if batch_id in keys]
    return parts
