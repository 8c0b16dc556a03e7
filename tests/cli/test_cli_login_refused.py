"""kintell login without a browser, and whatever may go wrong: one sentence, and nothing kept."""

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import logins
from ingestion import config
from tests.cli.conftest import Run
from tests.cli.logging_in import KARI, Seen, browse, browser, closed, issuer, port
from tests.cli.loopback import Loopback
from tests.sign_in.issuer import Issuer, sent_back

__all__ = ["browser", "closed", "issuer", "port"]


def by_hand(run: Run, port: int, paste: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Logs in without a browser of its own; *paste* makes of the address what is pasted."""
    said: list[str] = []
    monkeypatch.setattr("cli.login_commands._say", said.append)
    monkeypatch.setattr("click.prompt", lambda *_, **__: paste(said[0].splitlines()[1]))
    return run("login", "--no-browser", "--port", port)


@pytest.mark.parametrize(
    "of_address",
    [
        pytest.param(lambda address: f"  {address}\n", id="the address"),
        pytest.param(lambda address: address.partition("code=")[2].partition("&")[0], id="the code in it"),
    ],
)
def test_without_a_browser_the_address_is_pasted(
    closed: Loopback, run: Run, port: int, of_address: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = by_hand(run, port, lambda url: of_address(sent_back(url, KARI)), monkeypatch)
    assert result.stdout == f"Logged in to {closed.url} as {KARI}.\n", result.output
    assert run("batches").exit_code == 0


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        pytest.param("http://localhost/callback?code=x&state=y", "its state differs", id="of another login"),
        pytest.param("nonsense", "returned no token (invalid_grant)", id="nonsense"),
    ],
)
def test_what_is_pasted_must_be_of_this_login(
    closed: Loopback, run: Run, port: int, pasted: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = by_hand(run, port, lambda _url: pasted, monkeypatch)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not logins.place().exists()


# What goes wrong ------------------------------------------------------------------------------------------------------


def test_a_system_that_asks_nobody_has_nothing_to_log_in_to(run: Run, loopback: Loopback) -> None:
    result = run("login")
    assert result.exit_code == 1
    assert f"The API at {loopback.url} requires no login" in result.stderr


def test_a_port_that_is_taken(closed: Loopback, run: Run, port: int, browser: Any) -> None:
    with socket.create_server(("127.0.0.1", port)):
        result = run("login", "--port", port)
    assert result.exit_code == 1
    assert f"Port {port}, to which the browser would return, is in use" in result.stderr
    assert "kintell login --no-browser" in result.stderr


def test_no_browser(closed: Loopback, run: Run, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _url: False)
    assert "No browser could be opened on this machine" in run("login", "--port", port).stderr


def test_a_browser_that_was_closed(closed: Loopback, run: Run, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _url: True)
    monkeypatch.setattr("cli.browser_login.PATIENCE_SECONDS", 0.1)
    assert "Nobody logged in within" in run("login", "--port", port).stderr


def test_what_else_a_browser_asks_for_is_no_answer(
    closed: Loopback, run: Run, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Seen = []

    def opened(url: str) -> bool:
        def visits() -> None:
            for address in (f"http://localhost:{port}/favicon.ico", url):
                seen.append(browse(address, KARI) if address == url else look(address))

        threading.Thread(target=visits).start()
        return True

    def look(address: str) -> tuple[int, str]:
        try:
            return urllib.request.urlopen(address, timeout=10).status, ""
        except urllib.error.HTTPError as failed:
            return failed.code, ""

    monkeypatch.setattr("webbrowser.open", opened)
    assert run("login", "--port", port).exit_code == 0
    assert seen[0][0] == 404


def test_who_is_not_let_in(closed: Loopback, run: Run, port: int, browser: Any) -> None:
    page = browser("a stranger")
    result = run("login", "--port", port)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "The issuer refused the login: access_denied." in result.stderr
    wait_for(page)
    assert "You are not logged in" in page[0][1]


def wait_for(seen: Seen) -> None:
    deadline = time.monotonic() + 10
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_state_that_is_not_ours(closed: Loopback, run: Run, port: int, browser: Any) -> None:
    browser(KARI, lambda url: url.replace("state=", "state=another"))
    result = run("login", "--port", port)
    assert "The answer belongs to another login (its state differs)" in result.stderr
    assert not logins.place().exists()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "https://another.example.org"}, 'The token comes from the issuer "https://another.example.org"'),
        ({"aud": "another"}, "The token was issued to a program other than kintell."),
        ({"nonce": "another"}, "The token belongs to another login"),
        ({"exp": 1}, "The token has already expired"),
        ({"exp": float("nan")}, "The token has already expired"),
        ({"exp": float("inf")}, "The token has already expired"),
        ({"exp": 10**400}, "The token has already expired"),
        ({"exp": True}, "The token has already expired"),
        ({"azp": "another"}, "The token was issued to a program other than kintell."),
        ({"aud": ["kintell-people", "another"]}, "The token was issued to a program other than kintell."),
    ],
)
def test_a_token_that_is_not_as_it_should_be(
    closed: Loopback, issuer: Issuer, run: Run, port: int, browser: Any, claims: dict[str, Any], said: str
) -> None:
    issuer.claims = claims
    browser(KARI)
    result = run("login", "--port", port)
    assert said in result.stderr
    assert not logins.place().exists()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"issuer": "https://another.example.org"}, 'identifies itself as "https://another.example.org"'),
        ({"token_endpoint": None}, "is not an OpenID Connect issuer"),
        ({"token_endpoint": "http://id.example.org/token"}, "has no TLS"),
    ],
)
def test_an_issuer_that_is_none(
    closed: Loopback, issuer: Issuer, run: Run, port: int, browser: Any, document: dict[str, Any], said: str
) -> None:
    issuer.document = document
    browser(KARI)
    assert said in run("login", "--port", port).stderr


def test_an_issuer_that_does_not_answer(closed: Loopback, run: Run, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISSUER", "http://127.0.0.1:1")
    config.settings.cache_clear()
    assert run("login").stderr == (
        "kintell: The issuer at http://127.0.0.1:1 refuses connections; try again in a moment.\n"
    )


@pytest.mark.parametrize("content", ["", "{", "[]", '{"http://x": {"name": 1}}'])
def test_a_file_that_is_broken_is_nobodys_login(closed: Loopback, run: Run, content: str) -> None:
    logins.place().parent.mkdir(parents=True)
    logins.place().write_text(content)
    assert "run kintell login, or set KINTELL_TOKEN." in run("batches").stderr


def test_a_place_that_can_not_be_written_to(
    closed: Loopback, run: Run, port: int, browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a file"))
    result = run("logout")
    assert result.exit_code == 1
    assert "can't be written to" in result.stderr
