"""What a batch has in common with earlier ones: by the API, and on its page."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.api_calls import Call
from tests.api.world import NOW, World


def overlap(world: World, batch: UUID, earlier: UUID, same: int, **values: Any) -> None:
    world._insert("batch_overlaps", {"batch_id": batch, "earlier_batch_id": earlier, "same_rows": same, **values})


@pytest.fixture
def compared(world: World) -> tuple[UUID, UUID, UUID]:
    """A batch and two earlier ones, the farther of which is archived."""
    far = world.batch(status="archived", distinct_ids=5, created_at=NOW - timedelta(days=60), file_name="(deleted)")
    near = world.batch(distinct_ids=9, created_at=NOW - timedelta(days=30), file_name="october.csv")
    batch = world.batch(distinct_ids=8, content_hash="ab" * 32)
    overlap(world, batch, far, 1, changed_rows=0)
    overlap(world, batch, near, 5, changed_rows=2, changed_fields={"rating": 1, "topics": 2})
    return batch, near, far


def test_the_nearest_comes_first_with_the_columns_in_which_rows_differ(get: Call, compared: tuple[UUID, ...]) -> None:
    batch, near, far = compared
    answer = get(f"/v1/import/batches/{batch}/overlap")
    assert answer.status == 200
    first, second = answer.body["items"]
    assert first == {
        "batchId": str(near),
        "fileName": "october.csv",
        "createdAt": "2024-11-01T12:00:00Z",
        "percentSame": 62.5,
        "sameRows": 5,
        "changedRows": 2,
        "onlyHere": 1,
        "onlyThere": 2,
        "changedFields": [{"field": "goals_discussed", "rows": 2}, {"field": "rating", "rows": 1}],
    }
    assert (second["batchId"], second["onlyHere"], second["onlyThere"]) == (str(far), 7, 4)


def test_only_what_is_still_imported_is_compared(get: Call, world: World) -> None:
    batch = world.batch(distinct_ids=8)
    for status, dry_run in (("failed", False), ("running", False), ("completed", True)):
        overlap(world, batch, world.batch(status=status, dry_run=dry_run, distinct_ids=8), 8, changed_rows=0)
    assert get(f"/v1/import/batches/{batch}/overlap").body == {"items": []}
    assert get(f"/v1/import/batches/{uuid4()}/overlap").status == 404


def test_a_status_has_the_hash_of_the_rows_and_the_batch_of_a_warning(get: Call, world: World) -> None:
    earlier = world.batch()
    warning = {"code": "mostly_imported", "count": 19, "batch_id": str(earlier), "percent": 95.0}
    batch = world.batch(
        content_hash="ab" * 32, csv_metadata={"warnings": [warning, {"code": "footer_rows", "count": 1}]}
    )
    status = get(f"/v1/import/backfill/{batch}/status").body
    assert status["contentHash"] == "ab" * 32
    said, other = status["warnings"]
    assert (said["batchId"], said["percent"], said["count"]) == (str(earlier), 95.0, 19)
    assert not {"batchId", "percent"} & other.keys()


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "Compared with earlier imports"), ("nb", "Sammenlignet med tidligere importer")],
)
def test_the_page_of_a_batch_compares_it(
    see: Any, world: World, compared: tuple[UUID, ...], language: str, title: str
) -> None:
    batch, near, _ = compared
    page = see(f"/batches/{batch}", language=language)
    assert title in page.text
    assert f"/batches/{near}" in [link["href"] for link in page.all("a")]


def test_the_page_links_the_batch_of_a_warning(see: Any, world: World) -> None:
    earlier = world.batch()
    warning = {"code": "same_rows", "count": 10, "batch_id": str(earlier)}
    page = see(f"/batches/{world.batch(csv_metadata={'warnings': [warning]})}")
    assert f"/batches/{earlier}" in [link["href"] for link in page.all("a")]
