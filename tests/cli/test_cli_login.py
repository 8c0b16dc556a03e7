"""kintell login and logout: with a browser or by hand, and whoever is logged in stays so without noticing."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from cli import logins
from ingestion import config
from local.processes import free_port
from tests.cli.conftest import Run
from tests.cli.loopback import Loopback
from tests.serve.world import World
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


def sent_tokens(loopback: Loopback) -> set[str]:
    """The bearer tokens that the API has seen since the last time."""
    seen, loopback.seen = loopback.seen, []
    return {
        request.headers["Authorization"].removeprefix("Bearer ")
        for request in seen
        if "Authorization" in request.headers
    }


def test_who_logs_in_stays_logged_in(closed: Loopback, run: Run, browser: Any, port: int, world: World) -> None:
    assert "run kintell login, or set KINTELL_TOKEN." in run("batches").stderr
    page = browser(KARI)
    result = run("login", "--port", port)
    assert (result.exit_code, result.stdout) == (0, f"Logged in to {closed.url} as {KARI}.\n"), result.output
    world.batch()
    listed = run("batches")
    assert listed.exit_code == 0, listed.output
    assert listed.stdout.count("\n") == 1
    assert "You are back" in page[0][1]


def test_what_is_kept_is_for_nobody_elses_eyes_and_printed_nowhere(
    closed: Loopback, run: Run, browser: Any, port: int
) -> None:
    browser(KARI)
    result = run("login", "--port", port, "--json")
    kept = logins.find(closed.url)
    assert kept is not None
    assert json.loads(result.stdout).keys() == {"api", "name", "issuer", "tokenExpiresAt"}
    assert kept.token not in result.output
    assert str(kept.refresh_token) not in result.output
    assert logins.place().stat().st_mode & 0o777 == 0o600
    assert logins.place().parent.stat().st_mode & 0o777 == 0o700
    assert sorted(each.name for each in logins.place().parent.iterdir()) == ["lock", "logins.json"]
    run("batches")
    assert sent_tokens(closed) == {kept.token}


def test_logging_out_forgets_the_tokens_here_and_at_the_issuer(
    closed: Loopback, issuer: Issuer, run: Run, browser: Any, port: int
) -> None:
    browser(KARI)
    run("login", "--port", port)
    kept = logins.find(closed.url)
    assert kept is not None
    assert run("logout").stdout == f"Logged out of {closed.url}.\n"
    assert issuer.revoked == [kept.refresh_token]
    assert not logins.place().exists()
    assert run("batches").exit_code == 1
    again = run("logout")
    assert (again.exit_code, again.stdout) == (0, f"Nobody was logged in to {closed.url}.\n")
    assert json.loads(run("logout", "--json").stdout) == {"api": closed.url, "wasLoggedIn": False}


def test_one_logs_out_where_the_issuer_is_gone(
    closed: Loopback, issuer: Issuer, run: Run, browser: Any, port: int
) -> None:
    browser(KARI)
    issuer.document = {"revocation_endpoint": "http://127.0.0.1:1/revoke"}
    run("login", "--port", port)
    result = run("logout")
    assert (result.exit_code, result.stdout) == (0, f"Logged out of {closed.url}.\n")
    assert "The issuer was not told: " in result.stderr


def test_a_token_that_is_over_is_renewed_without_a_word(
    closed: Loopback, issuer: Issuer, run: Run, browser: Any, port: int
) -> None:
    browser(KARI)
    issuer.token_seconds = 30
    run("login", "--port", port)
    old = logins.find(closed.url)
    issuer.token_seconds = 3600
    result = run("batches")
    assert (result.exit_code, result.stderr) == (0, "kintell: no batches\n")
    new = logins.find(closed.url)
    assert old is not None
    assert new is not None
    assert (new.name, new.refresh_token != old.refresh_token) == (KARI, True)
    assert sent_tokens(closed) == {new.token}
    run("batches")
    assert [kind for kind, _ in issuer.asked] == ["authorization_code", "refresh_token"]


def test_commands_at_the_same_moment_renew_once(
    closed: Loopback, issuer: Issuer, run: Run, browser: Any, port: int
) -> None:
    browser(KARI)
    issuer.token_seconds = 30
    run("login", "--port", port)
    issuer.token_seconds = 3600
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(logins.token_for, [closed.url] * 8))
    assert len(tokens) == 1
    assert [kind for kind, _ in issuer.asked] == ["authorization_code", "refresh_token"]


def test_a_login_that_is_over_says_so(closed: Loopback, issuer: Issuer, run: Run, browser: Any, port: int) -> None:
    browser(KARI)
    issuer.token_seconds = 30
    run("login", "--port", port)
    issuer.refresh_tokens.clear()
    result = run("batches")
    assert (result.exit_code, result.stderr) == (1, "kintell: Your login has expired; run kintell login.\n")


def test_a_token_that_the_api_does_not_take_any_more(closed: Loopback, run: Run, browser: Any, port: int) -> None:
    browser(KARI)
    run("login", "--port", port)
    closed.claims_of = lambda token: None
    assert "does not accept your login; run kintell login again." in run("batches").stderr
    result = run("batches", KINTELL_TOKEN="mine")  # noqa: S106
    assert "does not accept the token in KINTELL_TOKEN; it may have expired." in result.stderr
    assert "mine" in sent_tokens(closed)


def test_a_right_that_is_missing_is_named(closed: Loopback, run: Run, browser: Any, port: int) -> None:
    browser("ole@example.org")
    run("login", "--port", port)
    assert run("batches").stderr == "kintell: This needs the right imports.read, which you have not been given.\n"


def test_an_access_token_is_sent_where_the_api_is_an_audience_of_its_own(
    closed: Loopback, issuer: Issuer, run: Run, browser: Any, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIENCE", "kintell-api")
    config.settings.cache_clear()
    issuer.audience = "kintell-api"
    browser(KARI)
    run("login", "--port", port)
    closed.seen.clear()
    assert run("batches").exit_code == 0
    ((token,),) = (sent_tokens(closed),)
    claims = issuer.claims_of(token)
    assert claims is not None
    assert claims["aud"] == "kintell-api"


# By hand --------------------------------------------------------------------------------------------------------------


def by_hand(run: Run, port: int, paste: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Logs in without a browser of its own; *paste* makes of the address what is pasted."""
    said: list[str] = []
    monkeypatch.setattr("cli.logging_in._say", said.append)
    monkeypatch.setattr("click.prompt", lambda *_, **__: paste(said[0].splitlines()[1]))
    return run("login", "--no-browser", "--port", port)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def ends_at(url: str) -> str:
    """The address at which a browser on another machine ends."""
    request = urllib.request.Request(url, urlencode({"who": KARI}).encode())
    try:
        urllib.request.build_opener(_NoRedirect).open(request, timeout=10)
    except urllib.error.HTTPError as redirect:
        return str(redirect.headers["Location"])
    raise AssertionError("the issuer sent nobody back")


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
    result = by_hand(run, port, lambda url: of_address(ends_at(url)), monkeypatch)
    assert result.stdout == f"Logged in to {closed.url} as {KARI}.\n", result.output
    assert run("batches").exit_code == 0


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        pytest.param("http://localhost/callback?code=x&state=y", "its state differs", id="of another login"),
        pytest.param("nonsense", "gives no token (invalid_grant)", id="nonsense"),
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
    assert f"The API at {loopback.url} asks nobody who they are" in result.stderr


def test_a_port_that_is_taken(closed: Loopback, run: Run, port: int, browser: Any) -> None:
    with socket.create_server(("127.0.0.1", port)):
        result = run("login", "--port", port)
    assert result.exit_code == 1
    assert f"Port {port}, at which the browser would come back, is in use" in result.stderr
    assert "kintell login --no-browser" in result.stderr


def test_no_browser(closed: Loopback, run: Run, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _url: False)
    assert "No browser could be opened on this machine" in run("login", "--port", port).stderr


def test_a_browser_that_was_closed(closed: Loopback, run: Run, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _url: True)
    monkeypatch.setattr("cli.browsing.PATIENCE_SECONDS", 0.1)
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
    assert "The issuer let nobody in: access_denied." in result.stderr
    wait_for(page)
    assert "You are not logged in" in page[0][1]


def wait_for(seen: Seen) -> None:
    deadline = time.monotonic() + 10
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_state_that_is_not_ours(closed: Loopback, run: Run, port: int, browser: Any) -> None:
    browser(KARI, lambda url: url.replace("state=", "state=another"))
    result = run("login", "--port", port)
    assert "What came back is not of this login (its state differs)" in result.stderr
    assert not logins.place().exists()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "https://another.example.org"}, 'The token is of the issuer "https://another.example.org"'),
        ({"aud": "another"}, "The token is for another program than kintell."),
        ({"nonce": "another"}, "The token is of another login"),
        ({"exp": 1}, "The token has expired already"),
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
        ({"issuer": "https://another.example.org"}, 'calls itself "https://another.example.org"'),
        ({"token_endpoint": None}, "is no issuer of OpenID Connect tokens"),
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
