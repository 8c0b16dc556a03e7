"""A real browser (see tests/chromium.py) on the running local system."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from local.system import LocalSystem
from tests.e2e.conftest import api_url, s3, system
from tests.e2e.front_door import FrontDoor

__all__ = ["api_url", "s3", "system"]

PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
# A proxy that the environment may name knows nothing of this machine's loopback.
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With xdist, all in one process, which has one system and one browser."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def door(browser: Browser, system: LocalSystem, api_url: str, s3: Any) -> FrontDoor:
    """The same system by its other doors; it is not started for nothing where there is no browser."""
    return FrontDoor(s3, system.stack.uploads_bucket, api_url)


def visit(browser: Browser, api_url: str, **wishes: Any) -> BrowserContext:
    """A visitor with these wishes, who waits as long as it takes on a machine that others use as well."""
    visitor = browser.new_context(base_url=api_url, **wishes)
    visitor.set_default_timeout(PATIENCE_MS)
    return visitor


@pytest.fixture
def context(browser: Browser, api_url: str) -> Iterator[BrowserContext]:
    """A visitor who has never been here, reads English and lives in Oslo."""
    visitor = visit(browser, api_url, locale="en-GB", timezone_id="Europe/Oslo")
    yield visitor
    visitor.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser noted in its console."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    """A tab; whatever the browser complains of, such as a script that the policy stopped, fails the test."""
    tab = context.new_page()
    tab.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    assert not complaints, complaints
