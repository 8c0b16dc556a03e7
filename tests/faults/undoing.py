"""Undos whose function is killed: nothing of the import is left, nothing else is gone, and it was undone once."""

import random
import time

from tests.faults.database_relay import Ambush, When
from tests.faults.outcomes import differences, sessions
from tests.faults.starting_over import wait_until
from tests.faults.trials import Trial, Trials
from tests.faults.under_fire import UnderFire


def undone_and_killed(trials: Trials, trial: Trial, pick: random.Random) -> None:
    """Undo is killed before or after one of its commits, and now and then at a random moment too."""
    world, files = trials.world, trials.new_files()
    trials.load(f"{files.folder}/first.csv", files.first())
    before = sessions(world, files)
    batch_id = trials.load(f"{files.folder}/second.csv", files.second())
    ambush = Ambush("Undo", pick.choice((When.BEFORE, When.AFTER, When.CUT)), pick.randrange(5))
    trial.done.append(ambush)
    world.database_relay.ambush = ambush
    world.door.undo(batch_id)
    if pick.random() < 0.5:
        time.sleep(pick.uniform(0, 1))
        trial.done.append(f"killed {world.kill('Undo')} at random")
    wait_until(lambda: not is_being_undone(world, batch_id), "the import is not undone")
    world.calm_down()
    trial.differences += differences(sessions(world, files), before)
    ended = world.rows(
        """
        SELECT b.status, o.state, o.removed_rows + o.restored_rows = o.removes + o.restores, o.kept_rows,
               (SELECT count(*) FROM audit_logs WHERE batch_id = b.id AND action = 'import_undone')
          FROM ingestion_batches b JOIN undos o ON o.batch_id = b.id
         WHERE b.id = :id
        """,
        id=batch_id,
    )
    if ended != [["undone", "completed", True, 0, 1]]:
        trial.differences.append(f"the undo came to {ended}")
    if world.rows("SELECT merging_batch FROM programmes WHERE merging_batch = :id", id=batch_id):
        trial.differences.append("the programme is not free again")


def is_being_undone(world: UnderFire, batch_id: str) -> bool:
    """Whether the undo goes on."""
    return world.rows("SELECT status FROM ingestion_batches WHERE id = :id", id=batch_id) == [["undoing"]]
