"""A real browser: Debian's Chromium, driven by Playwright.

Where there is none the tests are skipped with a sentence that says how to get one; with KINTELL_BROWSER=required, as in
CI, they fail instead.
"""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """Where a browser is on this machine; KINTELL_CHROMIUM names another."""
    named = os.environ.get("KINTELL_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One for all tests of a process: there can be no second driver beside it."""
    path = find_chromium()
    if path is None:
        missing = (
            "there is no Chromium on this machine, so the dashboard is not tried in a browser; "
            "on Debian and Ubuntu: apt-get install chromium"
        )
        if os.environ.get("KINTELL_BROWSER") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    # Not before: most tests need no browser, nor what drives it.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        yield browser
        browser.close()
