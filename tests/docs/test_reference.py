"""The generated pages are what the code would generate today, and the OpenAPI document leaves no field unexplained."""

import json

import pytest

from api.app import api
from tools.reference.api_page import OF_THE_FRAMEWORK
from tools.reference.pages import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_the_generated_one(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run make reference"


def test_every_field_of_the_api_has_a_description() -> None:
    shapes = json.loads(api.get_openapi_json_schema())["components"]["schemas"]
    fields = [
        f"{shape}.{field}"
        for shape, about in shapes.items()
        if shape not in OF_THE_FRAMEWORK
        for field, schema in about.get("properties", {}).items()
        if not schema.get("description")
    ]
    assert fields == [], "describe them in api/field_descriptions.py"
