"""docs/openapi.json is what the API serves, and a change that breaks clients is named."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tools.openapi import DOCUMENT, breaking_changes, served

BATCHES = "/v1/import/batches"
ANSWER = f"GET {BATCHES}, answer 200: application/json"
UPLOADS = "POST /v1/import/uploads"

Edit = Callable[[Any], Any]


def test_the_committed_document_is_what_is_served() -> None:
    committed = DOCUMENT.read_text()

    assert committed == served(), "\n".join(
        ["`make openapi` writes it anew", *breaking_changes(json.loads(committed), json.loads(served()))]
    )


def schema(document: Any, name: str) -> Any:
    return document["components"]["schemas"][name]


def required(document: Any, name: str, field: str) -> None:
    schema(document, name).setdefault("required", []).append(field)


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(DOCUMENT.read_text())


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(lambda d: d["paths"].pop("/v1/import/summary"), ["GET /v1/import/summary is gone"], id="route"),
        pytest.param(
            lambda d: d["paths"]["/v1/import/uploads"]["post"]["responses"].pop("201"),
            [f"{UPLOADS}: the answer 201 is gone"],
            id="answer",
        ),
        pytest.param(
            lambda d: schema(d, "UploadRequest")["properties"].pop("force"),
            [f"{UPLOADS}: body.force is no longer accepted"],
            id="field that was sent",
        ),
        pytest.param(
            lambda d: required(d, "UploadRequest", "programType"),
            [f"{UPLOADS}: body.programType is now required"],
            id="field that must be sent",
        ),
        pytest.param(
            lambda d: schema(d, "UploadRequest")["properties"].update(force={"type": "string"}),
            [f"{UPLOADS}: body.force no longer accepts boolean"],
            id="type that was sent",
        ),
        pytest.param(
            lambda d: d["paths"][BATCHES]["get"]["parameters"].append(
                {"name": "year", "in": "query", "required": True, "schema": {"type": "integer"}}
            ),
            [f"GET {BATCHES}: year (query) is now required"],
            id="parameter that must be sent",
        ),
    ],
)
def test_a_change_that_breaks_clients_is_named(document: Any, edit: Edit, expected: list[str]) -> None:
    changed = copy.deepcopy(document)
    edit(changed)

    assert breaking_changes(document, changed) == expected


def _batch(document: Any) -> Any:
    """What the list of batches has an item of."""
    (content,) = document["paths"][BATCHES]["get"]["responses"]["200"]["content"].values()
    page = schema(document, content["schema"]["$ref"].rpartition("/")[2])
    return schema(document, page["properties"]["items"]["items"]["$ref"].rpartition("/")[2])


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(
            lambda batch: batch["properties"].pop("fileName"), f"{ANSWER}.items[].fileName is gone", id="no field"
        ),
        pytest.param(
            lambda batch: batch["required"].remove("fileName"),
            f"{ANSWER}.items[].fileName may be missing now",
            id="no longer always there",
        ),
        pytest.param(
            lambda batch: batch["properties"].update(fileName={"anyOf": [{"type": "string"}, {"type": "null"}]}),
            f"{ANSWER}.items[].fileName may now be null",
            id="a null",
        ),
        pytest.param(
            lambda batch: batch["properties"].update(fileName={"type": "integer"}),
            f"{ANSWER}.items[].fileName may now be integer",
            id="another type",
        ),
    ],
)
def test_a_change_of_an_answer_that_breaks_clients_is_named(document: Any, edit: Edit, expected: str) -> None:
    changed = copy.deepcopy(document)
    edit(_batch(changed))

    assert expected in breaking_changes(document, changed)


def test_a_value_that_clients_have_not_heard_of_breaks_them_only_where_it_is_answered() -> None:
    def document_of(values: list[str]) -> Any:
        content = {"application/json": {"schema": {"type": "string", "enum": values}}}
        operation = {"requestBody": {"content": content}, "responses": {"200": {"content": content}}}
        return {"paths": {"/state": {"put": operation}}}

    few, many = document_of(["on", "off"]), document_of(["on", "off", "idle"])

    assert breaking_changes(few, many) == ["PUT /state, answer 200: application/json may now be idle"]
    assert breaking_changes(many, few) == ["PUT /state: body no longer accepts idle"]


def test_what_is_new_and_optional_breaks_nobody(document: Any) -> None:
    changed = copy.deepcopy(document)
    changed["paths"]["/v1/new"] = document["paths"][BATCHES]
    _batch(changed)["properties"]["focusArea"] = {"type": "string"}
    schema(changed, "UploadRequest")["properties"]["colour"] = {"type": "string"}

    assert breaking_changes(document, changed) == []
