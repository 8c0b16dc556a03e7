"""An issuer of tokens, as OpenID Connect has it, on loopback: discovery, sign-in page, code flow with PKCE, refresh,
revocation, signing out. Its tokens are signed (RS256), its keys published."""

import base64
import hashlib
import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY_ID: Final = "the-only-key"
PAGE: Final = """<!doctype html><html lang="en"><head><title>Sign in</title></head><body><main><h1>Who are you?</h1>
<form method="post" action="/authorize?{query}">{buttons}<button name="who" value="">Nobody</button></form>
</main></body></html>"""

Json = dict[str, Any]


def encoded(raw: bytes) -> str:
    """As tokens are written."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Issuer:
    """Who may sign in, with which groups; and what it has given out."""

    people: dict[str, list[str]] = field(default_factory=dict)
    clients: dict[str, list[str]] = field(default_factory=dict)
    """Redirect addresses of each client, exactly."""
    url: str = ""
    audience: str = ""
    """Of access tokens, where they are for somebody else than the client."""
    claims: Json = field(default_factory=dict)
    """In ID tokens, in place of what would be right."""
    document: Json = field(default_factory=dict)
    """In the discovery document, likewise."""
    token_seconds: int = 3600
    asked: list[tuple[str, Json]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    codes: dict[str, Json] = field(default_factory=dict)
    refresh_tokens: dict[str, Json] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def signed(self, claims: Json) -> str:
        """A token."""
        head = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        text = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{text}.{encoded(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def token(self, who: str, client_id: str, /, **more: Any) -> str:
        """For somebody, as an ID token says it."""
        now = int(time.time())
        return self.signed(
            {
                "iss": self.url,
                "sub": f"subject-of-{who}",
                "aud": client_id,
                "iat": now,
                "exp": now + self.token_seconds,
                "email": who,
                "email_verified": True,
                "groups": self.people[who],
                **more,
            }
        )

    def claims_of(self, token: str) -> Json | None:
        """What a token says that is of this issuer and has not expired."""
        text, _, signature = token.rpartition(".")
        try:
            raw = [base64.urlsafe_b64decode(part + "==") for part in (text.partition(".")[2], signature)]
            self.key.public_key().verify(raw[1], text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            return None
        claims: Json = json.loads(raw[0])
        return claims if claims["exp"] > time.time() else None

    def discovery(self) -> Json:
        """What it says of itself."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "revocation_endpoint": f"{self.url}/revoke",
            "end_session_endpoint": f"{self.url}/logout",
            "jwks_uri": f"{self.url}/keys",
            **self.document,
        }

    def keys(self) -> Json:
        """Its public key."""
        numbers = self.key.public_key().public_numbers()
        n, e = (encoded(each.to_bytes((each.bit_length() + 7) // 8, "big")) for each in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "kid": KEY_ID, "use": "sig", "alg": "RS256", "n": n, "e": e}]}

    def let_in(self, query: Json, who: str) -> str:
        """Where the browser of somebody who has signed in goes next: back, with a code."""
        assert query["redirect_uri"] in self.clients[query["client_id"]], "an address that nobody registered"
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        if who not in self.people:
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**query, "who": who}
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form: Json) -> tuple[int, Json]:
        """Tokens for a code or a refresh token, each of which is good once."""
        self.asked.append((form.get("grant_type", ""), form))
        if form.get("grant_type") == "refresh_token":
            given = self.refresh_tokens.pop(form["refresh_token"], None)
        else:
            given = self.codes.pop(form.get("code", ""), None)
            verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if given and (encoded(verifier), form["redirect_uri"]) != (given["code_challenge"], given["redirect_uri"]):
                given = None
        if given is None or given["client_id"] != form.get("client_id"):
            return 400, {"error": "invalid_grant"}
        return 200, self.tokens(given)

    def tokens(self, given: Json) -> Json:
        """What a sign-in gives."""
        who, client_id = given["who"], given["client_id"]
        nonce = {"nonce": given["nonce"]} if "nonce" in given else {}
        refresh_token = secrets.token_urlsafe(16)
        self.refresh_tokens[refresh_token] = given
        access = {"aud": self.audience} if self.audience else {"client_id": client_id, "aud": None}
        return {
            "id_token": self.token(who, client_id, **{**nonce, **self.claims}),
            "access_token": self.token(who, client_id, **access, scope=given.get("scope", "")),
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
        }


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        remembered = SimpleCookie(self.headers.get("Cookie", "")).get("known")
        if parts.path == "/.well-known/openid-configuration":
            self._json(200, self.issuer.discovery())
        elif parts.path == "/keys":
            self._json(200, self.issuer.keys())
        elif parts.path == "/authorize" and remembered and remembered.value in self.issuer.people:
            self._go(self.issuer.let_in(query, remembered.value))
        elif parts.path == "/authorize":
            buttons = "".join(f'<button name="who" value="{who}">{who}</button>' for who in self.issuer.people)
            page = PAGE.format(query=parts.query.replace("&", "&amp;"), buttons=buttons)
            self._answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
        elif parts.path == "/logout":
            self._go(query["post_logout_redirect_uri"], "known=; Path=/; Max-Age=0")
        else:
            self._json(404, {})

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True))
        if parts.path == "/authorize":
            who = form.get("who", "")
            self._go(self.issuer.let_in(dict(parse_qsl(parts.query)), who), f"known={who}; Path=/")
        elif parts.path == "/token":
            self._json(*self.issuer.exchange(form))
        elif parts.path == "/revoke":
            self.issuer.revoked.append(form["token"])
            self._json(200, {})

    def _go(self, location: str, cookie: str | None = None) -> None:
        self._answer(303, b"", {"Location": location, **({"Set-Cookie": cookie} if cookie else {})})

    def _json(self, status: int, body: Json) -> None:
        self._answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def running_issuer(**given: Any) -> Iterator[Issuer]:
    """One on a free port."""
    issuer = Issuer(**given)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"issuer": issuer}))
    server.daemon_threads = True
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Of an opener that answers with the redirect itself, as an error."""

    def redirect_request(self, *_: Any) -> None:
        """Stays where it is."""


def sent_back(url: str, who: str) -> str:
    """The address that the browser of somebody ends at who signs in at *url*."""
    request = urllib.request.Request(url, urlencode({"who": who}).encode())
    try:
        urllib.request.build_opener(NoRedirect).open(request, timeout=10)
    except urllib.error.HTTPError as redirect:
        return str(redirect.headers["Location"])
    raise AssertionError("the issuer sent nobody back")
