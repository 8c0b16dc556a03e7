"""The generated pages are what the code would generate today, and the OpenAPI document leaves no field unexplained."""

import json
import re

import pytest
from pydantic.alias_generators import to_camel

from api.app import api
from ingestion.records import SESSION
from tools.reference.api_page import OF_THE_FRAMEWORK
from tools.reference.pages import PAGES, ROOT


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_the_generated_one(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run make reference"


WRITTEN_BY_HAND = [
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "how-to").glob("*.md"),
    *(ROOT / "docs" / "explanation").glob("*.md"),
    *ROOT.glob("*.md"),
]


def test_no_page_written_by_hand_says_how_many_days_an_error_file_is_kept() -> None:
    generated = {ROOT / name for name in PAGES}
    said = [
        f"{page.relative_to(ROOT)}: {' '.join(sentence.split())}"
        for page in WRITTEN_BY_HAND
        if page not in generated
        for sentence in re.split(r"[.;|]\s|\n\n", page.read_text(encoding="utf-8"))
        if re.search(r"error\s+files?\b|rejected\s+rows", sentence, re.IGNORECASE)
        and re.search(r"\d+\s+days", sentence)
    ]
    assert said == [], "link to reference/settings.md, which make reference writes"


@pytest.mark.parametrize("shape", ["BatchSession", "SessionVersion"])
def test_a_session_says_of_its_fields_what_the_record_says(shape: str) -> None:
    document = json.loads(api.get_openapi_json_schema())["components"]["schemas"][shape]["properties"]
    said = {name: schema["description"] for name, schema in document.items()}
    assert said.items() >= {to_camel(field.name): field.meaning for field in SESSION.fields}.items()


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
