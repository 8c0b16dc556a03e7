"""The way out, and what a browser is told that has no pass: signed out, or not signed in and why. Open to everybody,
about nobody.

Whoever signs out does so here: the pass is revoked in the database, to which SignIn, which gave it, has no way.
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
"""The words of admit/issuer.py for why nobody was signed in."""


@router.post("/logout", include_in_schema=False)
def sign_out() -> Response[str]:
    """Without a pass; what is left of it in another place opens nothing."""
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
    """Here; the issuer may still know who it was."""
    return page(router.current_event.raw_event, "signed_out.html")


@router.get("/sign-in-failed", include_in_schema=False, compress=True)
def failed() -> Response[str]:
    """A reason that is none of ours is not shown: addresses are written by anybody."""
    event = router.current_event.raw_event
    asked = query_of(event, "reason")
    return page(event, "sign_in_failed.html", 400, reason=asked if asked in REASONS else "stale")
