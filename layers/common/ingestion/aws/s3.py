"""Read and write objects in S3; the only importer of its client.

Files are read in ranges or blocks and written in parts, so no function holds a whole file in memory.
"""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ingestion.errors import Unavailable
from ingestion.uploads.upload_parts import LEAST_PART_BYTES, MOST_PART_BYTES

BLOCK_BYTES = 1024 * 1024
STRETCH_BYTES = 2 * BLOCK_BYTES
"""The size of one request while a large object is read: with larger ones, memory grew with the object."""
PART_BYTES = 8 * 1024 * 1024

_REQUESTS_AT_ONCE = 8
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MAKING = Lock()
_PASSING = {408, 412, 429}
"""Statuses after which another attempt may succeed; 412 means that the object was overwritten while it was read."""
_GONE = {"404", "NoSuchKey", "NoSuchVersion"}


class NoSuchFile(Exception):
    """The object does not exist (any more)."""


class NoSuchMultipartUpload(Exception):
    """The multipart upload was completed or abandoned, or never existed."""


class InColdStorage(Exception):
    """The object exists, but must be restored from cold storage before it can be read."""


@cache
def _client(signature_version: str = "s3v4") -> Any:
    # Path-style addresses and SigV4 also work where a bucket has no host name of its own, as on a laptop.
    config = Config(
        signature_version=signature_version,
        retries={"mode": "standard", "max_attempts": 5},
        s3={"addressing_style": "path"},
    )
    # Threads may share a client, but must not create one at the same time.
    with _MAKING:
        return boto3.client("s3", config=config)


def _as_ours(failed: Exception) -> Exception:
    if isinstance(failed, ClientError):
        if str(failed.response.get("Error", {}).get("Code")) in _GONE:
            return NoSuchFile("The object does not exist.")
        if failed.response["Error"]["Code"] == "InvalidObjectState":
            return InColdStorage("The object is in cold storage.")
        if failed.response["Error"]["Code"] == "NoSuchUpload":
            return NoSuchMultipartUpload("The multipart upload does not exist.")
        status = failed.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if 400 <= status < 500 and status not in _PASSING:
            return failed
    return Unavailable("S3 did not answer as it should.")


def _call(operation: str, **arguments: Any) -> Any:
    try:
        return getattr(_client(), operation)(**arguments)
    except (BotoCoreError, ClientError) as failed:
        raise _as_ours(failed) from failed


def call_by_link(operation: str, **arguments: Any) -> Any:
    """Carry out an operation with the signature in its address, as in a link.

    The API may write uploads in this way only. Raises NoSuchMultipartUpload, Unavailable.
    """
    try:
        return getattr(_client("s3v4-query"), operation)(**arguments)
    except (BotoCoreError, ClientError) as failed:
        raise _as_ours(failed) from failed


def presign(operation: str, params: dict[str, Any], seconds: int) -> str:
    """Create a link that carries out an operation, valid for *seconds*."""
    link: str = _client().generate_presigned_url(operation, Params=params, ExpiresIn=seconds)
    return link


def _version(version_id: str | None) -> dict[str, str]:
    """Name the version, even if it is `null`: without it, S3 reads the newest version and deletes none."""
    return {"VersionId": version_id} if version_id else {}


def metadata(bucket: str, key: str, version_id: str | None) -> dict[str, str]:
    """Return the user metadata of an object version. Raises NoSuchFile, Unavailable."""
    head = _call("head_object", Bucket=bucket, Key=key, **_version(version_id))
    return {name.lower(): value for name, value in head["Metadata"].items()}


def blocks(bucket: str, key: str, version_id: str | None) -> Generator[bytes]:
    """Read an object version in blocks of a mebibyte. Raises NoSuchFile, InColdStorage, Unavailable."""
    body = _call("get_object", Bucket=bucket, Key=key, **_version(version_id))["Body"]
    try:
        yield from body.iter_chunks(BLOCK_BYTES)
    except (BotoCoreError, OSError) as failed:
        raise Unavailable("S3 broke off while a file was being read.") from failed
    finally:
        body.close()


def blocks_ahead(bucket: str, key: str, version_id: str | None) -> Iterator[bytes]:
    """Read as `blocks` does, but fetch two blocks while the caller uses the two before them.

    A failed request is repeated for its two blocks only. Raises Unavailable if the object changes meanwhile.
    """
    named = {"Bucket": bucket, "Key": key, **_version(version_id)}
    stretch, size_bytes, etag = _first_stretch(named)
    with ThreadPoolExecutor(max_workers=1) as ahead:
        for start in range(STRETCH_BYTES, size_bytes, STRETCH_BYTES):
            end = min(start + STRETCH_BYTES, size_bytes)
            following = ahead.submit(_get_range, {**named, "IfMatch": etag}, start, end)
            yield from _in_blocks(stretch)
            stretch = following.result()
        yield from _in_blocks(stretch)


def _in_blocks(stretch: bytes) -> Iterator[bytes]:
    for at in range(0, len(stretch), BLOCK_BYTES):
        yield stretch[at : at + BLOCK_BYTES]


def _first_stretch(named: dict[str, str]) -> tuple[bytes, int, str]:
    """Return the beginning of an object, its size and its entity tag."""
    try:
        got = _call("get_object", Range=f"bytes=0-{STRETCH_BYTES - 1}", **named)
    except ClientError as failed:
        if failed.response["Error"]["Code"] == "InvalidRange":  # the object is empty
            return b"", 0, ""
        raise
    size_bytes = int(got["ContentRange"].rpartition("/")[2])
    return _body(got, min(size_bytes, STRETCH_BYTES)), size_bytes, got["ETag"]


def read_range(bucket: str, key: str, version_id: str | None, start: int, end: int) -> bytes:
    """Read the bytes from *start* up to *end*, exclusive. Raises NoSuchFile, InColdStorage, Unavailable."""
    if end <= start:
        return b""
    return _get_range({"Bucket": bucket, "Key": key, **_version(version_id)}, start, end)


def _get_range(named: dict[str, str], start: int, end: int) -> bytes:
    return _body(_call("get_object", Range=f"bytes={start}-{end - 1}", **named), end - start)


def _body(got: Any, size_bytes: int) -> bytes:
    try:
        data: bytes = got["Body"].read()
    except (BotoCoreError, OSError) as failed:
        raise Unavailable("S3 broke off while a file was being read.") from failed
    if len(data) != size_bytes:
        raise Unavailable("S3 returned more or fewer bytes than it was asked for.")
    return data


def read(bucket: str, key: str) -> bytes:
    """Read a whole small object. Raises NoSuchFile, Unavailable."""
    return b"".join(blocks(bucket, key, None))


def write(bucket: str, key: str, data: bytes) -> None:
    """Write a small object over any that exists."""
    _call("put_object", Bucket=bucket, Key=key, Body=data)


def upload(bucket: str, key: str, data: bytes, metadata: dict[str, str]) -> None:
    """Write a small object with the metadata of a link, as a new version. Raises Unavailable."""
    _call("put_object", Bucket=bucket, Key=key, Body=data, Metadata=metadata)


def write_once(bucket: str, key: str, data: bytes) -> None:
    """Write a small object, unless there is one: then it stays as it is. Raises Unavailable."""
    try:
        _client().put_object(Bucket=bucket, Key=key, Body=data, IfNoneMatch="*")
    except (BotoCoreError, ClientError) as failed:
        # S3 answers so if the object is there, and if somebody else is writing it at this moment.
        if isinstance(failed, ClientError) and failed.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412):
            return
        raise _as_ours(failed) from failed


def delete(bucket: str, key: str, version_id: str | None = None) -> None:
    """Delete an object, or one of its versions; no error if it doesn't exist."""
    _call("delete_object", Bucket=bucket, Key=key, **_version(version_id))


class MultipartWriter:
    """An object written in parts: bytes as they come, or other objects, copied without reading them.

    Nothing is visible under its key before `finish`; `abandon` leaves nothing behind.
    """

    def __init__(self, bucket: str, key: str) -> None:
        self._bucket = bucket
        self._key = key
        self._pending = bytearray()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        """Add *data*."""
        self._pending += data
        while len(self._pending) >= PART_BYTES:
            self._send(bytes(self._pending[:PART_BYTES]))
            del self._pending[:PART_BYTES]

    def write_object(self, bucket: str, key: str) -> None:
        """Add another object by reading it: one request, where `append_all` needs two for a small object."""
        for block in blocks(bucket, key, None):
            self.write(block)

    def append_all(self, bucket: str, keys: Sequence[str]) -> None:
        """Add other objects in this order: S3 copies those that are large enough for a part of their own.

        Several copies run at once, since most of their time is spent waiting for S3.
        """
        with ThreadPoolExecutor(max_workers=_REQUESTS_AT_ONCE) as pool:
            copies = []
            for key, size in zip(keys, pool.map(partial(size_bytes, bucket), keys), strict=True):
                if self._may_copy(size):
                    self._flush()
                    copies.append(pool.submit(self._copy, self._add_part(), bucket, key))
                else:
                    self.write_object(bucket, key)
            for copy in copies:
                copy.result()

    def finish(self) -> None:
        """Make the object visible."""
        if self._upload_id is None:
            write(self._bucket, self._key, bytes(self._pending))
            return
        self._flush()
        _call(
            "complete_multipart_upload",
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            MultipartUpload={"Parts": self._parts},
        )

    def abandon(self) -> None:
        """Discard what was sent so far."""
        if self._upload_id is not None:
            _call("abort_multipart_upload", Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)

    def _may_copy(self, size_bytes: int) -> bool:
        """Whether an object can be a part of its own, and what is pending before it another."""
        is_part = LEAST_PART_BYTES <= size_bytes <= MOST_PART_BYTES
        return is_part and (not self._pending or len(self._pending) >= LEAST_PART_BYTES)

    def _flush(self) -> None:
        if self._pending:
            self._send(bytes(self._pending))
            self._pending.clear()

    def _add_part(self) -> dict[str, Any]:
        """The next part, whose entity tag is still to come."""
        if self._upload_id is None:
            self._upload_id = _call("create_multipart_upload", Bucket=self._bucket, Key=self._key)["UploadId"]
        part: dict[str, Any] = {"PartNumber": len(self._parts) + 1}
        self._parts.append(part)
        return part

    def _send(self, data: bytes) -> None:
        part = self._add_part()
        part["ETag"] = _call("upload_part", Body=data, **self._place_of(part))["ETag"]

    def _copy(self, part: dict[str, Any], bucket: str, key: str) -> None:
        source = {"Bucket": bucket, "Key": key}
        copied = _call("upload_part_copy", CopySource=source, **self._place_of(part))
        part["ETag"] = copied["CopyPartResult"]["ETag"]

    def _place_of(self, part: dict[str, Any]) -> dict[str, Any]:
        return {
            "Bucket": self._bucket,
            "Key": self._key,
            "UploadId": self._upload_id,
            "PartNumber": part["PartNumber"],
        }


def size_bytes(bucket: str, key: str) -> int:
    """Return the size of an object. Raises NoSuchFile, Unavailable."""
    return int(_call("head_object", Bucket=bucket, Key=key)["ContentLength"])


def presigned_get(bucket: str, key: str, file_name: str, seconds: int) -> str:
    """Create a link that downloads an object as *file_name*, valid for *seconds*."""
    link: str = _client().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": bucket,
            "Key": key,
            "ResponseContentType": _WORKBOOK if key.endswith(".xlsx") else "text/csv; charset=utf-8",
            "ResponseCacheControl": "no-store",
            "ResponseContentDisposition": f'attachment; filename="{_ascii(file_name)}"',
        },
        ExpiresIn=seconds,
    )
    return link


def presigned_put(
    bucket: str, key: str, metadata: dict[str, str], seconds: int, size_bytes: int | None = None
) -> tuple[str, dict[str, str]]:
    """Create a link for an upload, valid for *seconds*, and the signed headers that must be sent with it."""
    params: dict[str, Any] = {"Bucket": bucket, "Key": key, "Metadata": metadata}
    if size_bytes is not None:
        params["ContentLength"] = size_bytes
    link: str = _client().generate_presigned_url("put_object", Params=params, ExpiresIn=seconds)
    return link, {f"x-amz-meta-{name}": value for name, value in metadata.items()}


def address_of(bucket: str) -> str:
    """Return the beginning of a bucket's links, such as https://s3.eu-north-1.amazonaws.com/bucket/."""
    link, _ = presigned_put(bucket, "x", {}, 1)
    return link.partition("?")[0].removesuffix("x")


def _ascii(file_name: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in file_name)
