"""A large object is read in blocks, the next ones fetched while the caller looks at those before."""

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ingestion.aws import s3 as objects
from ingestion.errors import Unavailable

BUCKET, KEY = "ahead", "incoming/large.csv"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """S3 with one bucket, in which nothing is versioned, so that an object may change while it is read."""
    monkeypatch.setattr(objects, "STRETCH_BYTES", 1000)
    monkeypatch.setattr(objects, "BLOCK_BYTES", 500)
    with mock_aws():
        objects._client.cache_clear()
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
        yield client
    objects._client.cache_clear()


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 4321])
def test_the_blocks_of_an_object_are_its_bytes(s3: Any, size: int) -> None:
    body = bytes(n * 7 % 251 for n in range(size))
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)
    read = list(objects.blocks_ahead(BUCKET, KEY, None))
    assert b"".join(read) == body
    assert max(map(len, read), default=0) <= 500


def test_an_object_that_changes_while_it_is_read_is_not_taken_for_one(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"a" * 5000)
    reading = objects.blocks_ahead(BUCKET, KEY, None)
    next(reading)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"b" * 5000)
    with pytest.raises(Unavailable):
        list(reading)


def test_an_object_that_is_deleted_while_it_is_read_is_gone(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"a" * 5000)
    reading = objects.blocks_ahead(BUCKET, KEY, None)
    next(reading)
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    with pytest.raises(objects.NoSuchFile):
        list(reading)


def test_who_stops_reading_leaves_no_thread_behind(s3: Any) -> None:
    before = threading.active_count()
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"a" * 5000)
    reading = objects.blocks_ahead(BUCKET, KEY, None)
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
