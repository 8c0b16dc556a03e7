"""Scripts, styles and pictures, each under a name that changes with its content, so that browsers can cache it."""

from functools import cache
from hashlib import sha256
from typing import Annotated, Final

from aws_lambda_powertools.event_handler import Response

from api.openapi import path_parameter
from api.problems import Problem, ProblemCode
from api.routing import new_router
from dashboard import WEB

router = new_router()

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


@cache
def addresses() -> dict[str, str]:
    """The path of each asset, by its name in the folder."""
    found = (path for path in sorted((WEB / "assets").iterdir()) if path.suffix in _TYPES)
    return {
        path.name: f"/assets/{path.stem}-{sha256(path.read_bytes()).hexdigest()[:12]}{path.suffix}" for path in found
    }


@cache
def _names() -> dict[str, str]:
    return {address.rpartition("/")[2]: name for name, address in addresses().items()}


@router.get("/assets/<name>", include_in_schema=False, compress=True)
def asset(name: Annotated[str, path_parameter("name", "Name with its content's hash")]) -> Response[str]:
    """Serve an asset, only under the name that matches its current content."""
    if name not in _names():
        raise Problem(ProblemCode.NO_SUCH_ROUTE, f"There is no asset {name}.")
    path = WEB / "assets" / _names()[name]
    return Response(
        status_code=200,
        content_type=_TYPES[path.suffix],
        body=path.read_text(encoding="utf-8"),
        headers={"Cache-Control": _FOR_GOOD},
    )
