"""Uploads that arrive at the same moment: twenty of the same bytes, or two files that are about the same sessions."""

import random
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from tests.faults.files import Files
from tests.faults.outcomes import Outcome, differences, outcome
from tests.faults.trials import Trial, Trials

IDENTICAL = 20


def twenty_identical(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """One becomes a batch, with the outcome of a single upload; the others are refused, each of them once."""
    files = trials.new_files()
    trials.load(f"{files.folder}/first.csv", files.first())
    names = pick.randint(1, IDENTICAL)
    keys = [f"{files.folder}/second-{pick.randrange(names)}.csv" for _ in range(IDENTICAL)]
    trial.done.append(f"{IDENTICAL} uploads under {len(set(keys))} names")
    batches = [trials.world.ended(version) for version in put_at_once(trials, [(key, files.second()) for key in keys])]
    accepted = [batch for batch in batches if batch]
    wanted = {
        **trials.undisturbed[0],
        "batches and uploads": [
            ["accepted", None, "completed", 2],
            ["refused", "already_imported", None, IDENTICAL - 1],
        ],
        "trails of refused uploads": [["upload_received", IDENTICAL - 1], ["upload_refused", IDENTICAL - 1]],
    }
    got = outcome(trials.world, files, accepted)
    got["trails of refused uploads"] = trials.world.rows(_REFUSED, folder=f"{files.folder}/%")
    trial.differences = differences(got, wanted)


def same_ids_at_once(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """The outcome is that of one after the other, in one order or the other."""
    files = trials.new_files()
    trials.load(f"{files.folder}/first.csv", files.first())
    contents = [("second", files.second()), ("other", files.other())]
    order = pick.sample((0, 1), 2)
    versions = put_at_once(trials, [(f"{files.folder}/{contents[n][0]}.csv", contents[n][1]) for n in order])
    batches = dict(zip(order, (trials.batch_of(version) for version in versions), strict=True))
    got = outcome(trials.world, files, [batches[0], batches[1]])
    found = [differences(got, wanted) for wanted in one_after_the_other(trials)]
    trial.done.append(f"as {'second, other' if not found[0] else 'other, second'}")
    trial.differences = min(found, key=len)


def put_at_once(trials: Trials, uploads: list[tuple[str, bytes]]) -> list[str]:
    """Upload all at the same time; their versions."""
    with ThreadPoolExecutor(len(uploads)) as putting:
        return list(putting.map(lambda upload: trials.world.door.put(*upload), uploads))


@cache
def one_after_the_other(trials: Trials) -> tuple[Outcome, Outcome]:
    """What the two files come to in the one order and in the other, undisturbed."""

    def load(files: Files, order: tuple[str, str]) -> Outcome:
        contents = {"second": files.second(), "other": files.other()}
        trials.load(f"{files.folder}/first.csv", files.first())
        batches = {name: trials.load(f"{files.folder}/{name}.csv", contents[name]) for name in order}
        return outcome(trials.world, files, [batches["second"], batches["other"]])

    return load(trials.new_files(), ("second", "other")), load(trials.new_files(), ("other", "second"))


_REFUSED = """
    SELECT a.action, count(*)
      FROM uploads u JOIN audit_logs a ON a.resource_id = u.id
     WHERE u.key LIKE :folder AND u.state = 'refused' GROUP BY 1 ORDER BY 1
"""
