"""S3: patches for ranges, events, uploads and conditions of policies in ministack 1.5.33."""

import contextvars
import mmap
from typing import Any

from ministack.core import iam_actions
from ministack.services import s3
from ministack.services.cloudformation import provisioners

from local.emulators.ministack.patch_text import rewrite

Answer = tuple[int, dict[str, str], Any]

SMALLEST_PART_BYTES = 5 * 1024 * 1024

_mapped_bodies: contextvars.ContextVar[bool] = contextvars.ContextVar("mapped_bodies", default=False)


def ranges_are_cut_from_disk() -> None:
    """Without this, a range of a named object version is answered with 200 and the whole object, and a range of the
    current one only after reading the whole object: 70 ms for 162 MB."""
    get = s3._get_object
    map_bodies_on_demand()

    def get_range(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> Answer:
        if "range" not in headers or (query and "partNumber" in query):
            return get(bucket, key, headers, query)  # type: ignore[no-any-return]
        without = {name: value for name, value in headers.items() if name not in ("range", "x-amz-checksum-mode")}
        asked = _mapped_bodies.set(True)
        try:
            status, answer_headers, body = get(bucket, key, without, query)
        finally:
            _mapped_bodies.reset(asked)
        if status != 200:
            return status, answer_headers, body
        limits = s3._parse_range(headers["range"], len(body))
        if limits is None:
            return get(bucket, key, headers, {})  # type: ignore[no-any-return]
        first, last = limits
        piece = body[first : last + 1]
        answer_headers["Content-Length"] = str(len(piece))
        answer_headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        return 206, answer_headers, piece

    s3._get_object = get_range


def map_bodies_on_demand() -> None:
    """While a range is looked up, map a body on disk instead of reading it."""
    read_body, version_body = s3._read_body, s3._version_body

    def mapped(path: str | None) -> Any:
        try:
            with open(path or "", "rb") as file:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # not on disk, or empty
            return None

    def read_or_map(bucket: str, key: str, obj: dict[str, Any]) -> Any:
        body = mapped(s3._object_disk_path(bucket, key)) if _mapped_bodies.get() and obj.get("body") is None else None
        return read_body(bucket, key, obj) if body is None else body

    def read_or_map_version(bucket: dict[str, Any], name: str, key: str, version: dict[str, Any]) -> Any:
        body = None
        if _mapped_bodies.get() and version.get("data") is None:
            body = mapped(s3._version_disk_path(name, key, version["version_id"]))
        return version_body(bucket, name, key, version) if body is None else body

    s3._read_body, s3._version_body = read_or_map, read_or_map_version


def events_name_the_uploader() -> None:
    """Without this, userIdentity is "EXAMPLE"; the uploader is whoever S3 names there."""
    rewrite(
        s3._fire_s3_event,
        '"userIdentity": {"principalId": "EXAMPLE"}',
        '"userIdentity": {"principalId": _principal_id()}',
    )
    s3._principal_id = principal_id


def principal_id() -> str:
    """The caller of the current request: "AWS:" and the id of a role session or user, as in S3, or the account."""
    from ministack.core.iam_evaluator import caller_arn
    from ministack.core.responses import get_account_id

    name = caller_arn().split(":", 5)[-1]
    kind, _, rest = name.partition("/")
    if kind == "assumed-role":
        return f"AWS:{rest.replace('/', ':')}"
    return f"AWS:{rest}" if rest else get_account_id()


def small_parts_are_refused() -> None:
    """Every part of a multipart upload but the last must have at least 5 MiB; ministack accepts any size."""
    complete = s3._complete_multipart_upload

    def complete_unless_small(
        bucket: str, key: str, body: bytes, query: dict[str, Any], headers: dict[str, str] | None = None
    ) -> Answer:
        parts = s3._multipart_uploads.get(s3._qp(query, "uploadId"), {}).get("parts", {})
        named = sorted(int(each.text) for each in s3.fromstring(body).iter() if each.tag.endswith("PartNumber"))
        if any(parts[number]["size"] < SMALLEST_PART_BYTES for number in named[:-1] if number in parts):
            message = "Your proposed upload is smaller than the minimum allowed size"
            return s3._error("EntityTooSmall", message, 400, f"/{bucket}/{key}")  # type: ignore[no-any-return]
        return complete(bucket, key, body, query, headers)  # type: ignore[no-any-return]

    s3._complete_multipart_upload = complete_unless_small


def restored_buckets_may_be_declared() -> None:
    """Objects outlive a restart, stacks don't. So a bucket exists before the stack that declares it, which ministack
    refuses. With this, a bucket read from disk belongs to the first stack that names it."""
    restored = set(s3._buckets)
    conflict, create = provisioners.s3_bucket_name_conflict, provisioners._s3_create

    def conflict_unless_restored(name: str) -> str | None:
        return None if name in restored else conflict(name)

    def create_or_adopt(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        name = properties.get("BucketName")
        if name in restored:
            restored.discard(name)
            return provisioners._s3_update(name, {}, properties, stack)
        return create(logical_id, properties, stack)

    provisioners.s3_bucket_name_conflict = conflict_unless_restored
    provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]["create"] = create_or_adopt


def a_request_says_how_it_was_signed() -> None:
    """Without this, policies don't know s3:authType, which restricts a role to uploads with presigned links."""
    others = iam_actions.s3_service_context

    def with_how_it_was_signed(
        action: str, query: dict[str, Any] | None, path: str = "", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        how = "REST-QUERY-STRING" if "X-Amz-Signature" in (query or {}) else "REST-HEADER"
        return {**others(action, query, path, headers), "s3:authType": how}

    iam_actions.s3_service_context = with_how_it_was_signed
