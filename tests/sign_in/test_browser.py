"""Signing in as people do it: a real browser, the deployed system, an issuer."""

import csv
import io
import re
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cli.main import kintell
from ingestion.sign_in.session_cookies import SESSION_COOKIE
from tests.browser.test_pages import faults_of
from tests.sign_in.conftest import Closed, new_visitor

PEOPLE = "Email,Name,Role when joined\nanna@example.org,Anna,learner\nole@example.org,Ole,mentor\n"
HEADER = "session_id,participant_email,mentor_email,scheduled_at,duration_minutes,rating\n"
GOOD = "MS-1,anna@example.org,ole@example.org,2024-11-13,60,4\n"
BAD = "MS-2,anna(at)example.org,ole@example.org,2024-11-14,60,5\n"
KARI, OLE = "kari@example.org", "ole@example.org"


def sign_in(page: Page, who: str, path: str = "/") -> None:
    page.goto(path)
    page.get_by_role("button", name=who, exact=True).click()
    # Loaded, so that its scripts are at work.
    page.wait_for_url(f"**{path}")


def cookie_of(context: BrowserContext) -> Any:
    """The pass that the browser keeps."""
    return next((cookie for cookie in context.cookies() if cookie["name"] == SESSION_COOKIE), None)


def drop(page: Page, name: str, content: str) -> None:
    page.goto("/drop")
    page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": content.encode()})
    expect(page.locator("#guess")).to_contain_text(name)
    page.get_by_role("button", name="Import", exact=True).click()


@pytest.fixture(scope="module")
def batch(browser: Browser, closed: Closed) -> str:
    """The path of a batch with a rejected row, dropped by Kari."""
    context = new_visitor(browser, closed)
    page = context.new_page()
    sign_in(page, KARI, "/drop")
    for name, content in (("kintell-users.csv", PEOPLE), ("mentors-ukraine-2024-11.csv", HEADER + GOOD + BAD)):
        drop(page, name, content)
        page.wait_for_url(re.compile("/batches/"))
        expect(page.get_by_text("Completed", exact=True)).to_be_visible()
    path = page.url.removeprefix(closed.url)
    context.close()
    return path


def test_who_comes_without_a_session_cookie_signs_in_and_gets_to_the_page(page: Page, context: BrowserContext) -> None:
    sign_in(page, KARI, "/programmes?lang=nb")
    expect(page.get_by_role("heading", level=1)).to_have_text("Programmer")
    expect(page.get_by_text(KARI, exact=True)).to_be_visible()
    kept = cookie_of(context)
    assert (kept["httpOnly"], kept["secure"], kept["sameSite"], kept["path"]) == (True, True, "Lax", "/")
    within_reach = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    for secret in (kept["value"], "eyJ", SESSION_COOKIE):
        assert secret not in within_reach
    # Of the way there nothing is left, neither here nor in what scripts may read.
    assert not [cookie for cookie in context.cookies() if "entry" in cookie["name"]]


def test_a_file_goes_all_the_way_and_is_the_callers(page: Page, batch: str) -> None:
    sign_in(page, KARI, batch)
    expect(page.locator(".facts").first).to_contain_text(KARI)
    page.get_by_role("button", name="Show examples").click()
    expect(page.locator("#faults")).to_contain_text("anna(at)example.org")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the error file").click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert [row[0] for row in rows] == ["session_id", "MS-2"]
    page.reload()
    expect(page.locator(".audit")).to_contain_text(KARI)


def test_who_may_only_read_sees_no_rejected_row_and_no_way_to_upload(page: Page, batch: str) -> None:
    sign_in(page, OLE, batch)
    expect(page.locator(".faults").get_by_text("Not an email address")).to_be_visible()
    expect(page.get_by_text("You need the errors.read right")).to_be_visible()
    for name in ("Download the error file", "Import file", "Upload the corrected file"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    expect(page.get_by_role("button", name="Show examples")).to_have_count(0)
    for path in ("/drop", f"{batch}/rejected", f"{batch}/errors"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 403
        expect(page.get_by_role("heading", name="You do not have access to this")).to_be_visible()


def test_who_has_no_right_yet_is_told_whom_to_ask(page: Page) -> None:
    sign_in(page, "nobody.yet@example.org")
    expect(page.get_by_text("You are signed in as nobody.yet@example.org. Whoever runs this system")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_page_that_waits_goes_to_sign_in_once_the_session_cookie_is_over(
    page: Page, batch: str, context: BrowserContext, closed: Closed
) -> None:
    sign_in(page, KARI)
    context.clear_cookies()
    # What a live page does by itself, as soon as it may.
    page.evaluate("htmx.ajax('GET', '/imports/list', { target: '#timeline', swap: 'outerHTML' })")
    page.wait_for_url(f"{closed.issuer.url}/authorize?**")
    page.get_by_role("button", name=KARI, exact=True).click()
    page.wait_for_url(f"{closed.url}/")
    expect(page.locator(".timeline")).to_be_visible()


def test_a_chosen_file_survives_a_session_cookie_that_is_over(
    page: Page, context: BrowserContext, closed: Closed
) -> None:
    sign_in(page, KARI, "/drop")
    page.set_input_files("#file", {"name": "late.csv", "mimeType": "text/csv", "buffer": b"x"})
    expect(page.locator("#guess")).to_contain_text("late.csv")
    context.clear_cookies(name=SESSION_COOKIE)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("You have been signed out.")
    # The issuer still knows who it is: another tab needs no password.
    another = context.new_page()
    another.goto("/")
    another.wait_for_url(f"{closed.url}/")
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url(re.compile("/uploads/"))


def test_signing_out_here_and_at_the_issuer(page: Page, context: BrowserContext, closed: Closed) -> None:
    sign_in(page, KARI)
    copied = cookie_of(context)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert cookie_of(context) is None
    request = urllib.request.Request(
        f"{closed.url}/programmes", headers={"Cookie": f"{SESSION_COOKIE}={copied['value']}"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 401
    page.get_by_role("button", name="Sign out of the sign-in service too").click()
    page.wait_for_url(f"{closed.url}/signed-out")
    page.get_by_role("link", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()


def test_who_is_not_let_in_is_told_why(page: Page, closed: Closed) -> None:
    page.goto("/")
    page.get_by_role("button", name="Nobody", exact=True).click()
    page.wait_for_url(f"{closed.url}/sign-in-failed?reason=refused")
    expect(page.get_by_role("alert")).to_contain_text("did not let you in")
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()


@pytest.mark.parametrize(("scheme", "locale", "width"), [("light", "en-GB", 1280), ("dark", "nb-NO", 360)])
def test_axe_finds_nothing_in_what_people_see_who_sign_in(
    browser: Browser, closed: Closed, batch: str, scheme: Any, locale: str, width: int
) -> None:
    context = new_visitor(browser, closed, color_scheme=scheme, locale=locale, viewport={"width": width, "height": 800})
    page = context.new_page()
    sign_in(page, OLE, batch)
    found = {}
    for path in (batch, "/drop", "/signed-out", "/sign-in-failed?reason=untrusted"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        found[path] = faults_of(page)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[path].append("scrolls sideways")
    context.close()
    assert not any(found.values()), found


EVIL = """
<form method="post" enctype="text/plain" action="{url}/drop/uploads">
  <input name='{{"fileName": "evil.csv", "forceReason": "' value='"}}'>
</form>
<form method="post" action="{url}/logout"></form>
<form method="post" action="{url}/logout/issuer"></form>
"""


@pytest.mark.parametrize("form", [0, 1, 2])
def test_a_page_from_elsewhere_can_not_act_for_who_is_signed_in(
    page: Page, context: BrowserContext, closed: Closed, form: int
) -> None:
    sign_in(page, KARI)
    # The same machine by another name is another site to a browser.
    another = closed.url.replace("127.0.0.1", "localhost")
    page.route(
        f"{another}/evil", lambda route: route.fulfill(body=EVIL.format(url=closed.url), content_type="text/html")
    )
    page.goto(f"{another}/evil")
    with page.expect_response(lambda response: response.request.method == "POST") as answered:
        page.evaluate(f"document.forms[{form}].submit()")
    assert answered.value.status == 403
    assert SESSION_COOKIE not in answered.value.request.all_headers().get("cookie", "")
    assert cookie_of(context) is not None


@pytest.mark.parametrize("path", ["/logout", "/logout/issuer"])
def test_a_link_signs_nobody_out(page: Page, context: BrowserContext, closed: Closed, path: str) -> None:
    sign_in(page, KARI)
    kept = cookie_of(context)["value"]
    page.goto(path)
    assert cookie_of(context)["value"] == kept
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    # The issuer knows her still: nobody is asked.
    context.clear_cookies(name=SESSION_COOKIE)
    page.goto("/")
    page.wait_for_url(f"{closed.url}/")


def test_the_command_line_logs_in_with_the_same_issuer(
    page: Page, closed: Closed, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses: list[str] = []
    opened = threading.Event()

    def remember(url: str) -> bool:
        addresses.append(url)
        opened.set()
        return True

    monkeypatch.setattr("webbrowser.open", remember)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("KINTELL_API_URL", closed.url)
    results: list[Any] = []

    def run(*words: str) -> Any:
        return CliRunner().invoke(kintell, list(words))

    logging_in = threading.Thread(target=lambda: results.append(run("login", "--port", str(closed.cli_port))))
    logging_in.start()
    assert opened.wait(30)
    page.goto(addresses[0])
    page.get_by_role("button", name=KARI, exact=True).click()
    expect(page.get_by_role("heading", name="You are logged in")).to_be_visible()
    logging_in.join()
    assert results[0].output.endswith(f"Logged in to {closed.url} as {KARI}.\n")
    assert run("summary").exit_code == 0
    assert run("logout").exit_code == 0
    assert run("summary").exit_code == 1
