"""A batch is verified against its file: by whoever asks, and a few each day by Monitor."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ingestion.verification import Verified, verify
from tests.stages.conftest import WORK, Pipeline

ROSTER = (
    "Email,Name,Linkedin_URL,Verification_status,Role when joined,grant_access,Joined_kg_at\n"
    'a@example.org,Åse,,verified,mentor,yes,"Dec 14, 2025"\n'
    'b@example.org,,,verified,learner,yes,"Dec 15, 2025"\n'
    'c@example.org,Ivan,,verified,learner,no,"Dec 16, 2025"\n'
)
GROWN = (
    ROSTER.replace("b@example.org,,", "b@example.org,Olena,")
    .replace("Ivan,,verified", "Johan,https://example.org/ivan,verified")
    .replace("mentor,yes", "learner,no")
)


def verified(pipeline: Pipeline, batch: dict[str, Any]) -> Verified:
    return verify(pipeline.db, UUID(str(batch["id"])), WORK, datetime.now(UTC) + timedelta(minutes=1))


def test_a_roster_is_verified_and_what_was_planted_is_found(pipeline: Pipeline) -> None:
    first = pipeline.load("incoming/kintell_users/one.csv", ROSTER.encode())
    second = pipeline.load("incoming/kintell_users/two.csv", GROWN.encode())
    assert verified(pipeline, first) == Verified(3, 0, [])
    assert verified(pipeline, second) == Verified(3, 0, [])
    pipeline.db.run("UPDATE users SET grant_access = 'yes' WHERE email = 'a@example.org'")
    pipeline.db.run("UPDATE user_versions SET verification_status = 'x' WHERE row_number = 2")
    found = [verified(pipeline, batch).differing for batch in (first, second)]
    assert [[(each.row_number, each.field and each.field.name, each.stored) for each in some] for some in found] == [
        [(2, "verification_status", "x")],
        [(1, "grant_access", "yes")],
    ]
