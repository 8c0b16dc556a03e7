"""What a reader may have done to a batch: each asks once more on a page of its own, so that no click does it unseen."""

from aws_lambda_powertools.event_handler import Response

from api import batch_operations
from api.caller import caller
from api.route_rights import Right, needs
from api.routing import database, get_batch, new_router
from api.verification_routes import get_verification, request, takes_long, verified
from dashboard.batch_pages import BatchId, id_of
from dashboard.rendering import page, redirect_to

router = new_router()


@router.get("/batches/<batchId>/cancel", include_in_schema=False, compress=True, security=needs(Right.IMPORTS_WRITE))
def ask_before_cancelling(batch_id: BatchId) -> Response[str]:
    """What will happen, and the button; an import that has ended meanwhile is shown instead."""
    found = get_batch(database(), id_of(batch_id))
    if found["status"] not in ("pending", "running"):
        return redirect_to(f"/batches/{found['id']}")
    return page(router.current_event.raw_event, "cancel.html", batch=found)


@router.post("/batches/<batchId>/cancel", include_in_schema=False, security=needs(Right.IMPORTS_WRITE))
def cancel(batch_id: BatchId) -> Response[str]:
    """Back to the batch, whose page shows it end."""
    found = id_of(batch_id)
    batch_operations.cancel(database(), found, caller(router.current_event.raw_event))
    return redirect_to(f"/batches/{found}")


@router.post("/batches/<batchId>/verify", include_in_schema=False, compress=True, security=needs(Right.ERRORS_READ))
def verify(batch_id: BatchId) -> Response[str]:
    """What the file, read again, says of what is stored; of a long file, a page that waits for it."""
    event = router.current_event.raw_event
    found = get_batch(database(), id_of(batch_id))
    if takes_long(database(), found["id"]):
        request(database(), found["id"], caller(event))
        return redirect_to(f"/batches/{found['id']}/verify")
    result = verified(database(), found["id"], caller(event))
    return page(event, "verified.html", batch=found, found=result)


@router.get("/batches/<batchId>/verify", include_in_schema=False, compress=True, security=needs(Right.ERRORS_READ))
def verification(batch_id: BatchId) -> Response[str]:
    """The result of a comparison that took longer than a page may."""
    found = get_batch(database(), id_of(batch_id))
    result = get_verification(database(), found["id"])
    return page(router.current_event.raw_event, "verification.html", batch=found, found=result)
