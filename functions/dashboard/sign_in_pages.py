"""Signing out, and pages for browsers without a session cookie: signed out, or why signing in failed. They are open to
everybody and show no data.

Signing out happens here because it revokes the session cookie in the database, which SignIn, its issuer, cannot reach.
"""

from typing import Final

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from api import browsers
from api.routing import new_router
from dashboard.page_parameters import query_of
from dashboard.rendering import page, redirect_to
from ingestion.sign_in.session_cookies import SESSION_COOKIE

router = new_router()

REASONS: Final = ("stale", "refused", "unreachable", "untrusted")
"""The reasons that SignIn gives for a failed sign-in."""


@router.post("/logout", include_in_schema=False)
def sign_out() -> Response[str]:
    """Delete the session cookie and revoke it, so that no copy of it works."""
    browsers.sign_out(router.current_event.raw_event)
    answer = redirect_to("/signed-out")
    answer.cookies = [
        Cookie(name=SESSION_COOKIE, value="", path="/", max_age=0, same_site=SameSite.LAX_MODE, http_only=True)
    ]
    return answer


@router.get("/logout", include_in_schema=False)
def look_for_the_way_out() -> Response[str]:
    """Sign nobody out: any page can link here. The button is at the top of every page."""
    return redirect_to("/")


@router.get("/signed-out", include_in_schema=False, compress=True)
def signed_out() -> Response[str]:
    """The page after signing out of this system; the issuer may still remember the user."""
    return page(router.current_event.raw_event, "signed_out.html")


@router.get("/sign-in-failed", include_in_schema=False, compress=True)
def failed() -> Response[str]:
    """Why signing in failed. An unknown reason is not shown, since anybody can write the address."""
    event = router.current_event.raw_event
    asked = query_of(event, "reason")
    return page(event, "sign_in_failed.html", 400, reason=asked if asked in REASONS else "stale")
