"""kintell login and logout: whoever is logged in stays so without noticing, and is forgotten for good."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cli import logins
from ingestion import config
from tests.api.world import World
from tests.cli.conftest import Run
from tests.cli.logging_in import KARI, browser, closed, issuer, port
from tests.cli.loopback import Loopback
from tests.sign_in.issuer import Issuer

__all__ = ["browser", "closed", "issuer", "port"]


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
    assert "You are logged in" in page[0][1]


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
    assert "The login could not be revoked at the issuer: " in result.stderr


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
    assert run("batches").stderr == "kintell: This requires the right imports.read, which you have not been given.\n"


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
