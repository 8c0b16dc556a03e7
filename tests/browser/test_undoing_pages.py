"""An import is undone in a browser: what will happen is shown, a reason is asked for, its page shows the result."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import visit
from tests.browser.test_pages import faults_of
from tests.e2e.front_door import FrontDoor, slug

HEADER = "session_id,participant_email,mentor_email,scheduled_at,feedback_text\n"
WORDS = {
    "en-GB": {
        "offer": "Undo import…",
        "do": "Undo import",
        "reason": "Reason for undoing it",
        "kept": "Kept",
        "done": "2 removed, 0 restored, 1 kept",
        "again": "Undo the rest…",
    },
    "nb-NO": {
        "offer": "Angre importen …",
        "do": "Angre importen",
        "reason": "Hvorfor den angres",
        "kept": "Beholdes",
        "done": "2 fjernet, 0 satt tilbake, 1 beholdt",
        "again": "Angre resten …",
    },
}


def rows_of(instance: str, *rows: tuple[int, str]) -> bytes:
    people = "anna.bondar@example.org,pal.lindqvist@example.com"
    return (HEADER + "".join(f"{instance}-{n},{people},2024-11-13,{text}\n" for n, text in rows)).encode()


@pytest.mark.parametrize("locale", WORDS)
def test_an_import_is_undone_but_for_what_a_later_one_changed(
    browser: Browser, api_url: str, door: FrontDoor, locale: Any
) -> None:
    words, instance = WORDS[locale], slug()
    door.load("incoming/kintell_users/people.csv", roster(instance))
    folder = f"incoming/mentors_ukraine/{instance}"
    first = door.load(f"{folder}/first.csv", rows_of(instance, (1, "a"), (2, "a"), (3, "a")))["batchId"]
    second = door.load(f"{folder}/second.csv", rows_of(instance, (2, "b")))["batchId"]
    context = visit(browser, api_url, locale=locale)
    page = context.new_page()
    page.goto(f"/batches/{first}")
    page.get_by_role("link", name=words["offer"], exact=True).click()
    page.wait_for_url("**/undo")
    expect(page.get_by_text(words["kept"], exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="second.csv")).to_have_attribute("href", f"/batches/{second}")
    assert not faults_of(page)
    page.get_by_label(words["reason"]).fill("the wrong month")
    page.get_by_role("button", name=words["do"], exact=True).click()
    page.wait_for_url(f"**/batches/{first}")
    expect(page.get_by_text(words["done"])).to_be_visible()
    expect(page.get_by_text("the wrong month")).to_be_visible()
    expect(page.get_by_role("link", name=words["again"], exact=True)).to_be_visible()
    assert not faults_of(page)
    context.close()
    assert [row["externalSessionId"] for row in door.all_of(f"/v1/import/batches/{first}/sessions")] == [
        f"{instance}-2"
    ]


def roster(instance: str) -> bytes:
    """People of the rows; the note makes each file another."""
    return f"Email,note\nanna.bondar@example.org,{instance}\npal.lindqvist@example.com,{instance}\n".encode()
