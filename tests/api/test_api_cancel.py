"""Cancelling by API and page: who may, what is said, what the trail has."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.api_calls import Call
from tests.api.full_world import BROWSER
from tests.api.world import World


@pytest.mark.parametrize("status", ["pending", "running"])
def test_an_import_under_way_is_cancelled_once_however_often_asked(post: Call, world: World, status: str) -> None:
    batch = world.batch(status=status)
    for _ in range(2):
        answer = post(f"/v1/import/batches/{batch}/cancel", {})
        assert (answer.status, answer.body) == (202, {"batchId": str(batch)})
    assert world.count("SELECT count(*) FROM ingestion_batches WHERE cancelled_at IS NOT NULL") == 1
    assert world.count("SELECT count(*) FROM audit_logs WHERE action = 'import_cancelled'") == 1


@pytest.mark.parametrize("status", ["completed", "failed", "archived"])
def test_an_import_that_has_ended_is_not_cancelled(post: Call, world: World, status: str) -> None:
    batch = world.batch(status=status)
    assert post(f"/v1/import/batches/{batch}/cancel", {}).is_problem(409, "already_ended")
    assert world.count("SELECT count(*) FROM audit_logs") == 0


def test_a_batch_that_is_not_there_cannot_be_cancelled(post: Call) -> None:
    assert post(f"/v1/import/batches/{uuid4()}/cancel", {}).is_problem(404, "no_such_batch")


def test_a_page_asks_once_more_and_then_cancels(api: Call, see: Any, world: World) -> None:
    batch = world.batch(status="running")
    world.chunk(batch, 1)
    path = f"/batches/{batch}/cancel"
    assert path in [link["href"] for link in see(f"/batches/{batch}").all("a")]
    assert path in [form["action"] for form in see(path).all("form")]
    own = {**BROWSER, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
    answer = api("POST", path, headers=own)
    assert (answer.status, answer.headers["Location"]) == (303, f"/batches/{batch}")
    assert world.count("SELECT count(*) FROM audit_logs WHERE action = 'import_cancelled'") == 1
    assert path not in [link["href"] for link in see(f"/batches/{batch}").all("a")]


def test_another_sites_page_cancels_nothing(api: Call, world: World) -> None:
    batch = world.batch(status="running")
    answer = api("POST", f"/batches/{batch}/cancel", headers={**BROWSER, "sec-fetch-site": "cross-site"})
    assert answer.status == 403
    assert world.count("SELECT count(*) FROM ingestion_batches WHERE cancelled_at IS NOT NULL") == 0
