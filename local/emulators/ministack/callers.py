"""Who may speak to the local system at all: programs of this machine, and pages of its own dashboard.

Any web page that is open in the user's browser can send requests to a loopback port, and read the answers where its own
host name resolves to loopback (DNS rebinding). So each request names the host it is meant for, and a browser says which
page sends it. Knows no key: that is asked for in local.emulators.ministack.signatures.
"""

from collections.abc import MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
# What a browser says of a request that no page sent, or a page of the same origin.
NOBODY_ELSE = ("none", "same-origin")


class Refused(Exception):
    """The request is answered with this status and goes no further. The code is what AWS calls it."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def header(scope: Scope, name: str) -> str | None:
    """The value of a header; None if it is not there. Refused if there are several: which of them counts?"""
    values = [value for key, value in scope["headers"] if key.lower() == name.encode()]
    if len(values) > 1:
        raise Refused(400, "InvalidRequest", f"There are several headers {name}.")
    return values[0].decode("latin-1").strip() if values else None


def check_form(scope: Scope) -> None:
    """Plain HTTP/1 with a path: HTTP/2 and whole addresses name a host of their own, beside the header."""
    if scope["http_version"] not in ("1.0", "1.1"):
        raise Refused(505, "InvalidRequest", "The local system speaks HTTP/1.1 only.")
    if not scope["raw_path"].startswith(b"/"):
        raise Refused(400, "InvalidRequest", "The request must name a path.")


def check_host(scope: Scope, port: int, others: frozenset[str] = frozenset()) -> None:
    """Only a name of this machine, or one of the *others* that somebody on it has vouched for."""
    host = header(scope, "host") or ""
    if not is_loopback(host, port) and host not in others:
        raise Refused(421, "InvalidRequest", "The local system answers to 127.0.0.1 and localhost only.")


def is_loopback(host: str, port: int) -> bool:
    """Whether a Host header names this machine, and if it names a port, this one."""
    return host in LOOPBACK_NAMES or host in (f"{name}:{port}" for name in LOOPBACK_NAMES)


def dashboard_origins(api_port: int) -> tuple[str, ...]:
    """Where a browser on this machine finds the dashboard, which listens on IPv4 only."""
    return tuple(f"http://{host}:{api_port}" for host in ("127.0.0.1", "localhost"))


def check_api_page(scope: Scope, api_port: int) -> None:
    """The API and the dashboard serve their own pages. Another page may only lead somebody here, as a link does and as
    the issuer does after sign-in: by a GET whose answer takes the place of that page."""
    origin, site = header(scope, "origin"), header(scope, "sec-fetch-site")
    is_visit = (
        scope["method"] in ("GET", "HEAD")
        and origin is None
        and header(scope, "sec-fetch-mode") == "navigate"
        and header(scope, "sec-fetch-dest") == "document"
    )
    is_own = (origin is None or origin in dashboard_origins(api_port)) and site in (None, *NOBODY_ELSE)
    if not is_own and not is_visit:
        raise Refused(403, "AccessDenied", "The local system takes no requests from other web pages.")


def check_aws_page(scope: Scope, api_port: int, *, has_link: bool) -> None:
    """The dashboard uploads to S3 from its pages and leads to downloads there, both by presigned links; a preflight
    asks for the former. Nothing else comes from a page."""
    origin, site = header(scope, "origin"), header(scope, "sec-fetch-site")
    if origin is None and site in (None, *NOBODY_ELSE):
        return
    of_dashboard = origin in dashboard_origins(api_port)
    is_download = (
        scope["method"] in ("GET", "HEAD")
        and origin is None
        # At localhost the dashboard is another site than 127.0.0.1, where its links lead.
        and (site == "same-site" or header(scope, "sec-fetch-mode") == "navigate")
    )
    is_upload = scope["method"] == "PUT" and of_dashboard
    if not (has_link and (is_download or is_upload)) and not (of_dashboard and is_preflight(scope)):
        raise Refused(403, "AccessDenied", "AWS takes no requests from web pages but by presigned links.")


def is_preflight(scope: Scope) -> bool:
    """A browser's question whether a page may send a request, which runs nothing."""
    return scope["method"] == "OPTIONS" and header(scope, "access-control-request-method") is not None
