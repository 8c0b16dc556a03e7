"""Dropping files and following them, as somebody who runs a programme does it."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from local.system import LocalSystem
from tests.browser.conftest import visit
from tests.e2e.front_door import FrontDoor, slug
from tests.e2e.parts import parts_from

PEOPLE = b"Email,Name,Role when joined\nanna@example.org,Anna,learner\nole@example.org,Ole,mentor\n"
HEADER = "session_id,participant_email,mentor_email,scheduled_at,duration_minutes,rating,feedback_text\n"


def people_are_known(door: FrontDoor) -> None:
    upload = door.decided(door.put("incoming/kintell_users/people.csv", PEOPLE))
    if upload["state"] == "accepted":
        door.ended(upload["batchId"])


def drop(page: Page, name: str, content: str, instance: str) -> None:
    page.goto("/drop")
    page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": content.encode()})
    expect(page.locator("#guess")).to_contain_text(name)
    page.get_by_label("Programme instance").fill(instance)
    page.get_by_role("button", name="Import", exact=True).click()


def test_a_file_with_errors_is_followed_mended_and_traced(page: Page, door: FrontDoor, tmp_path: Path) -> None:
    people_are_known(door)
    round_ = slug()
    good = "MS-B1,anna@example.org,ole@example.org,2024-11-13,60,4,fine\n"
    bad = "MS-B2,anna(at)example.org,ole@example.org,2024-11-14,60,5,fine\n"
    drop(page, "mentors-ukraine-2024-11.csv", HEADER + good + bad, round_)

    page.wait_for_url(re.compile("/batches/"))
    expect(page.get_by_text("Completed", exact=True)).to_be_visible()
    expect(page.locator(".faults").get_by_text("Not an email address")).to_be_visible()

    page.get_by_role("button", name="Show examples").click()
    expect(page.locator(".samples")).to_contain_text("anna(at)example.org")
    expect(page.get_by_role("heading", name="With example rows")).to_be_focused()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the error file").click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert [row[0] for row in rows] == ["session_id", "MS-B2"]

    page.get_by_role("link", name="Upload the corrected file").click()
    mended = tmp_path / "mentors-ukraine-2024-11-errors.csv"
    rows[1][1] = "anna@example.org"
    with mended.open("w", newline="", encoding="utf-8-sig") as out:
        csv.writer(out).writerows(rows)
    page.set_input_files("#file", mended)
    expect(page.locator("#guess")).to_contain_text("mentors-ukraine-2024-11-errors.csv")
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url(re.compile("/batches/"))
    expect(page.get_by_text("Completed", exact=True)).to_be_visible()
    expect(page.locator(".facts")).to_contain_text(["Corrects", "SHA-256"])

    page.get_by_role("navigation", name="Parts of this import").get_by_role("link", name="Sessions").click()
    page.get_by_role("link", name="MS-B2").click()
    expect(page.locator("#row")).to_contain_text("row 1, line 2")
    expect(page.locator(".chain")).to_contain_text("mentors-ukraine-2024-11-errors.csv")
    page.get_by_role("button", name="Show the row in the original file").click()
    cells = page.locator(".cells tbody tr")
    expect(cells.nth(0)).to_have_text(re.compile("session_id.*MS-B2"))
    # What the error file says of a row stands in the mended file as well.
    expect(cells.nth(10)).to_have_text(re.compile("_error_message.*is not an email address"))


def test_a_duplicate_is_refused_with_the_way_to_the_earlier_import(page: Page, door: FrontDoor) -> None:
    people_are_known(door)
    round_ = slug()
    file = HEADER + "MS-D1,anna@example.org,ole@example.org,2024-11-13,60,4,the same\n"
    drop(page, "mentors-ukraine-2024-12.csv", file, round_)
    page.wait_for_url(re.compile("/batches/"))
    first = page.url
    drop(page, "mentors-ukraine-2024-12 (1).csv", file, round_)
    expect(page.get_by_role("heading", name="This file has been imported before")).to_be_visible()
    page.get_by_role("link", name="See the earlier import").click()
    page.wait_for_url(first)


@pytest.mark.parametrize("who", ["anna", "nobody"])
def test_a_dry_run_says_so_and_leaves_nothing(page: Page, door: FrontDoor, who: str) -> None:
    people_are_known(door)
    page.goto("/drop")
    row = f"MS-Y1,{who}@example.org,ole@example.org,2024-11-13,60,4,dry\n"
    page.set_input_files("#file", {"name": "dry.csv", "mimeType": "text/csv", "buffer": (HEADER + row).encode()})
    page.get_by_role("combobox", name="Programme", exact=True).select_option("mentors_ukraine")
    page.get_by_label("Programme instance").fill(slug())
    page.get_by_label("Dry run").check()
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url(re.compile("/batches/"))
    expect(page.get_by_text("nothing was imported")).to_be_visible()
    batch = page.url
    page.get_by_role("link", name="Sessions").click()
    expect(page.get_by_text("No row of this file")).to_be_visible()
    page.goto(batch)
    if who == "anna":
        expect(page.get_by_role("button", name="Import these rows")).to_be_visible()
        return
    # It has no plan. What was chosen for the dry run is chosen for the import.
    page.get_by_role("link", name="Import the file").click()
    expect(page.get_by_role("combobox", name="Programme", exact=True)).to_have_value("mentors_ukraine")
    expect(page.get_by_label("Programme instance")).to_have_value(re.compile("mentors-ukraine-e2e"))
    expect(page.get_by_label("Dry run")).not_to_be_checked()


DRAGGED = """
name => {
  const files = new DataTransfer();
  files.items.add(new File(["x"], name, { type: "text/csv" }));
  for (const kind of ["dragenter", "dragover", "drop"])
    document.getElementById("zone").dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: files }));
}
"""


def test_a_dragged_file_is_chosen_and_its_name_tells_programme_and_instance(page: Page) -> None:
    page.goto("/drop")
    page.evaluate(DRAGGED, "language_for_ukraine_2024_11.csv")
    expect(page.locator("#guess")).to_contain_text("Language for Ukraine")
    programme, instance = page.get_by_role("combobox", name="Programme", exact=True), page.locator("#instance")
    expect(programme.locator("option").first).to_contain_text("from the file: Language for Ukraine")
    expect(instance).to_have_attribute("placeholder", "from the file: language-ukraine-2024-11")
    # What is guessed is no choice, and does not outlive its file.
    expect(programme).to_have_value("")
    expect(instance).to_have_value("")
    page.evaluate(DRAGGED, "export.csv")
    expect(page.locator("#guess")).to_contain_text("export.csv")
    expect(programme.locator("option").first).to_have_text("from the file")
    expect(instance).to_have_attribute("placeholder", "from the file")


def test_what_was_filled_in_by_hand_stays(page: Page) -> None:
    page.goto("/drop")
    page.get_by_label("Programme instance").fill("mentors-ukraine-pilot")
    page.evaluate(DRAGGED, "mentors-ukraine-2024-11.csv")
    expect(page.locator("#guess")).to_contain_text("mentors-ukraine-2024-11.csv")
    expect(page.get_by_label("Programme instance")).to_have_value("mentors-ukraine-pilot")


def test_what_the_api_refuses_is_said_on_the_form(page: Page, complaints: list[str]) -> None:
    page.goto("/drop")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Choose a file first.")
    page.set_input_files("#file", {"name": "x.xls", "mimeType": "x/y", "buffer": b"x"})
    expect(page.locator("#guess")).to_contain_text("does not look like a CSV file")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("is not named as a CSV file")
    # The browser notes the answer's status, 422.
    complaints.clear()


def test_a_norwegian_is_refused_in_norwegian(browser: Browser, api_url: str) -> None:
    context = visit(browser, api_url, locale="nb-NO")
    page = context.new_page()
    page.goto("/drop")
    page.set_input_files("#file", {"name": "x.csv", "mimeType": "text/csv", "buffer": b"x"})
    page.get_by_label("Programrunde").fill("ikke en runde")
    page.get_by_role("button", name="Importer", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Det går ikke fram hvilken programrunde filen hører til.")
    page.goto("/drop")
    page.set_input_files("#file", {"name": "tom.csv", "mimeType": "text/csv", "buffer": b"session_id\n"})
    page.get_by_role("combobox", name="Program", exact=True).select_option("mentors_ukraine")
    page.get_by_role("button", name="Importer", exact=True).click()
    expect(page.get_by_role("heading", name="Filen mangler påkrevde kolonner")).to_be_visible()
    expect(page.locator("#outcome [lang=en]")).to_contain_text("participant_email")
    context.close()


def test_the_upload_says_how_far_it_is(page: Page, context: BrowserContext, door: FrontDoor) -> None:
    page.goto("/drop")
    network = context.new_cdp_session(page)
    # Two mebibytes at so many bytes a second.
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", slow)
    page.set_input_files(
        "#file", {"name": "mentors-ukraine-2024-11.csv", "mimeType": "text/csv", "buffer": b"%PDF-1.7" + bytes(2 << 20)}
    )
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#share")).to_have_text(re.compile(r"Uploading: [1-9]\d* %"))
    assert 0 < page.locator("#sent").evaluate("progress => progress.value") <= 1
    network.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    expect(page.get_by_role("heading", name="The file is not a CSV file")).to_be_visible()


def test_a_large_file_is_sent_in_parts_and_goes_on_after_the_line_broke(
    page: Page, complaints: list[str], system: LocalSystem
) -> None:
    part_bytes = 5 * 1024 * 1024
    with parts_from(system, part_bytes):
        page.goto("/drop")
        content = b"%PDF-1.7" + bytes(2 * part_bytes)
        page.set_input_files(
            "#file", {"name": "mentors-ukraine-2024-11.csv", "mimeType": "text/csv", "buffer": content}
        )
        sent: list[str] = []
        page.on("requestfinished", lambda request: sent.append(request.url) if "partNumber=" in request.url else None)
        is_second = re.compile("partNumber=2&")
        page.route(is_second, lambda route: route.fulfill(status=400))
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_role("alert")).not_to_be_empty()
        expect(page.get_by_role("button", name="Import", exact=True)).to_be_focused()
        page.unroute(is_second)
        page.wait_for_timeout(500)  # what was being sent meanwhile is there
        sent.clear()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("heading", name="The file is not a CSV file")).to_be_visible()
        assert [url.partition("partNumber=")[2][0] for url in sent if "partNumber=2&" in url] == ["2"]
        assert not [url for url in sent if "partNumber=1&" in url], "a part that is there is not sent again"
    # The browser notes the status of the part that was refused.
    complaints.clear()
