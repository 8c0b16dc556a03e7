"""What others name files, write into cells and answer must neither steer a terminal nor run in a shell, and a token
goes where nobody reads it on the way."""

import http.client
import json
import os
import shlex
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import click
import pytest

from cli import browser_login, logins, output, reports
from cli.api import Api
from cli.command_errors import Failure
from cli.error_report import _place, _Shown
from cli.token_issuer import Issuer, NotLoggedIn
from cli.words import clean, command, visible
from tests.api.world import WORK, World
from tests.cli.conftest import Run
from tests.cli.test_cli_terminal import on_terminal

STEERING = [
    pytest.param("\x1b[2J", id="escape"),
    pytest.param("\x9b2J", id="escape in one character"),
    pytest.param("\r", id="carriage return"),
    pytest.param("\x07", id="bell"),
    pytest.param("\x7f", id="delete"),
    pytest.param("\u202e", id="right to left"),
    pytest.param("\u2067", id="isolate"),
    pytest.param("\u061c", id="Arabic mark"),
    pytest.param("\u2028", id="line separator"),
    pytest.param("\u200b", id="without width"),
    pytest.param("\U000e0041", id="tag"),
    pytest.param("\udc9b", id="half a character"),
]
TOKEN = "a-token"  # noqa: S105


@pytest.mark.parametrize("character", STEERING)
def test_nothing_that_is_shown_steers_a_terminal(character: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"a{character}b"
    assert clean(text).isprintable()
    assert visible(text).isprintable()
    output.show_json({text: [text]})
    shown = capsys.readouterr().out
    assert shown.replace("\n", "").isprintable()
    assert json.loads(shown) == {text: [text]}


def test_letters_stay_letters(capsys: pytest.CaptureFixture[str]) -> None:
    text = "Ærlig, Олена, می\u200cخواهم"
    output.show_json(text)
    assert capsys.readouterr().out == f'"{text}"\n'
    assert clean(text) == text


@pytest.mark.parametrize(
    "name", ["$(touch x).csv", "`id`.csv", 'a"; id; ".csv', "it's.csv", "a b.csv", "a&b.csv", "!!"]
)
def test_a_command_that_is_suggested_is_one_command(name: str) -> None:
    assert shlex.split(command("kintell", "import", name)) == ["kintell", "import", name]


def test_ids_of_an_answer_are_quoted_too() -> None:
    (line,) = (line for line in reports.refusal({"code": "x", "message": "y", "batchId": "$(id)"}) if "status" in line)
    assert line.endswith("kintell status '$(id)'")


@pytest.mark.parametrize("name", ["$(id)-errors.csv", "-o errors.csv"])
def test_the_file_that_is_saved_is_suggested_by_a_name_that_works(
    run: Run, world: World, buckets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    buckets.put_object(Bucket=WORK, Key="errors/x.csv", Body=b"x")
    batch = world.batch(error_file_key="errors/x.csv")
    result = run("errors", batch, "-o", f"./{name}")
    suggested = shlex.split(result.stdout.splitlines()[-1].partition(": ")[2])
    assert suggested[:2] == ["kintell", "import"]
    assert Path(suggested[2]).read_bytes() == b"x"
    assert not suggested[2].startswith("-")


@pytest.mark.parametrize(
    ("named", "saved"),
    [
        pytest.param("../../x.csv", "x.csv", id="up"),
        pytest.param("/etc/passwd", "passwd.csv", id="absolute"),
        pytest.param("..\\x.csv", "x.csv", id="Windows"),
        pytest.param(".bashrc", "bashrc.csv", id="hidden"),
        pytest.param("..", "errors.csv", id="a folder"),
        pytest.param("a\x1b]0;x\x07.csv", "a ]0;x .csv", id="steering"),
    ],
)
def test_the_api_names_a_table_in_this_folder(named: str, saved: str) -> None:
    assert _place(None, named) == Path(saved)


def test_the_file_on_a_terminal_is_escaped(loopback: Any, world: World, buckets: Any) -> None:
    buckets.put_object(Bucket=WORK, Key="errors/x.csv", Body="id,text\n1,\x1b]0;owned\x07\u202eå\n".encode())
    batch = world.batch(error_file_key="errors/x.csv")
    code, seen = on_terminal(loopback.url, 100, "errors", str(batch), "-o", "-")
    assert code == 0
    assert r"1,\x1b]0;owned\x07\u202eå" in seen


def test_an_option_that_is_none_is_shown_without_what_steers(run: Run) -> None:
    result = run("import", "--\x1b[2J.csv")
    assert result.exit_code == 2
    assert "\x1b" not in result.output


# Tokens ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://ingest.example.org", "http://127.0.0.1.example.org:3002", "http://127.0.0.1@example.org"]
)
def test_a_token_is_sent_by_https_or_to_this_machine(run: Run, url: str) -> None:
    result = run("--api", url, "batches", KINTELL_TOKEN=TOKEN)
    assert result.exit_code == 2
    assert "tokens are sent only over https" in result.stderr
    with pytest.raises(click.UsageError, match="only over https"):
        Api.at(url, None, lambda _url: TOKEN).get("/v1/import/batches")
    assert "only over https" in run("--api", url, "login").stderr


@pytest.mark.parametrize("url", ["https://ingest.example.org", "http://127.0.0.1:3002", "http://[::1]:3002"])
def test_these_may_be_sent_a_token(url: str) -> None:
    assert Api.at(url, TOKEN).token == TOKEN


@pytest.mark.parametrize("link", ["http://127.0.0.1:2375/x", "https://localhost/x", "http://[::1]:8080/x"])
@pytest.mark.parametrize("url", ["https://ingest.example.org", "http://ingest.example.org"])
def test_a_link_of_an_api_elsewhere_does_not_lead_to_this_machine(url: str, link: str) -> None:
    """Where what is sent there would come from its own user."""
    with pytest.raises(Failure, match="kintell does not use it"):
        Api(url).checked_link(link)
    assert Api("http://127.0.0.1:3002").checked_link(link) == link


def test_an_end_of_a_line_stays_one_wherever_a_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after a carriage return alone is written over what was there."""
    said: list[str] = []
    monkeypatch.setattr("click.echo", lambda text, nl: said.append(text))
    shown = _Shown()
    for block in (b"\xef\xbb\xbfa,secret\rb", b"c\r", b"\nd\r\n"):
        shown.write(block)
    assert "".join(said) == "a,secret\\rbc\r\nd\r\n"


def test_a_link_is_as_safe_as_the_api() -> None:
    api = Api.at("https://ingest.example.org", TOKEN)
    assert api.checked_link("https://s3.example.org/x").startswith("https")
    for link in ("http://s3.example.org/x", "ftp://s3.example.org/x", "//s3.example.org/x"):
        with pytest.raises(Failure, match="link without TLS"):
            api.checked_link(link)


@pytest.mark.parametrize("endpoint", ["file:///etc/passwd", "http://evil.example/auth", "https://x.example/\x1b[2J"])
def test_an_address_to_log_in_at_is_one_of_https(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    url = "https://issuer.example.org"
    document = {"issuer": url, "authorization_endpoint": endpoint, "token_endpoint": f"{url}/token"}
    monkeypatch.setattr("cli.token_issuer._ask", lambda *_: (200, document))
    with pytest.raises(NotLoggedIn, match="names a login address without TLS"):
        Issuer.of({"issuer": url, "clientId": "x", "scopes": "openid", "audience": "x"})


@pytest.mark.parametrize(("host", "status"), [("evil.example", 404), ("localhost", 404), ("localhost:{port}", 200)])
def test_the_browser_comes_back_to_this_machine_by_its_name(host: str, status: int) -> None:
    """It does not come back to a name that somebody else resolves to this machine."""
    issuer = Issuer("https://x", "x", "openid", "x", "https://x/a", "https://x/t", None)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
        request = browser_login.LoginRequest.of(issuer, port)
        server.RequestHandlerClass = browser_login._handler_of(request)
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", f"/callback?code=x&state={request.state}", headers={"Host": host.format(port=port)})
        assert connection.getresponse().status == status
        connection.close()
        answering.join()


def test_tokens_are_read_by_their_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    issuer = Issuer("https://x", "x", "openid", "x", "https://x/a", "https://x/t", None)
    previous = os.umask(0)
    try:
        logins.keep("https://api.example.org", logins.Login(issuer, "kari", TOKEN, None, 0))
    finally:
        os.umask(previous)
    assert logins.place().stat().st_mode & 0o077 == 0
    assert logins.place().parent.stat().st_mode & 0o077 == 0
