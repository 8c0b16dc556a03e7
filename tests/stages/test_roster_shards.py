"""A roster that is merged in several shards."""

import pytest

from tests.stages.conftest import Pipeline
from tests.stages.test_outcomes import counts


def test_a_roster_of_several_shards_is_imported(environment: pytest.MonkeyPatch, pipeline: Pipeline) -> None:
    environment.setenv("ROWS_PER_SHARD", "2")
    people = "".join(f"p{n}@example.org,P{n}\n" for n in range(1, 10))
    batch = pipeline.load("incoming/kintell_users/users.csv", f"Email,Name\n{people}".encode())
    assert batch["shard_count"] > 1
    assert (batch["status"], counts(batch)) == ("completed", (9, 0, 0, 0))
