"""Objects are joined in order, whatever their sizes: S3 copies the large ones, the others pass through."""

import random
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ingestion.aws import s3 as objects
from ingestion.uploads.upload_parts import LEAST_PART_BYTES

BUCKET, JOINED = "joined", "errors/batch.csv"
LARGE = LEAST_PART_BYTES


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(objects, "PART_BYTES", LARGE)
    with mock_aws():
        objects._client.cache_clear()
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
        yield client
    objects._client.cache_clear()


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([], id="none"),
        pytest.param([1, 2, 3], id="all small"),
        pytest.param([LARGE] * 9, id="all large"),
        pytest.param([LARGE, 1, LARGE, LARGE - 1, LARGE, 0, 1], id="both"),
        pytest.param([0, 0], id="empty"),
    ],
)
@pytest.mark.parametrize("head", [b"", b"header\r\n"])
def test_joined_objects_stand_one_behind_the_other(s3: Any, sizes: list[int], head: bytes) -> None:
    some = random.Random(7)
    bodies = {f"work/{number}": some.randbytes(size) for number, size in enumerate(sizes)}
    for key, body in bodies.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    writer = objects.MultipartWriter(BUCKET, JOINED)
    writer.write(head)
    writer.append_all(BUCKET, list(bodies))
    writer.finish()
    assert s3.get_object(Bucket=BUCKET, Key=JOINED)["Body"].read() == head + b"".join(bodies.values())


def test_an_object_that_is_gone_leaves_no_half_joined_one(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="work/0", Body=b"x" * LARGE)
    writer = objects.MultipartWriter(BUCKET, JOINED)
    with pytest.raises(objects.NoSuchFile):
        writer.append_all(BUCKET, ["work/0", "work/1"])
    writer.abandon()
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="errors/")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
