"""Decides who may call the local system at all: programs on this machine, and pages of its own dashboard.

Any web page that is open in the user's browser can send requests to a loopback port, and read the answers if its own
host name resolves to loopback (DNS rebinding). So this module checks the host that a request names and the page that a
browser says it comes from. It knows no keys; local.emulators.ministack.signatures checks those.
"""

from collections.abc import MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
# Sec-Fetch-Site of a request that no page sent, or a page of the same origin.
NOBODY_ELSE = ("none", "same-origin")


class Refused(Exception):
    """The request is answered with this status and goes no further. The code is AWS's name for the error."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def header(scope: Scope, name: str) -> str | None:
    """The value of a header; None if it is absent. Refused if there are several, since only one could count."""
    values = [value for key, value in scope["headers"] if key.lower() == name.encode()]
    if len(values) > 1:
        raise Refused(400, "InvalidRequest", f"There are several headers {name}.")
    return values[0].decode("latin-1").strip() if values else None


def check_form(scope: Scope) -> None:
    """Require plain HTTP/1 with a path: HTTP/2 and absolute URLs name a host of their own besides the header."""
    if scope["http_version"] not in ("1.0", "1.1"):
        raise Refused(505, "InvalidRequest", "The local system speaks HTTP/1.1 only.")
    if not scope["raw_path"].startswith(b"/"):
        raise Refused(400, "InvalidRequest", "The request must name a path.")


def check_host(scope: Scope, port: int, others: frozenset[str] = frozenset()) -> None:
    """Require a name of this machine, or one of the *others* that a program on it has registered."""
    host = header(scope, "host") or ""
    if not is_loopback(host, port) and host not in others:
        raise Refused(421, "InvalidRequest", "The local system answers to 127.0.0.1 and localhost only.")


def is_loopback(host: str, port: int) -> bool:
    """Whether a Host header names this machine and, if it names a port, this port."""
    return host in LOOPBACK_NAMES or host in (f"{name}:{port}" for name in LOOPBACK_NAMES)


def dashboard_origins(api_port: int) -> tuple[str, ...]:
    """The origins of the dashboard in a browser on this machine; it listens on IPv4 only."""
    return tuple(f"http://{host}:{api_port}" for host in ("127.0.0.1", "localhost"))


def check_api_page(scope: Scope, api_port: int) -> None:
    """The API and the dashboard serve their own pages. Another page may only navigate here, as links do, and as the
    issuer does after sign-in: with a GET whose answer replaces that page."""
    origin, site = header(scope, "origin"), header(scope, "sec-fetch-site")
    is_visit = (
        scope["method"] in ("GET", "HEAD")
        and origin is None
        and header(scope, "sec-fetch-mode") == "navigate"
        and header(scope, "sec-fetch-dest") == "document"
    )
    is_own = (origin is None or origin in dashboard_origins(api_port)) and site in (None, *NOBODY_ELSE)
    if not is_own and not is_visit:
        raise Refused(403, "AccessDenied", "The local system accepts no requests from other web pages.")


def check_aws_page(scope: Scope, api_port: int, *, has_link: bool) -> None:
    """The dashboard's pages upload to S3, which a preflight precedes, complete uploads in parts, and link to downloads,
    all with presigned links. Pages may send nothing else."""
    origin, site = header(scope, "origin"), header(scope, "sec-fetch-site")
    if origin is None and site in (None, *NOBODY_ELSE):
        return
    of_dashboard = origin in dashboard_origins(api_port)
    is_download = (
        scope["method"] in ("GET", "HEAD")
        and origin is None
        # A dashboard opened at localhost is another site than 127.0.0.1, to which its links lead.
        and (site == "same-site" or header(scope, "sec-fetch-mode") == "navigate")
    )
    is_upload = scope["method"] in ("PUT", "POST") and of_dashboard
    if not (has_link and (is_download or is_upload)) and not (of_dashboard and is_preflight(scope)):
        raise Refused(403, "AccessDenied", "AWS accepts requests from web pages only with presigned links.")


def is_preflight(scope: Scope) -> bool:
    """Whether the request is a CORS preflight, which runs nothing."""
    return scope["method"] == "OPTIONS" and header(scope, "access-control-request-method") is not None
