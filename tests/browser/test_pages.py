"""Every page in a browser: for everybody, with anything in it, however much there is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

from bench.years import fill
from ingestion.database.connection import Connection, connect
from local.system import LocalSystem
from tests.browser.conftest import visit
from tests.browser.screenshots import load_samples
from tests.conftest import secret_of
from tests.e2e.front_door import FrontDoor, slug

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
CHECKED = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def pages(door: FrontDoor) -> dict[str, str]:
    """Where everything is, with the sample exports in it."""
    batches = load_samples(door)
    updated = door.all_of(f"/v1/import/batches/{batches['update']}/sessions")[0]["id"]
    refused = door.get("/v1/import/uploads?state=refused")["items"][0]["uploadId"]
    return {
        "imports": "/",
        "drop": "/drop",
        "batch": f"/batches/{batches['faulty']}",
        "sessions": f"/batches/{batches['first']}/sessions",
        "lineage": f"/batches/{batches['faulty']}/lineage",
        "session": f"/sessions/{updated}",
        "search": "/lineage",
        "programmes": "/programmes",
        "programme": "/programmes/mentors-ukraine-2024-q4",
        "refused": f"/uploads/{refused}",
        "nothing": "/batches/none",
    }


@pytest.fixture
def db(system: LocalSystem) -> Iterator[Connection]:
    """A connection to the system's database."""
    connection = connect(secret_of(system.database))
    yield connection
    connection.close()


def test_the_readable_document_keeps_to_its_policy(door: FrontDoor, page: Page) -> None:
    page.goto("/docs")
    page.locator(".opblock-summary").first.click()
    expect(page.locator(".opblock-body").first).to_be_visible()


def faults_of(page: Page) -> list[str]:
    """What axe-core finds."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("tags => axe.run({ runOnly: { type: 'tag', values: tags } })", CHECKED)
    return [
        f"{fault['id']}: {node['html']} {node['failureSummary']}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize(
    ("scheme", "locale", "width"),
    [("light", "en-GB", 1280), ("dark", "nb-NO", 1280), ("dark", "en-US", 320)],
)
def test_axe_finds_nothing(
    browser: Browser, api_url: str, pages: dict[str, str], scheme: Any, locale: str, width: int
) -> None:
    context = visit(browser, api_url, color_scheme=scheme, locale=locale, viewport={"width": width, "height": 800})
    page = context.new_page()
    found = {}
    for name, path in pages.items():
        page.goto(path)
        page.wait_for_load_state("networkidle")
        for details in page.locator("details").all():
            details.evaluate("details => details.open = true")
        for asked, shown in (("Show some|Vis noen", ".samples"), ("Show the row|Vis raden slik", ".cells")):
            if (button := page.get_by_role("button", name=re.compile(asked))).count():
                button.click()
                page.locator(shown).first.wait_for()
        if faults := faults_of(page):
            found[name] = faults
        # A narrow screen scrolls one way only (WCAG 1.4.10); tables and pictures have a frame of their own.
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[f"{name}, width"] = ["scrolls sideways"]
    context.close()
    assert not found


def test_markup_in_files_shows_as_text(page: Page, door: FrontDoor, pages: dict[str, str]) -> None:
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    rows = (
        f"session_id,participant_email,mentor_email,scheduled_at,feedback_text,goals_discussed,{EVIL}\n"
        f'MS-{EVIL},anna.bondar@example.org,pal.lindqvist@example.com,2024-11-13,"{EVIL}<script>alert(2)</script>",{EVIL},x\n'
        f"MS-2,{EVIL},pal.lindqvist@example.com,{EVIL},,,\n"
    )
    batch = door.load(f"incoming/mentors_ukraine/{slug()}/november {EVIL.replace('=', '')}.csv", rows.encode())
    page.goto(f"/batches/{batch['batchId']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img srcx")
    expect(page.get_by_text(EVIL)).to_have_count(2)
    page.get_by_role("link", name="Sessions").click()
    expect(page.get_by_text("<script>alert(2)</script>")).to_be_visible()
    page.get_by_role("link", name=f"MS-{EVIL}").click()
    expect(page.locator("table").get_by_text(EVIL).first).to_be_visible()
    page.get_by_role("button", name="Show the row").click()
    expect(page.locator(".cells").get_by_text(EVIL).first).to_be_visible()
    expect(page.locator(".cells img")).to_have_count(0)
    page.go_back()
    page.go_back()
    page.get_by_role("button", name="Show examples").click()
    expect(page.locator(".samples").get_by_text(EVIL).first).to_be_visible()
    page.goto("/")
    expect(page.get_by_text("<img srcx").first).to_be_visible()
    page.goto("/drop")
    page.set_input_files("#file", {"name": f"{EVIL}.csv", "mimeType": "text/csv", "buffer": b"x"})
    expect(page.locator("#guess")).to_contain_text(EVIL)
    assert not dialogs


def test_times_are_in_the_readers_zone_with_utc_on_hover(page: Page, pages: dict[str, str]) -> None:
    page.goto(pages["session"])
    # Exported as 17:00 in Oslo, in winter.
    time = page.get_by_text("24 Nov 2024, 17:00").first
    expect(time).to_have_attribute("title", "2024-11-24 16:00:00 UTC")


def test_the_language_is_chosen_once(page: Page, pages: dict[str, str]) -> None:
    page.goto("/")
    page.get_by_role("link", name="Norsk").click()
    expect(page.get_by_role("heading", name="Importer")).to_be_visible()
    page.get_by_role("link", name="Opphav").click()
    expect(page.get_by_role("heading", name="Spor en økt")).to_be_visible()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Trace a session")).to_be_visible()


def test_the_keyboard_is_enough(page: Page, pages: dict[str, str]) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("main").get_by_role("link", name="Import file")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/drop")
    page.goto(pages["lineage"])
    page.locator(".graph a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/batches/*")


def test_focus_is_seen_and_goes_down_the_page(page: Page, pages: dict[str, str]) -> None:
    for name in ("imports", "drop", "batch", "session", "programme"):
        page.goto(pages[name])
        page.wait_for_load_state("networkidle")
        places: list[tuple[int, str]] = []
        while True:
            page.keyboard.press("Tab")
            focused = page.evaluate(FOCUSED)
            if focused is None or focused["place"] in [place for place, _ in places]:
                break
            places.append((focused["place"], focused["html"]))
            assert focused["outline"] >= 2, (name, focused["html"])
        assert len(places) > 5, name
        numbers = [place for place, _ in places]
        assert numbers == sorted(numbers), (name, places)


FOCUSED = """
() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return null;
  const style = getComputedStyle(focused), box = focused.closest("svg") && focused.querySelector("rect");
  return {
    place: [...document.querySelectorAll("*")].indexOf(focused),
    html: focused.outerHTML.slice(0, 120),
    outline: box ? parseFloat(getComputedStyle(box).strokeWidth)
      : style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
  };
}
"""


def test_nothing_moves_for_those_who_want_nothing_to_move(browser: Browser, api_url: str) -> None:
    for wish, moving in (("reduce", "none"), ("no-preference", "pulse")):
        context = visit(browser, api_url, reduced_motion=wish)
        page = context.new_page()
        page.goto("/drop")
        page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<span class=pulse></span>')")
        assert page.locator(".pulse").evaluate("pulse => getComputedStyle(pulse).animationName") == moving
        context.close()


def test_a_live_page_says_when_nobody_answers_and_when_somebody_does_again(
    page: Page, pages: dict[str, str], db: Connection, complaints: list[str]
) -> None:
    state = "UPDATE ingestion_batches SET status = :status, completed_at = {} WHERE id = :id"
    batch = pages["batch"].rpartition("/")[2]
    db.run("ALTER TABLE ingestion_batches DISABLE TRIGGER what_is_completed_stays")
    db.run(state.format("NULL"), status="running", id=batch)
    page.route("**/live", lambda route: route.abort())
    page.goto(pages["batch"])
    expect(page.get_by_text("The system is not responding.")).to_be_visible()
    page.unroute("**/live")
    expect(page.get_by_text("The system is not responding.")).to_be_hidden()
    db.run(state.format("now()"), status="completed", id=batch)
    expect(page.get_by_text("Completed", exact=True)).to_be_visible()
    # The browser notes what it could not fetch.
    complaints.clear()


def test_a_session_is_found_by_its_id(page: Page, pages: dict[str, str]) -> None:
    page.goto("/lineage")
    page.get_by_label("ID of a session or a batch").fill("mentors_ukraine:MS-2024-1001")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions/*")
    expect(page.get_by_text("changed", exact=True)).to_be_visible()


def test_the_list_is_live_while_something_runs_and_quiet_afterwards(
    page: Page, pages: dict[str, str], db: Connection
) -> None:
    (batch,) = db.run("SELECT id, upload_id FROM ingestion_batches WHERE status = 'completed' LIMIT 1")
    state = "UPDATE ingestion_batches SET status = :status, completed_at = {} WHERE id = :id"
    db.run("ALTER TABLE ingestion_batches DISABLE TRIGGER what_is_completed_stays")
    db.run(state.format("NULL"), status="running", id=batch[0])
    page.goto("/")
    entry = page.locator(".entry", has=page.locator(f"#entry-{batch[1]}"))
    expect(entry.get_by_text("Running")).to_be_visible()
    page.locator(f"#entry-{batch[1]}").focus()
    db.run(state.format("now()"), status="completed", id=batch[0])
    expect(entry.get_by_text("Completed")).to_be_visible()
    # Whoever was reading there with the keyboard still is.
    expect(page.locator(f"#entry-{batch[1]}")).to_be_focused()
    expect(page.locator("#timeline")).not_to_have_attribute("hx-get", "/imports/list")


def test_a_thousand_batches_are_read_page_by_page(page: Page, context: BrowserContext, db: Connection) -> None:
    fill(db, 1000, 0)
    page.goto("/?show=completed&programme=language_ukraine")
    seen: list[str] = []
    while True:
        seen += page.locator(".entry .file").evaluate_all("links => links.map(link => link.id)")
        older = page.get_by_role("link", name="Older")
        if not older.count():
            break
        older.click()
        page.wait_for_load_state()
    assert len(seen) == len(set(seen)) >= 480
