"""Seeing what a file would change, and importing that, in both languages; an accessible page on the way."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import visit
from tests.browser.test_dropping import HEADER, people_are_known
from tests.browser.test_pages import faults_of
from tests.e2e.front_door import FrontDoor, slug

WORDS = {
    "en-GB": {
        "programme": "Programme instance",
        "dry_run": "Dry run",
        "do": "Import",
        "see": "See what would change",
        "updated": "Updated (1)",
        "rejected": "Rejected (1)",
        "import": "Import these rows",
        "completed": "Completed",
    },
    "nb-NO": {
        "programme": "Programrunde",
        "dry_run": "Prøvekjøring",
        "do": "Importer",
        "see": "Se hva som ville bli endret",
        "updated": "Oppdatert (1)",
        "rejected": "Avvist (1)",
        "import": "Importer disse radene",
        "completed": "Fullført",
    },
}


@pytest.mark.parametrize("locale", sorted(WORDS))
def test_a_plan_is_looked_at_and_imported(browser: Browser, api_url: str, door: FrontDoor, locale: str) -> None:
    people_are_known(door)
    words, round_, key = WORDS[locale], slug(), f"MS-P-{locale}"
    line = f"{key}-%s,anna@example.org,ole@example.org,2024-11-13,%s,,\n"
    door.load(f"incoming/mentors_ukraine/{round_}/first.csv", (HEADER + line % (1, 60)).encode())
    rejected = f"{key}-3,nobody@example.org,ole@example.org,2024-11-13,60,,\n"
    file = HEADER + line % (1, 45) + line % (2, 30) + rejected
    context = visit(browser, api_url, locale=locale, timezone_id="Europe/Oslo")
    page = context.new_page()
    page.goto("/drop")
    page.set_input_files("#file", {"name": "mentors-ukraine-plan.csv", "mimeType": "text/csv", "buffer": file.encode()})
    expect(page.locator("#guess")).to_contain_text("mentors-ukraine-plan.csv")
    page.get_by_label(words["programme"]).fill(round_)
    page.locator("[name=dryRun]").check()
    page.get_by_role("button", name=words["do"], exact=True).click()

    page.wait_for_url(re.compile("/batches/"))
    page.get_by_role("link", name=words["see"]).click()
    expect(page.get_by_text(f"{key}-2", exact=True)).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("link", name=words["updated"]).click()
    row = page.locator(".cells tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("td").nth(-2)).to_have_text("60")
    expect(row.locator("td").nth(-1)).to_have_text("45")
    expect(page.get_by_role("link", name=words["rejected"])).to_be_visible()

    dry_run = page.url
    page.get_by_role("button", name=words["import"]).click()
    page.wait_for_url(lambda url: "/batches/" in url and url.split("/")[4] != dry_run.split("/")[4])
    expect(page.get_by_text(words["completed"], exact=True)).to_be_visible()
    expect(page.locator(".figures .is-good dd")).to_have_text(["1", "1"])
    context.close()
