"""Rejected rows in a browser: tried again after a roster, and corrected in a form; in both languages."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import visit
from tests.browser.test_pages import faults_of
from tests.e2e.front_door import FrontDoor, slug

HEADER = "session_id,participant_email,mentor_email,scheduled_at\n"
WORDS = {
    "en": ("Try all of them again", "Correct rows here", "Import this row", "All rejected rows of this import"),
    "nb": ("Prøv alle på nytt", "Rett rader her", "Importer raden", "Alle avviste rader i denne importen"),
}


@pytest.mark.parametrize("language", ["en", "nb"])
def test_rejected_rows_are_tried_again_and_corrected(
    browser: Browser, api_url: str, door: FrontDoor, language: str
) -> None:
    retry_all, correct_here, import_row, all_corrected = WORDS[language]
    late, known = (f"{who}-{language}@example.org" for who in ("late", "known"))
    door.load(
        "incoming/kintell_users/first.csv", f"Email,Role when joined\n{known},learner\nm-{known},mentor\n".encode()
    )
    lines = f"R{language}-1,{late},m-{known},2026-03-02\nR{language}-2,{known},m-{known},soon\n"
    batch = door.load(f"incoming/mentors_ukraine/{slug()}/rejected-{language}.csv", (HEADER + lines).encode())
    assert batch["openRows"] == 2
    roster = door.load("incoming/kintell_users/late.csv", f"Email,Role when joined\n{late},learner\n".encode())

    context = visit(browser, api_url, locale="nb-NO" if language == "nb" else "en-GB")
    page = context.new_page()
    page.goto(f"/batches/{roster['batchId']}")
    assert not faults_of(page)
    page.get_by_role("button", name=retry_all).click()
    expect(page).to_have_url(re.compile(r"/$"))
    child = next(one for one in door.all_of("/v1/import/batches") if one["parentBatchId"] == batch["batchId"])
    assert door.ended(child["batchId"])["insertedRows"] == 1

    page.goto(f"/batches/{batch['batchId']}")
    page.get_by_role("link", name=correct_here).click()
    assert not faults_of(page)
    page.locator(f"a[href='/batches/{batch['batchId']}/rejects/2']").click()
    assert not faults_of(page)
    when = page.get_by_label("scheduled_at")
    expect(when).to_have_value("soon")
    when.fill("someday")
    page.get_by_role("button", name=import_row).click()
    expect(page.locator("#reject [role=alert]")).to_contain_text("someday")
    page.get_by_label("scheduled_at").fill("2026-03-03")
    page.get_by_role("button", name=import_row).click()
    expect(page).to_have_url(re.compile(r"/batches/[-0-9a-f]{36}$"))
    assert door.ended(page.url.rpartition("/")[2])["insertedRows"] == 1

    page.goto(f"/batches/{batch['batchId']}")
    expect(page.get_by_text(all_corrected)).to_be_visible()
    assert not faults_of(page)
    context.close()
