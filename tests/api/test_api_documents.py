"""The OpenAPI document says what is served."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from api.app import api as resolver
from api.app import handler
from ingestion import config
from tests.api.api_calls import CONTEXT, Call, call
from tests.api.test_api_rights import BODIES
from tests.api.world import World

CONTRACT = {
    ("get", "/v1/import/backfill/{batchId}/status"),
    ("get", "/v1/import/backfill/{batchId}/errors"),
    ("post", "/v1/import/uploads"),
    ("post", "/v1/import/uploads/{uploadId}/parts"),
    ("get", "/v1/import/uploads/{uploadId}"),
    ("get", "/v1/import/uploads"),
    ("get", "/v1/import/batches"),
    ("get", "/v1/import/batches/{batchId}"),
    ("get", "/v1/import/batches/{batchId}/sessions"),
    ("get", "/v1/import/batches/{batchId}/audit"),
    ("get", "/v1/import/batches/{batchId}/lineage"),
    ("post", "/v1/import/batches/{batchId}/verify"),
    ("get", "/v1/import/batches/{batchId}/rows/{rowNumber}/explain"),
    ("get", "/v1/sessions/{sessionId}/explain"),
    ("post", "/v1/import/batches/{batchId}/cancel"),
    ("post", "/v1/import/batches/{batchId}/undo"),
    ("get", "/v1/import/batches/{batchId}/undo"),
    ("post", "/v1/import/batches/{batchId}/retry"),
    ("get", "/v1/import/retryable"),
    ("get", "/v1/import/batches/{batchId}/rejects"),
    ("post", "/v1/import/batches/{batchId}/corrections"),
    ("get", "/v1/sessions/{sessionId}/lineage"),
    ("post", "/v1/sessions/search"),
    ("get", "/v1/program-instances"),
    ("get", "/v1/program-instances/{slug}/batches"),
    ("get", "/v1/import/summary"),
    ("get", "/health"),
}
READ_A_FILE = {path for _, path in CONTRACT if path.endswith(("/explain", "/verify"))}
"""See test_api_explain."""
NEED_REJECTS = {path for _, path in CONTRACT if path.endswith(("/retry", "/retryable", "/rejects", "/corrections"))}
"""See test_api_rejects."""


STATUS_OF = {
    "create": {"201"},
    "cancel": {"202"},
    "undo": {"200", "202"},
    "retry": {"202"},
    "correct": {"200", "202"},
}


@pytest.fixture(scope="module")
def document(environment: pytest.MonkeyPatch) -> Any:
    return call("GET", "/openapi.json").body


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [(method, path, about) for path, item in document["paths"].items() for method, about in item.items()]


def test_it_has_the_routes_of_the_contract(document: Any) -> None:
    assert {(method, path) for method, path, _ in operations(document)} == CONTRACT


def test_it_has_the_shape_of_openapi(document: Any) -> None:
    assert re.fullmatch(r"3\.1\.\d", document["openapi"])
    assert document["info"].keys() >= {"title", "version"}
    names = {about["operationId"] for _, _, about in operations(document)}
    assert len(names) == len(CONTRACT)
    for _method, path, about in operations(document):
        in_path = {given["name"] for given in about.get("parameters", []) if given["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        assert all(given["required"] for given in about.get("parameters", []) if given["in"] == "path")
        assert about["summary"]
        assert set(about["tags"]) <= {tag["name"] for tag in document["tags"]}
        for answer in about["responses"].values():
            assert answer["description"]


def test_every_reference_leads_somewhere(document: Any) -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_every_route_says_what_it_answers_when_it_can_and_when_it_can_not(document: Any) -> None:
    for _method, path, about in operations(document):
        answers = about["responses"]
        good = {status for status in answers if status < "300"}
        verb = re.match("[a-z]+", about["operationId"])
        assert good == STATUS_OF.get(verb[0] if verb else "", {"200"}), path
        for status, answer in answers.items():
            if status == "302":
                continue
            kind = "application/json" if status in good else "application/problem+json"
            assert answer["content"].keys() == {kind}, path
            assert "$ref" in answer["content"][kind]["schema"], path
        assert {"422", "500", "503"} <= answers.keys(), path


def fits(document: Any, schema: Any, value: Any) -> None:
    """As much of JSON Schema as the document uses."""
    if "$ref" in schema:
        return fits(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], value)
    if "anyOf" in schema or "oneOf" in schema:
        failures = []
        for choice in schema.get("anyOf") or schema["oneOf"]:
            try:
                return fits(document, choice, value)
            except AssertionError as failed:
                failures.append(failed)
        raise AssertionError(failures)
    kinds: dict[str, Any] = {
        "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
        "null": type(None),
    }  # fmt: skip
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (schema, value)
    if "const" in schema:
        assert value == schema["const"]
    if "enum" in schema:
        assert value in schema["enum"]
    if schema.get("format") == "date-time":
        assert value.endswith("Z")
    if schema.get("type") == "array":
        for item in value:
            fits(document, schema["items"], item)
    if "properties" in schema:
        assert (
            set(schema.get("required", []))
            <= value.keys()
            <= (schema["properties"].keys() if not schema.get("additionalProperties") else value.keys())
        )
        for name, part in value.items():
            fits(document, schema["properties"].get(name, {}), part)
    return None


@pytest.fixture
def in_parts(post: Call, buckets: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An upload of which a part is awaited."""
    monkeypatch.setenv("MULTIPART_FROM_BYTES", "0")
    config.settings.cache_clear()
    return post("/v1/import/uploads", {"fileName": "years.csv", "sizeBytes": 1}).body["uploadId"]


def test_what_is_served_fits_the_document(get: Call, post: Call, world: World, document: Any, in_parts: Any) -> None:
    instance = world.instance("mentors-ukraine-2024")
    people = world.user("oksana@example.org"), world.user("kari@example.org", "volunteer")
    parent = world.batch()
    upload = world.upload(state="refused", refusal_code="x", refusal_message="y", refusal_batch_id=parent)
    batch = world.batch(
        parent_batch_id=parent,
        program_instance_id=instance,
        error_file_key="errors/x.csv",
        error_summary=[{"code": "E001", "category": "validation", "field": "participant_email", "count": 2}],
    )
    world.chunk(batch, 1)
    given: dict[str, Any] = {"inserted_by": (parent, 1), "version": 2, "metadata": {"room": 2}, "topics": ["cv"]}
    session = world.session(batch, 1, instance, people, **given)
    world.earlier(session, 1, parent, 1, instance, by=batch)
    world.audit("import_started", resource_type="batch", resource_id=batch, batch_id=batch)
    world.undo(parent)
    values = {"batchId": batch, "uploadId": upload, "sessionId": session, "slug": "mentors-ukraine-2024"}

    for method, path, about in operations(document):
        if path in READ_A_FILE | NEED_REJECTS:
            continue
        sent = re.sub(r"{(\w+)}", lambda name: str(values[name[1]]), path)
        if path.endswith("/parts"):
            sent = sent.replace(str(upload), in_parts)
        if path.endswith("/cancel"):
            sent = sent.replace(str(batch), str(world.batch(status="running")))
        if path.endswith("/undo"):
            sent = sent.replace(str(batch), str(parent))
        answer = (
            post(sent, BODIES.get(path, {})) if method == "post" else get(sent, headers={"accept": "application/json"})
        )
        assert str(answer.status) in about["responses"], (sent, answer.text)
        assert answer.status < 300, (sent, answer.text)
        described = about["responses"][str(answer.status)]["content"]["application/json"]["schema"]
        fits(document, described, answer.body)
        if isinstance(answer.body, dict) and "items" in answer.body:
            assert answer.body["items"], sent


def test_problems_fit_the_document(get: Call, document: Any) -> None:
    problem = document["components"]["schemas"]["ProblemShape"]
    for path in ("/v1/import/batches?", "/v1/import/batches/1", "/nowhere"):
        fits(document, problem, get(path).body)


def test_shapes_are_in_camel_case(document: Any) -> None:
    for name, shape in document["components"]["schemas"].items():
        if name in ("ValidationError", "HTTPValidationError", "ResponseValidationError"):
            continue
        for field in shape.get("properties", {}):
            assert re.fullmatch(r"[a-z]+(?:[A-Z0-9][a-z0-9]*)*", field), (name, field)


def test_the_page_fetches_nothing_from_elsewhere(api: Call) -> None:
    answer = api("GET", "/docs")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Kintell Ingest" in answer.text
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=['\"]https?:", answer.text)
    assert len(answer.text.encode()) < 5_000_000


def test_no_route_answers_without_a_model() -> None:
    """A bare Response breaks the first request that reaches it."""
    for route in (*resolver._static_routes, *resolver._dynamic_routes):
        if route.include_in_schema:
            good = [answer for status, answer in (route.responses or {}).items() if status < 300]
            assert good
            for answer in good:
                assert issubclass(answer["content"]["application/json"]["model"], BaseModel)  # type: ignore[typeddict-item]


def test_the_sample_event_is_answered(world: World) -> None:
    sample = json.loads((Path(__file__).parents[2] / "events" / "api.json").read_text())
    batch = world.batch()
    answer = handler(sample, CONTEXT)
    assert [item["batchId"] for item in json.loads(answer["body"])["items"]] == [str(batch)]
