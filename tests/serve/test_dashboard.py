"""The dashboard's pages: each for every state, in both languages, and whatever stands in a file is text."""

import gzip
import json
import re
from base64 import b64decode
from contextlib import suppress
from datetime import timedelta
from typing import Any

import boto3
import pytest

from ingestion.batch import BatchStatus
from ingestion.errors import RefusalCode
from ingestion.faults import FaultCode
from serve.app import handler
from serve.dashboard import WEB
from serve.dashboard.assets import addresses
from serve.dashboard.wording import Words, language_of, texts
from tests.serve.asking import CONTEXT, Answer, Call, event
from tests.serve.html import Html
from tests.serve.world import NOW, REGION, UPLOADS, WORK, World

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
EVIL = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>{{ 7 * 7 }}'


@pytest.fixture
def see(api: Call) -> Any:
    """GET *path* as a browser does; the page, which keeps to its policy."""

    def see(path: str, status: int = 200, language: str = "en", **query: Any) -> Html:
        answer = api("GET", path, query, headers={**BROWSER, "accept-language": language})
        assert answer.status == status, answer.text
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        html = Html(answer.text)
        assert html.keeps_to_the_policy()
        return html

    return see


def everything(world: World, text: str = "fine") -> dict[str, str]:
    """A world in which every page has something to show, with *text* wherever a person or a file may put one."""
    instance = world.instance("mentors-ukraine-2024-q4")
    people = (world.user("anna@example.org"), world.user("ole@example.org", "volunteer"))
    first = world.batch(program_instance_id=instance, file_name=f"first {text}.csv")
    upload = world.upload(file_name=f"second {text}.csv", key=f"incoming/{text}.csv", uploaded_by=text, claimed_by=text)
    second = world.batch(
        upload_id=upload,
        program_instance_id=instance,
        parent_batch_id=first,
        file_name=f"second {text}.csv",
        imported_by=text,
        claimed_by=text,
        forced=True,
        force_reason=text,
        max_error_percent=12.5,
        error_file_key="errors/x.csv",
        rating_scale="one_to_five",
        error_summary=[
            {"code": code.value, "category": code.category.value, "field": "row", "count": n + 1}
            for n, code in enumerate(FaultCode)
        ],
        csv_metadata={
            "delimiter": "\t",
            "encoding": "cp1251",
            "encodingChosenBy": "score",
            "headers": ["session_id", text],
            "unknownHeaders": [text],
            "detectedSchemaVersion": "1.0",
            "rowCount": 10,
            "hasHeaderRow": True,
            "programChosenBy": "file_name",
            "programInstanceChosenBy": "session_dates",
            "warnings": [{"code": "lost_characters", "count": 3}, {"code": text, "count": 1}],
        },
    )
    session = world.session(
        second,
        1,
        instance,
        people,
        version=2,
        external_session_id=f"MS {text}",
        feedback_text=text,
        focus_area=text,
        topics=[text, "other"],
        metadata={"note": text},
        rating=0.5,
    )
    world.earlier(session, 1, first, 3, instance, second)
    world.audit("upload_received", resource_type="upload", resource_id=upload, actor=text)
    world.audit("import_completed", resource_type="batch", resource_id=second, batch_id=second)
    refused = world.upload(
        state="refused",
        file_name=f"third {text}.csv",
        refusal_code="already_imported",
        refusal_message=text,
        refusal_batch_id=first,
    )
    return {
        "imports": "/",
        "list": "/imports/list",
        "drop": "/drop",
        "mended": f"/drop?parent={second}",
        "batch": f"/batches/{second}",
        "live": f"/batches/{second}/live",
        "sessions": f"/batches/{second}/sessions",
        "graph": f"/batches/{second}/lineage",
        "search": "/lineage",
        "session": f"/sessions/{session}",
        "programmes": "/programmes",
        "programme": "/programmes/mentors-ukraine-2024-q4",
        "months": "/programmes/mentors-ukraine-2024-q4/sessions",
        "refused": f"/uploads/{refused}",
        "outcome": f"/uploads/{refused}/outcome",
    }


def asked(path: str) -> tuple[str, dict[str, str]]:
    """Path and parameters."""
    path, _, query = path.partition("?")
    return path, dict([query.split("=", 1)]) if query else {}


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
    page = see(f"/batches/{batch}")
    assert texts("en")[f"status.{status}"] in page.text
    asks_again = any(element.get("hx-get") == f"/batches/{batch}/live" for element in page.all("div"))
    assert asks_again == (status in ("pending", "running"))
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


ERROR_FILE = (
    "\ufeffsession_id,feedback_text,_error_row,_error_line,_error_code,_error_message\r\n"
    + f'MS-1,"two\r\nlines",4,7,E001; E003,"\'={EVIL.replace(chr(34), chr(34) * 2)}"\r\n'
    + "".join(f"MS-{n},,{n},{n + 9},E002,x: is empty\r\n" for n in range(5, 40))
)


def keep_error_file(text: str) -> None:
    s3 = boto3.client("s3")
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=WORK, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=WORK, Key="errors/x.csv", Body=text.encode())


def test_some_rejected_rows_are_shown_and_that_is_audited(see: Any, world: World) -> None:
    keep_error_file(ERROR_FILE)
    batch = world.batch(error_file_key="errors/x.csv", total_rows=44, error_rows=36)
    page = see(f"/batches/{batch}/rejected")
    assert len(page.all("li")) == 20
    assert "row 4, line 7" in page.text
    assert f"={EVIL}" in page.text
    assert "The first 20 of 36" in page.text
    assert world.count("SELECT count(*) FROM audit_logs WHERE action = 'error_file_downloaded'") == 1


def test_rejected_rows_of_any_length_are_shown_up_to_where_the_page_reads(see: Any, world: World) -> None:
    """Rows of 300 KB, in quoted lines: the first mebibyte of the file ends in the middle of the fourth."""
    header, long = ERROR_FILE.partition("\r\n")[0], "two\r\nlines " * 25_000
    lines = "".join(f'MS-{n},"{long}",{n},{n + 9},E011,too long\r\n' for n in range(5, 12))
    keep_error_file(f"{header}\r\n{lines}")
    page = see(f"/batches/{world.batch(error_file_key='errors/x.csv', total_rows=15, error_rows=7)}/rejected")
    assert len(page.all("li")) == 3
    assert "row 7, line 16" in page.text


def test_rejected_rows_that_are_gone_are_not_shown(see: Any, world: World) -> None:
    gone = world.batch(error_file_key="errors/gone.csv", error_file_deleted_at=NOW)
    assert "2024-12-01" in see(f"/batches/{gone}/rejected", 410).text
    see(f"/batches/{world.batch()}/rejected", 404)


# The timeline ---------------------------------------------------------------------------------------------------------


def entries(page: Html) -> list[str]:
    """Ids of the uploads that a list shows."""
    return [link["id"].removeprefix("entry-") for link in page.all("a") if link.get("class") == "file"]


@pytest.mark.parametrize("query", [{}, {"programme": "mentors_ukraine"}, {"show": "completed"}])
def test_pages_of_the_timeline_hold_every_import_once(see: Any, world: World, query: dict[str, str]) -> None:
    uploads = []
    for n in range(120):
        at = NOW + timedelta(microseconds=n // 7)
        upload = world.upload(created_at=at)
        uploads.append(str(upload))
        world.batch(upload_id=upload, created_at=at)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = see("/", **query, **cursor)
        seen += entries(page)
        older = [link["href"] for link in page.all("a") if link.get("rel") == "next"]
        if not older:
            break
        cursor = {"cursor": older[0].rpartition("cursor=")[2]}
    assert sorted(seen) == sorted(uploads)


def test_the_filters_of_the_timeline(see: Any, world: World) -> None:
    failed = world.upload()
    world.batch(upload_id=failed, status="failed", program_instance_id=world.instance("run-1"))
    world.batch(program_type="kintell_users")
    refused = world.upload(state="refused", refusal_code="empty_file", refusal_message="The file has no rows.")
    assert len(entries(see("/"))) == 3
    assert entries(see("/", show="failed")) == [str(failed)]
    assert entries(see("/", show="refused")) == [str(refused)]
    assert entries(see("/", programme="mfu")) == [str(failed)]
    assert entries(see("/", instance="run-1", show="failed", programme="mentors_ukraine")) == [str(failed)]
    assert entries(see("/", instance="run-2")) == []
    assert texts("en")["filter.no_programme"] in see("/", show="refused", programme="mfu").text


def test_the_list_asks_again_only_while_something_runs(see: Any, world: World) -> None:
    world.batch()
    assert "hx-get" not in see("/").all("div")[1]
    world.batch(status="running")
    (asking,) = [element["hx-get"] for element in see("/", show="running").all("div") if "hx-get" in element]
    assert asking == "/imports/list?show=running"


# Lineage and programmes -----------------------------------------------------------------------------------------------


def test_what_changed_between_versions_is_marked(see: Any, world: World) -> None:
    page = see(everything(world)["session"])
    marked = [cell for cell in page.all("td") if cell.get("class") == "changed"]
    # Scheduled, rating, feedback, focus, topics and metadata of the later version; nothing of the earlier.
    assert len(marked) == 6
    assert "row 1, line 2" in page.text
    assert "row 3, line 4" in page.text


@pytest.mark.parametrize("named", ["{id}", "mentors_ukraine:{external}", "mfu:{external}"])
def test_a_session_is_found_by_any_of_its_names(api: Call, world: World, named: str) -> None:
    path = everything(world, "a/b ø")["session"]
    asked_for = named.format(id=path.rpartition("/")[2], external="MS a/b ø")
    answer = api("GET", "/lineage", {"id": asked_for})
    assert (answer.status, answer.headers["Location"]) == (303, path)


def test_the_graph_has_a_box_for_each_node_and_a_list_that_says_the_same(see: Any, world: World) -> None:
    page = see(everything(world)["graph"])
    kinds = [box["class"].removeprefix("node is-") for box in page.all("rect") if "node" in box.get("class", "")]
    assert sorted(kinds) == ["batch", "batch", "file", "programInstance", "sessions"]
    assert sum(path.get("class") == "line" for path in page.all("path")) == 4


def test_a_batch_with_many_corrections_is_still_a_picture(see: Any, world: World) -> None:
    parent = world.batch()
    for _ in range(15):
        world.batch(parent_batch_id=parent)
    page = see(f"/batches/{parent}/lineage")
    assert sum("is-batch" in box.get("class", "") for box in page.all("rect")) < 12
    assert sum(link["href"].startswith("/batches/") for link in page.all("a")) > 20


def test_a_programme_adds_up_to_its_files(see: Any, world: World) -> None:
    instance = world.instance("run-1")
    people = (world.user("a@example.org"), world.user("v@example.org", "volunteer"))
    batch = world.batch(
        program_instance_id=instance, total_rows=3, inserted_rows=3, updated_rows=0, skipped_rows=0, error_rows=0
    )
    world.batch(program_instance_id=instance, dry_run=True)
    for row in (1, 2):
        world.session(batch, row, instance, people, scheduled_at=NOW - timedelta(days=70 * row))
    assert "2 sessions are of this instance, its files brought 3" in see("/programmes/run-1/sessions").text
    world.session(batch, 3, instance, people)
    page = see("/programmes/run-1/sessions")
    assert "It adds up: 3 sessions" in page.text
    # July to December: the months between in which nothing happened are drawn as well.
    assert len(page.all("rect")) == 6
    assert "3" in see("/programmes/run-1").text


# Guessing -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "programme", "instance"),
    [
        ("mentors-for-ukraine-2024-Q4 (1).csv", "mentors_ukraine", "mentors-ukraine-2024-q4"),
        ("kintell-language-export.csv", "language_ukraine", ""),
        ("kintell-users.csv", "kintell_users", ""),
        ("holiday.csv", "", ""),
        ("holiday.xlsx", "", ""),
    ],
)
def test_what_a_name_says(see: Any, world: World, name: str, programme: str, instance: str) -> None:
    (guess,) = see("/drop/guess", name=name).all("p")
    assert (guess["data-programme"], guess["data-instance"]) == (programme, instance)


# Words ----------------------------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_texts_with_the_same_gaps() -> None:
    english, norwegian = texts("en"), texts("nb")
    assert english.keys() == norwegian.keys()
    for key, text in english.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", norwegian[key])), key


def test_every_text_that_a_page_names_is_there_and_none_is_left_over() -> None:
    pages = "".join(path.read_text() for path in (WEB / "templates").glob("*.html"))
    known = texts("en")
    named = set(re.findall(r"\bt\('([\w.]+)'[,)]", pages))
    named |= {f"{key}.{form}" for key in re.findall(r"\bn\('([\w.]+)'", pages) for form in ("one", "other")}
    begun = {f"{prefix}." for prefix in re.findall(r"'([\w.]+)\.' ~", pages)}
    begun |= {"problem.", "sessions.", "people."}
    assert not named - known.keys()
    assert {key for key in known.keys() - named if not key.startswith(tuple(begun))} == {"months", "unit.hours"}


def test_every_code_has_its_text() -> None:
    for code in FaultCode:
        assert texts("nb")[f"fault.{code.value}"]
        assert texts("nb")[f"fault_help.{code.value}"]


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, {}, "en"),
        ({"accept-language": "nb-NO,nb;q=0.9,en;q=0.8"}, {}, "nb"),
        ({"accept-language": "nn"}, {}, "nb"),
        ({"accept-language": "uk, no;q=0.4, en;q=0.7"}, {}, "en"),
        ({"accept-language": "nb;q=x, de"}, {}, "en"),
        ({"accept-language": "en", "cookie": "a=b; lang=nb"}, {}, "nb"),
        ({"cookie": "lang=../../etc"}, {}, "en"),
        ({"cookie": "lang=nb"}, {"lang": "en"}, "en"),
    ],
)
def test_whose_language(headers: dict[str, str], query: dict[str, str], expected: str) -> None:
    assert language_of({"headers": headers, "queryStringParameters": query or None}) == expected


def test_a_chosen_language_is_remembered_and_keeps_the_rest_of_the_address(see: Any, world: World) -> None:
    result = handler(event("GET", "/", {"lang": "nb", "show": "failed"}, headers=BROWSER), CONTEXT)
    assert result["cookies"][0].startswith("lang=nb")
    (other,) = [link["href"] for link in see("/", lang="nb", show="failed").all("a") if "hreflang" in link]
    assert other == "/?show=failed&lang=en"


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", ["1,234,567", "0.1%", "99.9%", "50%", "12 MB"]), ("nb", ["1 234 567", "0,1 %", "99,9 %", "50 %", "12 MB"])],
)
def test_numbers_in_the_readers_manner(language: str, expected: list[str]) -> None:
    words = Words(language)
    shown = [
        words.number(1234567),
        words.percent(1, 100_000),
        words.percent(99_999, 100_000),
        words.percent(1, 2),
        words.size(12_000_000),
    ]
    assert [text.replace("\u00a0", " ") for text in shown] == expected


def test_times_are_in_utc_until_a_script_has_written_them_in_the_readers(see: Any, world: World) -> None:
    world.batch()
    (time, *_) = see("/").all("time")
    assert time == {"datetime": "2024-12-01T12:00:00.000Z", "title": "2024-12-01 12:00:00 UTC"}


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


def test_a_page_with_all_that_it_needs_weighs_little(api: Call, world: World) -> None:
    for n in range(60):
        world.batch(created_at=NOW + timedelta(seconds=n))
    weight = 0
    for path in ("/", *addresses().values()):
        answer = asset(path, **{"accept-encoding": "gzip", **BROWSER})
        body = b64decode(answer.text)
        assert gzip.decompress(body)
        weight += len(body)
    assert weight < 150_000


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
    assert "There is nothing here" in see(path, 404, **query).text
    assert json.loads(api("GET", path, query).text)["status"] == 404


def test_the_database_out_of_reach_is_a_page_too(
    environment: pytest.MonkeyPatch, api: Call, see: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingestion import config

    monkeypatch.setenv("DATABASE_SECRET_ARN", "nowhere")
    config.settings.cache_clear()
    assert "database" in see("/", 503).text
