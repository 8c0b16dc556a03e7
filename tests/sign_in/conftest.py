"""A system whose callers sign in, one for all of these tests, and visitors with a browser (see tests/chromium.py)."""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from local.processes import free_port
from local.system import LocalSystem
from tests.sign_in.closed_system import closed_system
from tests.sign_in.issuer import Issuer

# The first import starts every function; the machine may be busy.
PATIENCE_MS = 60_000


class Closed(NamedTuple):
    """The running system, who signs its tokens, and where `kintell login` is come back to."""

    system: LocalSystem
    issuer: Issuer
    cli_port: int

    @property
    def url(self) -> str:
        """The address of API and dashboard."""
        return self.system.aws.api_url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With xdist, the tests that share the system run in one process."""
    for item in items:
        if "closed" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("sign-in"))


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    """The template deployed with an issuer of tokens."""
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    port = free_port()
    with closed_system(tmp_path_factory.mktemp("closed"), port) as (system, issuer):
        yield Closed(system, issuer, port)


def new_visitor(browser: Browser, closed: Closed, **habits: Any) -> BrowserContext:
    """Somebody who has never been here, nor at the issuer. The caller closes it."""
    visitor = browser.new_context(base_url=closed.url, **{"locale": "en-GB", "timezone_id": "Europe/Oslo", **habits})
    visitor.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    return visitor


@pytest.fixture
def context(browser: Browser, closed: Closed) -> Iterator[BrowserContext]:
    """A visitor."""
    visitor = new_visitor(browser, closed)
    yield visitor
    visitor.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab."""
    return context.new_page()
