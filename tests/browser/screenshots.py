"""make screenshots: a picture of each page under docs/screenshots, of a system of its own with the sample exports.

python -m tests.browser.screenshots
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from local.postgres import THROW_AWAY, running_server
from local.processes import free_port
from local.system import LocalSystem, Places
from tests.chromium import FLAGS, find_chromium
from tests.e2e.front_door import FrontDoor
from tests.sign_in.closed_system import closed_system

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "local" / "samples"
FOLDER = ROOT / "docs" / "screenshots"
MANY_ROWS = 150_000
SOME_ROWS_ARE_CHECKED = """
  () => !document.querySelector(".stages") || document.querySelector(".stages progress")?.value > 0
"""
LANGUAGE_FILE = "language-for-ukraine-2024-11.csv"


def main() -> None:
    chromium = find_chromium()
    if chromium is None:
        sys.exit("kintell: there is no Chromium on this machine; on Debian and Ubuntu: apt-get install chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_system(Path(folder)) as (door, _),
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium, headless=True, args=list(FLAGS))
        take_all(browser, door)
        browser.close()
    with (
        tempfile.TemporaryDirectory() as folder,
        closed_system(Path(folder), free_port()) as (closed, _),
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium, headless=True, args=list(FLAGS))
        take_sign_in(browser, FrontDoor(closed.client("s3"), closed.stack.uploads_bucket, closed.aws.api_url))
        browser.close()


@contextmanager
def running_system(folder: Path) -> Iterator[tuple[FrontDoor, LocalSystem]]:
    """A throw-away one."""
    with (
        running_server(folder, THROW_AWAY) as database,
        LocalSystem(Places(folder, database_url=database.url)) as system,
    ):
        yield FrontDoor(system.client("s3"), system.stack.uploads_bucket, system.aws.api_url), system


def load_samples(door: FrontDoor) -> dict[str, str]:
    """The sample exports and what may follow them; ids of the batches, by what they are."""
    door.load("incoming/kintell_users/kintell-users.csv", (SAMPLES / "kintell-users.csv").read_bytes())
    mentors = (SAMPLES / "mentors-for-ukraine-2024-Q4.csv").read_bytes()
    first = door.load("incoming/mentors_ukraine/mentors-for-ukraine-2024-Q4.csv", mentors)
    language = (SAMPLES / LANGUAGE_FILE).read_bytes()
    faulty = door.load(f"incoming/{LANGUAGE_FILE}", language)
    door.decided(door.put("incoming/language-for-ukraine-2024-11 (1).csv", language))
    # The same export a week later: some sessions have got a feedback since.
    later = mentors.replace(b",60,", b",75,", 3).replace(b",45,", b",50,", 2)
    door.load("incoming/mentors_ukraine/mentors-for-ukraine-2024-Q4 (1).csv", later, dry_run="true")
    update = door.load("incoming/mentors_ukraine/mentors-for-ukraine-2024-Q4 - Kopi.csv", later + b"\r\n")
    mended = door.fetch(f"/v1/import/backfill/{faulty['batchId']}/errors")[1].replace(b"(at)", b"@")
    child = door.load("incoming/language-for-ukraine-2024-11-errors.csv", mended, parent_batch=faulty["batchId"])
    return {
        name: batch["batchId"] for name, batch in locals().items() if isinstance(batch, dict) and "batchId" in batch
    }


def many_rows() -> bytes:
    """Sessions enough for the page to be seen while they are imported."""
    lines = ["session_id,participant_email,mentor_email,scheduled_at,duration_minutes,rating\n"]
    lines += [
        f"MS-L{number},anna.bondar@example.org,pal.lindqvist@example.com,2023-{number % 12 + 1:02}-11,60,3\n"
        for number in range(MANY_ROWS)
    ]
    return "".join(lines).encode()


def take_all(browser: Browser, door: FrontDoor) -> None:
    """Every page, some of them also in the dark, on a phone, in Norwegian."""
    batches = load_samples(door)
    updated = door.all_of(f"/v1/import/batches/{batches['update']}/sessions")[0]["id"]
    pages = {
        "imports": "/",
        "drop": "/drop",
        "batch": f"/batches/{batches['faulty']}",
        "sessions": f"/batches/{batches['first']}/sessions",
        "lineage": f"/batches/{batches['faulty']}/lineage",
        "session": f"/sessions/{updated}",
        "lineage-search": "/lineage",
        "programmes": "/programmes",
        "programme": "/programmes/language-ukraine-2024-11",
    }
    desk = browser.new_context(base_url=door.api_url, locale="en-GB", timezone_id="Europe/Oslo")
    for name, path in pages.items():
        take(desk.new_page(), path, name)
    take(desk.new_page(), pages["batch"], "overview", whole=False)
    for name, button in (("batch", "Show examples"), ("session", "Show the row in the original file")):
        take_asked(desk.new_page(), pages[name], button, f"{name}-rows")
    phone = browser.new_context(
        base_url=door.api_url,
        locale="nb-NO",
        timezone_id="Europe/Oslo",
        color_scheme="dark",
        viewport={"width": 390, "height": 844},
    )
    for name in ("imports", "drop", "batch", "session"):
        take(phone.new_page(), pages[name], f"{name}-phone-dark-norwegian")
    dropping = desk.new_page()
    dropping.goto("/drop")
    dropping.set_input_files("#file", SAMPLES / LANGUAGE_FILE)
    dropping.wait_for_selector(".guess")
    dropping.screenshot(path=FOLDER / "drop-chosen.png", full_page=True)
    dropping.get_by_role("button", name="Import", exact=True).click()
    dropping.wait_for_selector("#outcome h2")
    dropping.screenshot(path=FOLDER / "refused.png", full_page=True)
    norwegian = browser.new_context(base_url=door.api_url, locale="nb-NO", timezone_id="Europe/Oslo")
    refused = door.decided(door.put("incoming/mentors_ukraine/mangler.csv", b"session_id,feedback\nMS-1,fint\n"))
    take(norwegian.new_page(), f"/uploads/{refused['uploadId']}", "refused-norwegian")
    running = door.decided(door.put("incoming/mentors_ukraine/mentors-ukraine-2023.csv", many_rows()))
    live = desk.new_page()
    live.goto(f"/batches/{running['batchId']}")
    live.wait_for_function(SOME_ROWS_ARE_CHECKED)
    live.screenshot(path=FOLDER / "batch-running.png", full_page=True)
    live.goto("/")
    live.screenshot(path=FOLDER / "imports-running.png", full_page=True)
    door.ended(running["batchId"])


def take_sign_in(browser: Browser, door: FrontDoor) -> None:
    """What people see who sign in, and what is kept from them."""
    kari, ole = (browser.new_context(base_url=door.api_url, locale=language) for language in ("en-GB", "nb-NO"))
    page = signed_in(kari, "kari@example.org")
    for name in ("kintell-users.csv", LANGUAGE_FILE):
        page.goto("/drop")
        page.set_input_files("#file", SAMPLES / name)
        page.wait_for_selector(".guess")
        page.get_by_role("button", name="Import", exact=True).click()
        page.get_by_text("Completed", exact=True).wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / "signed-in.png", full_page=True)
    batch = page.url.removeprefix(door.api_url)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / "signed-out.png", full_page=True)
    reader = signed_in(ole, "ole@example.org")
    take(ole.new_page(), batch, "may-only-read-norwegian")
    take(ole.new_page(), "/drop", "may-not-norwegian")
    ole.clear_cookies()
    take(reader, "/sign-in-failed?reason=refused", "sign-in-failed-norwegian")


def signed_in(visitor: BrowserContext, who: str) -> Page:
    """A tab at the list of imports."""
    page = visitor.new_page()
    page.goto("/")
    page.get_by_role("button", name=who, exact=True).click()
    page.wait_for_url(re.compile(r"127\.0\.0\.1:\d+/$"))
    return page


def take_asked(page: Page, path: str, button: str, name: str) -> None:
    """A picture of what is shown on request."""
    page.goto(path)
    page.get_by_role("button", name=button).click()
    page.wait_for_selector(".samples, .cells")
    page.mouse.move(0, 0)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
    page.close()


def take(page: Page, path: str, name: str, *, whole: bool = True) -> None:
    """One picture, of the whole page or of what shows without scrolling."""
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png", full_page=whole)
    page.close()


if __name__ == "__main__":
    main()
