"""The pages of a plan: what would change, one button that imports it, and what is said if something has changed."""

from typing import Any

import pytest

from tests.api.api_calls import Answer, call
from tests.api.full_world import BROWSER
from tests.api.html import Html
from tests.stages.conftest import Pipeline
from tests.stages.test_commits import STORED
from tests.stages.test_plans import KEY, MIXED, file_of, known, row

__all__ = ["known"]


def see(path: str, status: int = 200, language: str = "en", **query: Any) -> Html:
    answer = call("GET", path, query, headers={**BROWSER, "accept-language": language})
    assert answer.status == status, answer.text
    html = Html(answer.text)
    assert html.keeps_to_the_policy()
    return html


def press(form: Any, **more: str) -> Answer:
    own = {**BROWSER, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
    path, _, query = form["action"].partition("?")
    given = dict(pair.split("=") for pair in query.split("&"))
    return call("POST", path, {**given, **more}, headers=own)


def commit_form(html: Html) -> Any:
    (form,) = [form for form in html.all("form") if "/commit" in form["action"]]
    return form


@pytest.mark.parametrize(("language", "word"), [("en", "Updated (2)"), ("nb", "Oppdatert (2)")])
def test_a_page_shows_what_a_dry_run_would_change(known: Pipeline, language: str, word: str) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(
        KEY, file_of(row(1, "60", "one"), row(2, "45", "<b>"), row(2, "46", "<b>"), row(7)), dry_run="true"
    )
    path = f"/batches/{dry_run['id']}/changes"
    assert path in [link["href"] for link in see(f"/batches/{dry_run['id']}", language=language).all("a")]
    page = see(path, language=language)
    assert word in page.text
    assert "MS-7" in page.text
    updated = see(path, language=language, outcome="updated")
    assert ("45" in updated.text, "MS-7" in updated.text) == (True, False)
    see(path, 422, language=language, outcome="whatever")


def test_one_button_imports_the_rows(known: Pipeline) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(KEY, MIXED, dry_run="true")
    answer = press(commit_form(see(f"/batches/{dry_run['id']}")))
    assert answer.status == 303
    batch = known.run(answer.headers["Location"].rsplit("/", 1)[1])
    assert batch["planned_by_batch_id"] == dry_run["id"]
    assert f"/batches/{dry_run['id']}" in [link["href"] for link in see(f"/batches/{batch['id']}").all("a")]
    afterwards = see(f"/batches/{dry_run['id']}")
    assert f"/batches/{batch['id']}" in [link["href"] for link in afterwards.all("a")]
    assert [form for form in afterwards.all("form") if "/commit" in form["action"]] == []
    # The list has the file once, as what was imported of it.
    listed = [link["href"] for link in see("/").all("a")]
    assert f"/batches/{batch['id']}" in listed
    assert f"/batches/{dry_run['id']}" not in listed


def test_a_page_says_what_has_changed_and_offers_the_other_rows(known: Pipeline) -> None:
    known.load(KEY, STORED)
    dry_run = known.load(KEY, MIXED, dry_run="true")
    known.load(KEY, file_of(row(2, "50", "two")))
    answer = press(commit_form(see(f"/batches/{dry_run['id']}")))
    assert answer.status == 409
    page = Html(answer.text)
    assert "MS-2" in page.text
    answer = press(commit_form(page))
    assert answer.status == 303
    batch = known.run(answer.headers["Location"].rsplit("/", 1)[1])
    assert (batch["status"], batch["unpublished_rows"]) == ("completed", 2)
    assert "Left out (2)" in see(f"/batches/{batch['id']}/changes").text


def test_another_sites_page_imports_nothing(known: Pipeline) -> None:
    dry_run = known.load(KEY, MIXED, dry_run="true")
    headers = {**BROWSER, "sec-fetch-site": "cross-site"}
    path, query = f"/batches/{dry_run['id']}/commit", {"plan": dry_run["plan_hash"]}
    assert call("POST", path, query, headers=headers).status == 403
    assert known.db.run("SELECT count(*) FROM ingestion_batches") == [[1]]
