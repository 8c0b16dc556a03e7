"""Writes docs/openapi.json from the routes, and names each change that breaks a client of the committed document."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "openapi.json"
METHODS: Final = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class Member:
    """What a document says about one value of a request or an answer."""

    types: frozenset[str]
    values: frozenset[Any] | None
    required: bool

    def __sub__(self, other: "Member") -> set[Any]:
        """The types and values that this member allows but *other* does not."""
        types = self.types - other.types - ({"integer"} if "number" in other.types else set())
        if "any" in other.types:
            return set()
        values = set() if other.values is None else (self.values or {"any text"}) - other.values
        return {*types, *values}


Members = dict[str, Member]


def served() -> str:
    """The document that the API serves, in a fixed order."""
    from api.app import api

    return json.dumps(json.loads(api.get_openapi_json_schema()), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def breaking_changes(old: Any, new: Any) -> list[str]:
    """A sentence for each change from *old* to *new* that may break a client written for *old*."""
    return [
        change
        for path, item in old["paths"].items()
        for method in METHODS
        if method in item
        for change in _operation_changes(f"{method.upper()} {path}", old, item[method], new, _find(new, path, method))
    ]


def _find(document: Any, path: str, method: str) -> Any:
    return document["paths"].get(path, {}).get(method)


def _operation_changes(name: str, old: Any, was: Any, new: Any, now: Any) -> Iterator[str]:
    if now is None:
        yield f"{name} is gone"
        return
    yield from _sent_changes(name, _sent(old, was), _sent(new, now))
    for status, answer in was["responses"].items():
        if status not in now["responses"]:
            yield f"{name}: the answer {status} is gone"
        else:
            before, after = _answered(old, answer), _answered(new, now["responses"][status])
            yield from _answer_changes(f"{name}, answer {status}", before, after)


def _sent_changes(name: str, before: Members, after: Members) -> Iterator[str]:
    """Changes that refuse what a client sends, or that require more of it."""
    for member, was in before.items():
        if member not in after:
            yield f"{name}: {member} is no longer accepted"
        elif refused := was - after[member]:
            yield f"{name}: {member} no longer accepts {_listed(refused)}"
    for member, now in after.items():
        if now.required and not (member in before and before[member].required):
            yield f"{name}: {member} is now required"


def _answer_changes(name: str, before: Members, after: Members) -> Iterator[str]:
    """Changes that remove what a client reads, or give it values that it does not know."""
    for member, was in before.items():
        if member not in after:
            yield f"{name}: {member} is gone"
            continue
        if was.required and not after[member].required:
            yield f"{name}: {member} may be missing now"
        if unknown := after[member] - was:
            yield f"{name}: {member} may now be {_listed(unknown)}"


def _sent(document: Any, operation: Any) -> Members:
    found: Members = {}
    for given in operation.get("parameters", []):
        name = f"{given['name']} ({given['in']})"
        found |= _members(document, given["schema"], name, required=given.get("required", False))
    body = operation.get("requestBody", {})
    for content in body.get("content", {}).values():
        found |= _members(document, content["schema"], "body", required=body.get("required", False))
    return found


def _answered(document: Any, answer: Any) -> Members:
    found: Members = {}
    for kind, content in answer.get("content", {}).items():
        found |= _members(document, content.get("schema", {}), kind, required=True)
    return found


def _members(document: Any, schema: Any, name: str, *, required: bool, above: tuple[str, ...] = ()) -> Members:
    """The value with this name and all values within it; a recursive schema is followed once."""
    choices = [*_choices(document, schema, above)]
    types = frozenset(kind for choice, _ in choices for kind in _types(choice))
    listed = [_values(choice) for choice, _ in choices if _types(choice) != {"null"}]
    values = None if None in listed else frozenset(value for each in listed for value in each or ())
    found = {name: Member(types, values or None, required)}
    for choice, seen in choices:
        for key, inner in choice.get("properties", {}).items():
            is_required = key in choice.get("required", ()) and len(choices) == 1
            found |= _members(document, inner, f"{name}.{key}", required=is_required, above=seen)
        if "items" in choice:
            found |= _members(document, choice["items"], f"{name}[]", required=False, above=seen)
    return found


def _choices(document: Any, schema: Any, above: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """The plain schemas that a value may have, each with the references that led to it."""
    if reference := schema.get("$ref"):
        if reference not in above:
            target = document["components"]["schemas"][reference.rpartition("/")[2]]
            yield from _choices(document, target, (*above, reference))
    elif several := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        for each in several:
            yield from _choices(document, each, above)
    else:
        yield schema, above


def _types(schema: Any) -> set[str]:
    given = schema.get("type", "string" if "enum" in schema or "const" in schema else "any")
    return set(given) if isinstance(given, list) else {given}


def _values(schema: Any) -> list[Any] | None:
    """The allowed values, if they are listed."""
    found: list[Any] | None = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return found


def _listed(names: set[Any]) -> str:
    return ", ".join(sorted(map(str, names)))


def main() -> None:
    """Rewrite the document, and print what changed for clients."""
    new = served()
    old = DOCUMENT.read_text() if DOCUMENT.exists() else None
    DOCUMENT.write_text(new)
    changes = breaking_changes(json.loads(old), json.loads(new)) if old else []
    for change in changes:
        print(f"breaks clients: {change}")
    print(f"{DOCUMENT.name}: {'unchanged' if old == new else 'written'}, {len(changes)} breaking changes")


if __name__ == "__main__":
    main()
