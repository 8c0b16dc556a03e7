"""A closed API, an issuer that it takes tokens of, and a browser in which somebody logs in."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ingestion import config
from local.processes import free_port
from tests.cli.loopback import Loopback
from tests.sign_in.issuer import Issuer, running_issuer

KARI = "kari@example.org"
RIGHTS = ["imports.read", "imports.write", "errors.read"]

Seen = list[tuple[int, str]]


@pytest.fixture
def port() -> int:
    """Where the browser comes back to; others may log in on this machine at the same time."""
    return free_port()


@pytest.fixture
def issuer(port: int) -> Iterator[Issuer]:
    """Kari may do everything."""
    clients = {"kintell": [f"http://localhost:{port}/callback"]}
    with running_issuer(people={KARI: RIGHTS, "ole@example.org": []}, clients=clients) as running:
        yield running


@pytest.fixture
def closed(loopback: Loopback, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """An API that takes this issuer's tokens; nobody is logged in yet."""
    for name, value in {
        "AUTHENTICATION": "oidc",
        "ISSUER": issuer.url,
        "COMMAND_LINE_CLIENT_ID": "kintell",
        "AUDIENCE": "kintell",
        "RIGHTS_CLAIM": "groups",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    config.settings.cache_clear()
    loopback.claims_of = issuer.claims_of
    yield loopback
    config.settings.cache_clear()


def browse(url: str, who: str) -> tuple[int, str]:
    """What a browser does in which somebody says that they are *who*; the page that it ends at."""
    request = urllib.request.Request(url, urlencode({"who": who}).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as failed:
        return failed.code, ""


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Seen]]:
    """The system's browser, in which somebody logs in at once."""
    threads: list[threading.Thread] = []

    def in_which(who: str, change: Callable[[str], str] = lambda url: url) -> Seen:
        seen: Seen = []

        def opened(url: str) -> bool:
            threads.append(threading.Thread(target=lambda: seen.append(browse(change(url), who))))
            threads[-1].start()
            return True

        monkeypatch.setattr("webbrowser.open", opened)
        return seen

    yield in_which
    for thread in threads:
        thread.join()
