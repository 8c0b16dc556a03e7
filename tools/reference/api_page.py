"""docs/reference/api.md: the HTTP API, from the OpenAPI document that the function serves."""

import json
from typing import Any, Final

from api.app import api
from tools.reference.markdown import code, page, table

ABOUT: Final = """\
JSON in camelCase; times in UTC (ISO 8601). The same document is at `/openapi.json`, and readable at `/docs`. On AWS,
every route except `/health` requires a token (`Authorization: Bearer …`); the local system requires none.

**Lists** take `limit` (at most 200) and `cursor`, and answer `{"items": […], "nextCursor": …}`; `nextCursor` is null on
the last page. **Errors** are RFC 9457 problems with a stable `code`: [problems](../errors.md).

```console
$ curl "$KINTELL_API_URL/v1/import/batches?status=failed&limit=10"
$ curl -L "$KINTELL_API_URL/v1/import/backfill/$BATCH/errors" --output errors.csv
```"""
OF_THE_FRAMEWORK: Final = {"HTTPValidationError", "ValidationError", "ResponseValidationError"}
"""Shapes that Powertools adds although no route uses them."""


def render() -> str:
    """The whole page."""
    document = json.loads(api.get_openapi_json_schema())
    tags = [tag for tag in document["tags"] if _routes(document, tag["name"])]
    routes = (f"## {tag['name']}\n\n{tag['description']}.\n\n" + _routes(document, tag["name"]) for tag in tags)
    shapes = document["components"]["schemas"]
    return page(
        "HTTP API",
        ABOUT,
        *routes,
        "## Shapes",
        *(_shape(name, shapes[name]) for name in sorted(shapes.keys() - OF_THE_FRAMEWORK)),
    )


def _routes(document: Any, tag: str) -> str:
    found = sorted(
        (path, method, about)
        for path, item in document["paths"].items()
        for method, about in item.items()
        if tag in about["tags"]
    )
    return "\n\n".join(_route(method, path, about) for path, method, about in found)


def _route(method: str, path: str, about: Any) -> str:
    parts = [f"### {method.upper()} {path}", f"{about['summary']}.", about.get("description") or ""]
    if about.get("parameters"):
        rows = ([code(one["name"]), one["in"], one.get("description", "")] for one in about["parameters"])
        parts.append(table(["Parameter", "In", "Meaning"], rows))
    if "requestBody" in about:
        parts.append(f"Body: {_type(about['requestBody']['content']['application/json']['schema'])}.")
    answers = ([status, _answer(one)] for status, one in sorted(about["responses"].items()))
    parts.append(table(["Status", "Answer"], answers))
    return "\n\n".join(part for part in parts if part)


def _answer(about: Any) -> str:
    shape = about.get("content", {}).get("application/json", {}).get("schema")
    return _type(shape) if shape else str(about["description"])


def _shape(name: str, shape: Any) -> str:
    parts = [f"### {name}", shape.get("description", "")]
    if "enum" in shape:
        parts.append(f"One of {', '.join(code(value) for value in shape['enum'])}.")
    if "properties" in shape:
        rows = (
            [code(field), _type(about), about.get("description", "")] for field, about in shape["properties"].items()
        )
        parts.append(table(["Field", "Type", "Meaning"], rows))
    return "\n\n".join(part for part in parts if part)


def _type(about: Any) -> str:
    if "$ref" in about:
        name = about["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    for key in ("anyOf", "oneOf", "allOf"):
        if key in about:
            return " or ".join(dict.fromkeys(map(_type, about[key])))
    if "const" in about:
        return code(about["const"])
    if "enum" in about:
        return " or ".join(code(value) for value in about["enum"])
    if about.get("type") == "array":
        return f"list of {_type(about['items'])}"
    if isinstance(about.get("additionalProperties"), dict):
        return f"object of {_type(about['additionalProperties'])}"
    named = {"date-time": "time", "uuid": "UUID", "date": "date"}.get(about.get("format", ""))
    return named or str(about.get("type", "any JSON"))
