"""Logging in with the system's browser: the authorization code flow with PKCE. The code comes back by a redirect to
this machine (RFC 8252), or the user pastes it if the browser is on another machine."""

import base64
import hashlib
import html
import secrets
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import click

from cli.command_errors import Failure
from cli.logins import Login
from cli.token_issuer import Issuer, NotLoggedIn

PORT: Final = 8976
"""Registered with the issuer as http://localhost:8976/callback; Cognito accepts only registered ports."""

PATIENCE_SECONDS: Final = 300.0

PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>kintell</title></head>
<body><h1>{title}</h1><p>{text}</p></body></html>"""


class NotBack(Failure):
    """The browser did not come back from the issuer, or came back without a valid code."""


@dataclass(frozen=True)
class LoginRequest:
    """A login in progress."""

    issuer: Issuer
    redirect: str
    state: str
    nonce: str
    verifier: str

    @classmethod
    def of(cls, issuer: Issuer, port: int) -> "LoginRequest":
        """A login with new secrets."""
        state, nonce, verifier = (secrets.token_urlsafe(size) for size in (24, 24, 48))
        return cls(issuer, f"http://localhost:{port}/callback", state, nonce, verifier)

    @property
    def url(self) -> str:
        """The address at which the user logs in."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.issuer.client_id,
            "redirect_uri": self.redirect,
            "scope": self.issuer.scopes,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self.issuer.authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def code_in(self, query: str) -> str:
        """The code that came back. Raises NotBack."""
        found = {name: values[0] for name, values in parse_qs(query).items()}
        if not secrets.compare_digest(found.get("state", "").encode(), self.state.encode()):
            raise NotBack("The answer belongs to another login (its state differs); run kintell login again.")
        if "code" not in found:
            why = found.get("error_description") or found.get("error") or "no code came back"
            raise NotBack(f"The issuer refused the login: {why}.")
        return found["code"]

    def finished(self, code: str) -> Login:
        """Redeem the code. Raises NotLoggedIn, Unreachable."""
        answer = self.issuer.redeem(
            grant_type="authorization_code", code=code, redirect_uri=self.redirect, code_verifier=self.verifier
        )
        if not isinstance(answer.get("id_token"), str):
            raise NotLoggedIn("The issuer returned no ID token; the scopes must include openid.")
        claims = self.issuer.must_be_for_us(answer["id_token"], self.nonce)
        return Login.given(self.issuer, str(claims.get("email") or claims.get("sub") or "somebody"), answer)


def with_browser(issuer: Issuer, port: int, say: Callable[[str], None]) -> Login:
    """Open the browser and wait for it to come back. Raises Failure."""
    request = LoginRequest.of(issuer, port)
    try:
        server = HTTPServer(("127.0.0.1", port), _handler_of(request))
    except OSError as taken:
        raise NotBack(
            f"Port {port}, to which the browser would return, is in use ({taken.strerror}); "
            "stop the other program, or run kintell login --no-browser."
        ) from taken
    with server:
        if not webbrowser.open(request.url):
            raise NotBack("No browser could be opened on this machine; run kintell login --no-browser.")
        say(f"Log in with the browser. If it has not opened, open this address:\n{request.url}")
        return _awaited(server, request)


def by_hand(issuer: Issuer, port: int, say: Callable[[str], None]) -> Login:
    """Log in with a browser on any machine; the user pastes the address that it ends at. Raises Failure."""
    request = LoginRequest.of(issuer, port)
    say(
        f"Open this address in a browser, on any machine, and log in:\n{request.url}\n"
        f"It ends up at an address that starts with {request.redirect} and may show an error; copy that address."
    )
    pasted = click.prompt("Address, or the code in it", prompt_suffix=": ", err=True).strip()
    # A code alone is bound to this login too, by the verifier and by the nonce of its token.
    return request.finished(request.code_in(urlsplit(pasted).query) if "?" in pasted else pasted)


def _awaited(server: HTTPServer, request: LoginRequest) -> Login:
    came_back: Any = server.RequestHandlerClass
    deadline = time.monotonic() + PATIENCE_SECONDS
    while came_back.query is None:
        server.timeout = deadline - time.monotonic()
        if server.timeout <= 0:
            minutes = f"{PATIENCE_SECONDS / 60:.0f} minutes"
            raise NotBack(f"Nobody logged in within {minutes}; run kintell login again, or with --no-browser.")
        server.handle_request()
    return request.finished(request.code_in(came_back.query))


def _handler_of(request: LoginRequest) -> type[BaseHTTPRequestHandler]:
    class CameBack(BaseHTTPRequestHandler):
        """Handle the first request for the redirect's address; browsers make other requests too."""

        query: str | None = None
        timeout = 10

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path != "/callback" or self.headers.get_all("Host") != [urlsplit(request.redirect).netloc]:
                self.send_error(404)
                return
            try:
                request.code_in(parts.query)
                title, text = "You are logged in", "You can close this window and return to the terminal."
            except NotBack as wrong:
                title, text = "You are not logged in", wrong.message
            type(self).query = parts.query
            body = PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", "default-src 'none'")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing, since the address holds the code."""

    return CameBack
