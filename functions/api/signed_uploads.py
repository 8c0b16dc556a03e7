"""The links that an upload gets: one for the whole file, or one for each part of a large one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.upload_requests import Accepted, UploadRequest
from api.upload_schemas import PartLink, SentPart, SignedParts, SignedUpload
from ingestion.aws import multipart_links
from ingestion.aws.multipart_links import Place
from ingestion.aws.s3 import presigned_put
from ingestion.config import settings
from ingestion.database.connection import Connection
from ingestion.database.tables import announced_uploads
from ingestion.database.tables.announced_uploads import Announcement, Multipart, Unfinished
from ingestion.sign_in.actors import Actor
from ingestion.uploads.upload_parts import Part, choose_part_bytes, parts_of


def announced(
    db: Connection, request: UploadRequest, accepted: Accepted, uploader: Actor
) -> SignedUpload | SignedParts:
    """The links, once the upload is on record. Raises Unavailable."""
    size_bytes, bucket = request.size_bytes, settings().uploads_bucket
    announcement = Announcement(
        id=accepted.link.upload_id,
        bucket=bucket,
        key=accepted.key,
        file_name=request.file_name,
        size_bytes=size_bytes,
        uploader=uploader,
        options=accepted.as_stored(),
        token_hash=accepted.link.token_hash,
    )
    if size_bytes is None or size_bytes <= settings().multipart_from_bytes:
        announced_uploads.announce(db, announcement)
        return _in_one(accepted, size_bytes)
    place = multipart_links.begin(bucket, accepted.key, accepted.as_signed())
    multipart = Multipart(id=place.multipart_id, part_bytes=choose_part_bytes(size_bytes))
    announced_uploads.announce(db, announcement.model_copy(update={"multipart": multipart}))
    return _in_parts(announcement.id, place, list(parts_of(size_bytes, multipart.part_bytes)))


def remaining_parts(upload_id: UUID, unfinished: Unfinished) -> SignedParts:
    """Links for the parts that S3 does not have as they should be. Raises NoSuchMultipartUpload, Unavailable."""
    place = Place(unfinished.bucket, unfinished.key, unfinished.multipart_id)
    parts = list(parts_of(unfinished.size_bytes, unfinished.part_bytes))
    sent = [part for part in multipart_links.sent_parts(place) if Part(part.number, part.size_bytes) in parts]
    return _in_parts(upload_id, place, parts, sent)


def _in_one(accepted: Accepted, size_bytes: int | None) -> SignedUpload:
    seconds = settings().presigned_seconds
    url, headers = presigned_put(settings().uploads_bucket, accepted.key, accepted.as_signed(), seconds, size_bytes)
    return SignedUpload(
        upload_id=accepted.link.upload_id, method="PUT", url=url, headers=headers, expires_at=_in(seconds)
    )


def _in_parts(
    upload_id: UUID, place: Place, parts: list[Part], sent: list[multipart_links.SentPart] | None = None
) -> SignedParts:
    seconds = settings().part_link_seconds
    numbers = {part.number for part in sent or ()}
    links = multipart_links.part_links(place, [part for part in parts if part.number not in numbers], seconds)
    return SignedParts(
        upload_id=upload_id,
        parts=[PartLink(number=number, url=url) for number, url in links.items()],
        part_bytes=parts[0].size_bytes,
        complete_url=multipart_links.completion_link(place, seconds),
        expires_at=_in(seconds),
        sent_parts=None if sent is None else [SentPart(number=part.number, etag=part.etag) for part in sent],
    )


def _in(seconds: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
