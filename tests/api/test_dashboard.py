"""The dashboard's pages: each for every state, in both languages, and whatever stands in a file is text."""

import gzip
import json
import random
from base64 import b64decode
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.app import handler
from dashboard.assets import addresses
from dashboard.reader_language import texts
from ingestion.batch import BatchStatus
from ingestion.errors import RefusalCode
from tests.api.api_calls import CONTEXT, Answer, Call, event
from tests.api.full_world import BROWSER, EVIL, asked, everything
from tests.api.world import NOW, UPLOADS, World


@pytest.mark.parametrize("language", ["en", "nb"])
def test_every_page_is_served_in_both_languages(see: Any, world: World, language: str) -> None:
    for name, address in everything(world).items():
        path, query = asked(address)
        page = see(path, language=language, **query)
        if name not in ("list", "live", "months", "outcome"):
            assert page.all("html")[0]["lang"] == language
            assert len(page.all("main")) == len(page.all("h1")) == 1


def test_whatever_stands_in_a_file_is_text(see: Any, world: World) -> None:
    shown = ""
    for address in everything(world, EVIL).values():
        path, query = asked(address)
        page = see(path, **query)
        assert not [image for image in page.all("img") if not image["src"].startswith("/assets/")]
        shown += page.text
    # Among what is shown, to the letter; nothing evaluated it.
    assert shown.count(EVIL) > 20
    guess = see("/drop/guess", name=EVIL)
    assert EVIL in guess.text
    assert EVIL in see("/lineage", 404, id=EVIL).text
    see("/programmes/x", 404)


@pytest.mark.parametrize("status", list(BatchStatus))
def test_a_batch_in_every_state(see: Any, world: World, status: BatchStatus) -> None:
    batch = world.batch(status=status.value)
    if status is BatchStatus.UNDONE:
        world.undo(batch)
    page = see(f"/batches/{batch}")
    assert "<time" not in page.text, "a tag that is shown as text"
    assert texts("en")[f"status.{status}"] in page.text
    asks_again = any(element.get("hx-get") == f"/batches/{batch}/live" for element in page.all("div"))
    assert asks_again == (status in ("pending", "running", "undoing"))
    assert texts("en")[f"status.{status}"] in see("/").text


@pytest.mark.parametrize("code", list(RefusalCode))
def test_a_refusal_of_every_kind_says_why(see: Any, world: World, code: RefusalCode) -> None:
    earlier = world.batch()
    upload = world.upload(
        state="refused", refusal_code=code.value, refusal_message="Because of that.", refusal_batch_id=earlier
    )
    for language in ("en", "nb"):
        page = see(f"/uploads/{upload}", language=language)
        assert texts(language)[f"refusal.{code}"] in page.text
        assert "Because of that." in page.text
        assert f"/batches/{earlier}" in [link["href"] for link in page.all("a")]


def test_the_stages_of_a_running_batch(see: Any, world: World) -> None:
    batch = world.batch(status="running")
    world.chunk(batch, 1, state="staged", staged_rows=5, staged_at=NOW + timedelta(seconds=2))
    world.chunk(batch, 2)
    page = see(f"/batches/{batch}/live")
    assert [step["class"] for step in page.all("li") if "class" in step] == [
        "is-done", "is-now", "is-later", "is-later", "is-later",
    ]  # fmt: skip
    assert "5 of 10 rows" in page.text


def test_an_upload_that_is_awaited_asks_again_until_it_has_a_batch(api: Call, see: Any, world: World) -> None:
    waiting = world.db.run("INSERT INTO uploads (bucket, key, file_name) VALUES ('b', 'k', 'f.csv') RETURNING id")[0][0]
    assert any(
        element.get("hx-get") == f"/uploads/{waiting}/outcome" for element in see(f"/uploads/{waiting}").all("section")
    )
    lost = world.upload(state="waiting")
    assert not any("hx-get" in element for element in see(f"/uploads/{lost}").all("section"))
    upload = world.upload()
    batch = world.batch(upload_id=upload)
    assert api("GET", f"/uploads/{upload}/outcome").headers["HX-Redirect"] == f"/batches/{batch}"
    answer = api("GET", f"/uploads/{upload}")
    assert (answer.status, answer.headers["Location"]) == (303, f"/batches/{batch}")


# Headers, assets, problems --------------------------------------------------------------------------------------------


def test_a_page_may_run_and_fetch_only_what_is_ours(api: Call, world: World) -> None:
    answer = api("GET", "/", headers=BROWSER)
    rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["img-src"] == rules["form-action"] == "'self'"
    ours, uploads = rules["connect-src"].split()
    assert ours == "'self'"
    assert uploads.startswith("https://")
    assert uploads.endswith(f"/{UPLOADS}/incoming/")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def asset(path: str, **headers: str) -> Answer:
    result = handler(event("GET", path, headers=headers), CONTEXT)
    return Answer(result["statusCode"], result["headers"], result["body"])


def test_assets_may_be_kept_for_good_because_their_name_tells_their_content(see: Any, world: World) -> None:
    page = see("/drop")
    wanted = [element["src"] for element in page.all("script")] + [element["href"] for element in page.all("link")]
    assert set(wanted) <= set(addresses().values())
    for path in wanted:
        answer = asset(path)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert asset("/assets/kintell-000000000000.css").status == 404
    assert asset("/assets/..%2fapp.py").status == 404


def much(world: World) -> dict[str, str]:
    """Every page with as much on it as there may be, none of which compresses well."""
    pages = everything(world, "".join(chr(0x400 + n * n % 255) for n in range(200)))
    (batch,) = {address.split("/")[2] for address in pages.values() if address.startswith("/batches/")}
    noise = random.Random(7)
    letters = [chr(code) for code in range(0x410, 0x450)]
    people = (world.user("a@example.org"), world.user("b@example.org", "volunteer"))
    instance = world.instance("run-1")
    for row in range(2, 60):
        world.session(UUID(batch), row, instance, people, feedback_text="".join(noise.choices(letters, k=5000)))
    for n in range(60):
        at = NOW + timedelta(seconds=n)
        upload = world.upload(
            created_at=at, file_name=f"{noise.random()}.csv", uploaded_by=f"{noise.random()}@example.org"
        )
        world.batch(created_at=at, upload_id=upload, parent_batch_id=UUID(batch), program_instance_id=instance)
        world.audit("error_file_downloaded", resource_type="batch", resource_id=UUID(batch), batch_id=UUID(batch))
    headers = json.dumps({"headers": ["".join(noise.choices(letters, k=100_000)), *map(str, range(5000))]})
    world.db.run("UPDATE ingestion_batches SET csv_metadata = csv_metadata || CAST(:headers AS jsonb)", headers=headers)
    return pages


def weight(path: str, query: dict[str, str] | None = None) -> tuple[int, str]:
    """Its bytes as they are sent, and its text."""
    headers = {"accept-encoding": "gzip", **BROWSER}
    result = handler(event("GET", path, query, headers=headers), CONTEXT)
    assert result["statusCode"] == 200, path
    body = b64decode(result["body"]) if result["isBase64Encoded"] else result["body"].encode()
    return len(body), (gzip.decompress(body) if result["isBase64Encoded"] else body).decode()


def test_a_page_with_all_that_it_needs_weighs_little(api: Call, world: World) -> None:
    for name, address in much(world).items():
        path, query = asked(address)
        page, text = weight(path, query)
        needed = sum(weight(asset)[0] for asset in addresses().values() if asset in text)
        assert page + needed < 150_000, (name, page, needed)
        if name not in ("list", "live", "months", "outcome"):
            assert needed > 15_000


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/batches/none",
        "/batches/6b0e0000-0000-4000-8000-000000000000",
        "/batches/6b0e0000-0000-4000-8000-000000000000/lineage",
        "/uploads/none",
        "/sessions/999999",
        "/sessions/mentors_ukraine:MS-1",
        "/programmes/none",
        "/drop?parent=none",
    ],
)
def test_what_is_not_there_is_a_page_to_a_browser_and_a_problem_to_others(
    api: Call, see: Any, world: World, path: str
) -> None:
    path, query = asked(path)
    assert "Page not found" in see(path, 404, **query).text
    assert json.loads(api("GET", path, query).text)["status"] == 404


def test_the_database_out_of_reach_is_a_page_too(
    environment: pytest.MonkeyPatch, api: Call, see: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingestion import config

    monkeypatch.setenv("DATABASE_SECRET_ARN", "nowhere")
    config.settings.cache_clear()
    assert "database" in see("/", 503).text
