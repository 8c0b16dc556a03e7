"""Dropping files and following them, as somebody who runs a programme does it."""

import csv
import io
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.front_door import FrontDoor, slug

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

    with page.expect_download() as download:
        page.get_by_role("link", name="Download the error file").click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert [row[0] for row in rows] == ["session_id", "MS-B2"]

    page.get_by_role("link", name="Drop the mended file").click()
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
