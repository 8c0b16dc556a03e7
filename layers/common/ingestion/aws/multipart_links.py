"""Uploads in parts by presigned links: the API begins the upload, whoever has the links sends the parts and ends it.

The object's metadata is given when the upload begins, so no link carries it: a part is bytes and nothing else.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ingestion.aws.s3 import call_by_link, presign
from ingestion.uploads.upload_parts import Part

LISTED_AT_ONCE = 1000
"""S3's own limit."""


class Place(NamedTuple):
    """Where the parts go: the object that they become, and S3's id of the upload."""

    bucket: str
    key: str
    multipart_id: str

    def as_params(self) -> dict[str, Any]:
        """The parameters of S3's operations."""
        return {"Bucket": self.bucket, "Key": self.key, "UploadId": self.multipart_id}


class SentPart(NamedTuple):
    """A part that S3 has."""

    number: int
    size_bytes: int
    etag: str


def begin(bucket: str, key: str, metadata: dict[str, str]) -> Place:
    """Begin an upload, whose object will have this metadata. Raises Unavailable."""
    begun = call_by_link("create_multipart_upload", Bucket=bucket, Key=key, Metadata=metadata)
    return Place(bucket, key, begun["UploadId"])


def sent_parts(place: Place) -> list[SentPart]:
    """List the parts that have been sent, in order. Raises NoSuchMultipartUpload, Unavailable."""
    found: list[SentPart] = []
    marker = 0
    while True:
        page = call_by_link("list_parts", **place.as_params(), PartNumberMarker=marker, MaxParts=LISTED_AT_ONCE)
        found += [SentPart(part["PartNumber"], part["Size"], part["ETag"]) for part in page.get("Parts", [])]
        if not page["IsTruncated"]:
            return found
        marker = page["NextPartNumberMarker"]


def part_links(place: Place, parts: Iterable[Part], seconds: int) -> dict[int, str]:
    """Create a link for each part, by its number; each takes exactly as many bytes as its part has."""
    return {
        part.number: presign(
            "upload_part",
            {**place.as_params(), "PartNumber": part.number, "ContentLength": part.size_bytes},
            seconds,
        )
        for part in parts
    }


def completion_link(place: Place, seconds: int) -> str:
    """Create a link that makes an object of the parts that its body names."""
    return presign("complete_multipart_upload", place.as_params(), seconds)
