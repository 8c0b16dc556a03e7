"""The form to import a file, and the programme and instance that a file's name suggests."""

from aws_lambda_powertools.event_handler import Response

from api import upload_routes
from api.problems import ProblemCode
from api.route_rights import Right, RightMissing, held, needs
from api.routing import database, get_batch, new_router
from api.upload_requests import UploadRequest
from api.upload_routes import UploadId
from api.upload_schemas import SignedParts, UploadLinks
from dashboard.page_parameters import query_of, uuid_of
from dashboard.rendering import page
from ingestion.database.queries import instance_overview
from ingestion.errors import RefusalCode, Refused
from ingestion.records import PROGRAMMES, Kind
from ingestion.uploads.identification import programme_of_alias, read_file_name, read_key

router = new_router()

SLUGS_OFFERED = 100


@router.get("/drop", include_in_schema=False, compress=True, security=needs(Right.IMPORTS_WRITE))
def drop() -> Response[str]:
    """With `parent`, the form is for that batch's corrected error file and takes over its programme and instance."""
    event = router.current_event.raw_event
    db = database()
    parent_id, named, slug = (query_of(event, name) for name in ("parent", "programme", "instance"))
    # The page shows the parent's file name, which may tell more than its id does.
    if parent_id and Right.IMPORTS_READ not in held(event):
        raise RightMissing(Right.IMPORTS_READ)
    parent = get_batch(db, uuid_of(parent_id, ProblemCode.NO_SUCH_BATCH, "batch")) if parent_id else None
    return page(
        event,
        "drop.html",
        parent=parent,
        program_type=programme_of_alias(named) if named else None,
        slug=slug or "",
        slugs=instance_overview.slugs(db, SLUGS_OFFERED),
        refusals=list(RefusalCode),
    )


@router.get("/drop/guess", include_in_schema=False, security=needs(Right.IMPORTS_WRITE))
def guess() -> Response[str]:
    """A sentence about what the name suggests; the page's script shows its data attributes as hints in the form."""
    event = router.current_event.raw_event
    name = query_of(event, "name") or ""
    program_type, slug = read_file_name(name)
    return page(
        event,
        "_guess.html",
        name=name,
        program_type=program_type,
        slug=slug,
        needs_slug=program_type is not None and PROGRAMMES[program_type].kind is Kind.SESSIONS and slug is None,
        is_csv=_is_csv(name),
    )


@router.post("/drop/uploads", include_in_schema=False, status_code=201, security=needs(Right.IMPORTS_WRITE))
def announce(upload: UploadRequest) -> UploadLinks:
    """Like `POST /v1/import/uploads`, for pages: they have a session cookie, which opens no route of the API."""
    return upload_routes.create_upload(upload)


@router.post("/drop/uploads/<uploadId>/parts", include_in_schema=False, security=needs(Right.IMPORTS_WRITE))
def go_on(upload_id: UploadId) -> SignedParts:
    """Like `POST /v1/import/uploads/{uploadId}/parts`, for pages."""
    return upload_routes.continue_upload(upload_id)


def _is_csv(name: str) -> bool:
    try:
        read_key(f"incoming/{name.replace('/', '_')}")
    except Refused:
        return False
    return True
