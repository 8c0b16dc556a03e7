"""Signing in with a browser: whoever the issuer lets in gets one session cookie, in the browser that asked for it."""

import threading
import time
from collections.abc import Callable, Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto import mock_aws

from ingestion import config
from ingestion.aws import cookie_key, s3
from ingestion.sign_in.actors import SYSTEM, Actor, ActorKind
from ingestion.sign_in.rights import Right
from ingestion.sign_in.session_cookies import SESSION_COOKIE, SessionCookie, read
from sign_in.app import handler
from sign_in.oidc_issuer import endpoints
from tests.api.api_calls import CONTEXT, event
from tests.api.test_hostile_requests import HALF, HOSTILE, is_guarded
from tests.api.world import REGION
from tests.sign_in.issuer import Issuer, running_issuer, sent_back

KEY, HOST = "a key that nobody else has", "imports.example.org"
CALLBACK, KARI = f"https://{HOST}/callback", "kari@example.org"

Visit = Callable[..., "Answer"]


class Answer:
    """What the function said: where to go, and the cookies, kept or forgotten (None)."""

    def __init__(self, result: dict[str, Any]) -> None:
        assert result["headers"]["Cache-Control"] == "no-store"
        self.status: int = result["statusCode"]
        leads = result["headers"].get("Refresh", "").removeprefix("0; url=")
        self.location: str = result["headers"].get("Location", leads)
        assert (self.status == 303) == ("Location" in result["headers"])
        self.body: str = result["body"]
        self.texts: list[str] = result.get("cookies", [])
        pairs = (text.split(";", 1) for text in self.texts)
        self.cookies = {
            pair.partition("=")[0]: pair.partition("=")[2] if "Max-Age=0" not in rest else None for pair, rest in pairs
        }

    @property
    def query(self) -> dict[str, str]:
        """The parameters of where it leads."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}

    @property
    def failure(self) -> str | None:
        """Why nobody was let in."""
        return self.query["reason"] if self.location.startswith("/sign-in-failed?") else None


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Kari may sign in, and read."""
    people = {KARI: ["imports.read", "staff"], "ole@example.org": []}
    with running_issuer(people=people, clients={"dashboard": [CALLBACK]}) as running:
        yield running


@pytest.fixture
def visit(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """Asks the function as a browser does."""
    with mock_aws():
        for name, value in {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "DATABASE_SECRET_ARN": "none",
            "UPLOADS_BUCKET": "none",
            "WORK_BUCKET": "work",
            "ISSUER": issuer.url,
            "DASHBOARD_CLIENT_ID": "dashboard",
            "RIGHTS_CLAIM": "groups",
        }.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="work", CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_object(Bucket="work", Key=cookie_key.KEY, Body=KEY.encode())
        for cached in (cookie_key.cookie_key, s3._client, config.settings):
            cached.cache_clear()
        endpoints.cache_clear()

        def visit(
            path: str,
            method: str = "GET",
            cookies: dict[str, str] | None = None,
            says: dict[str, str] | None = None,
            **query: str,
        ) -> Answer:
            texts = [f"{name}={value}" for name, value in (cookies or {}).items()]
            headers = {"host": HOST, "accept": "text/html", **(says or {})}
            return Answer(handler(event(method, path, query, headers=headers, cookies=texts), CONTEXT))

        yield visit
    config.settings.cache_clear()
    endpoints.cache_clear()


def at_the_issuer(begun: Answer, who: str) -> dict[str, str]:
    """Signs in there; what it sends back."""
    location = sent_back(begun.location, who)
    assert location.startswith(CALLBACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def kept(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.cookies.items() if value}


def test_who_signs_in_gets_a_session_cookie_and_comes_back_to_where_they_were(visit: Visit, issuer: Issuer) -> None:
    begun = visit("/login", back="/batches/1?lang=nb")
    assert begun.query | {"state": "", "nonce": "", "code_challenge": ""} == {
        "response_type": "code",
        "client_id": "dashboard",
        "redirect_uri": CALLBACK,
        "scope": "openid email",
        "code_challenge_method": "S256",
        "state": "",
        "nonce": "",
        "code_challenge": "",
    }
    ended = visit("/callback", cookies=kept(begun), **at_the_issuer(begun, KARI))
    assert ended.location == "/batches/1?lang=nb"
    given = read(KEY.encode(), ended.cookies[SESSION_COOKIE] or "", time.time())
    assert given is not None
    assert given.holder == Actor(kind=ActorKind.PERSON, name=KARI, issuer=issuer.url, subject=f"subject-of-{KARI}")
    assert given.rights == {Right.IMPORTS_READ}
    assert 3500 < given.expires_at - time.time() <= 3600
    # Used once, the entry is gone.
    assert [name for name, value in ended.cookies.items() if value is None] == list(begun.cookies)


def test_cookies_are_out_of_reach_of_scripts_and_other_hosts(visit: Visit) -> None:
    begun = visit("/login")
    ended = visit("/callback", cookies=kept(begun), **at_the_issuer(begun, KARI))
    for text in (*begun.texts, *ended.texts):
        assert text.startswith("__Host-")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(text.split("; "))
        assert "Domain" not in text


def test_no_token_reaches_the_browser(visit: Visit, issuer: Issuer) -> None:
    begun = visit("/login")
    ended = visit("/callback", cookies=kept(begun), **at_the_issuer(begun, KARI))
    for refresh_token in issuer.refresh_tokens:
        assert refresh_token not in str(ended.texts)
    assert "eyJhbGciOiJSUzI1NiI" not in str(ended.texts)


def test_two_tabs_sign_in_side_by_side(visit: Visit) -> None:
    first, second = visit("/login", back="/a"), visit("/login", back="/b")
    both = {**kept(first), **kept(second)}
    assert visit("/callback", cookies=both, **at_the_issuer(second, KARI)).location == "/b"
    assert visit("/callback", cookies=both, **at_the_issuer(first, KARI)).location == "/a"


@pytest.mark.parametrize("path", ["/login", "/callback", "/logout/issuer"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whatever_a_client_writes_is_answered_and_guarded(visit: Visit, path: str, method: str) -> None:
    for headers in HOSTILE:
        for query in ({}, {"state": HALF, "code": HALF, "error": HALF, "back": HALF}):
            cookies = [f"__Host-entry-{HALF}={HALF}", "__Host-entry-=a.b", HALF]
            given = event(method, path, None, headers={"host": HOST, **headers}, cookies=cookies)
            answer = handler({**given, "queryStringParameters": query}, CONTEXT)
            is_guarded(answer["headers"])
            leads = {answer["headers"].get(name, "/") for name in ("Location", "Refresh")}
            assert all(map(str.isascii, leads))
            is_sign_out = (method, path) == ("POST", "/logout/issuer")
            assert answer["statusCode"] in ((200, 403) if is_sign_out else (303,))


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example.com",
        "/\t/evil.example.com",
        "/\n//evil.example.com",
        " //evil.example.com",
        "/\\evil.example.com",
        "https://evil.example.com",
        "javascript:alert(1)",
        "",
        "/a\r\nSet-Cookie: b",
        "/" + "x" * 2000,
        "/ok\\..",
        "/\x85//evil.example.com",
        "/\u2028",
        "/\x7f",
    ],
)
def test_the_way_back_is_a_page_of_ours(visit: Visit, back: str) -> None:
    begun = visit("/login", back=back)
    assert visit("/callback", cookies=kept(begun), **at_the_issuer(begun, KARI)).location == "/"


def signed_in(visit: Visit, who: str = KARI) -> SessionCookie:
    begun = visit("/login")
    ended = visit("/callback", cookies=kept(begun), **at_the_issuer(begun, who))
    given = read(KEY.encode(), ended.cookies[SESSION_COOKIE] or "", time.time())
    assert given is not None
    return given


@pytest.mark.parametrize(
    ("claim", "rights"),
    [
        pytest.param("scope", {Right.ERRORS_READ}, id="scopes, if the system is set so"),
        pytest.param("groups", {Right.IMPORTS_READ}, id="what somebody asks for gives nothing otherwise"),
    ],
)
def test_rights_may_be_scopes_of_the_access_token(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, claim: str, rights: set[Right]
) -> None:
    monkeypatch.setenv("SCOPES", "openid email errors.read kintell/imports.write")
    monkeypatch.setenv("RIGHTS_CLAIM", claim)
    config.settings.cache_clear()
    assert signed_in(visit).rights == rights


def test_an_access_token_of_somebody_else_gives_no_right(
    visit: Visit, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCOPES", "openid errors.read")
    monkeypatch.setenv("RIGHTS_CLAIM", "scope")
    config.settings.cache_clear()
    issuer.claims = {"sub": "another"}
    assert signed_in(visit).rights == frozenset()


def test_groups_are_names_as_a_whole(visit: Visit, issuer: Issuer) -> None:
    issuer.people[KARI] = ["Lost errors.read and imports.write", "a/errors.read", "imports.read,errors.read"]
    assert signed_in(visit).rights == frozenset()


@pytest.mark.parametrize("is_verified", [False, None, "false", "yes", 1, ["true"]])
def test_an_address_that_is_not_verified_names_nobody(visit: Visit, issuer: Issuer, is_verified: Any) -> None:
    issuer.claims = {"email_verified": is_verified}
    holder = signed_in(visit).holder
    assert holder.name == f"subject-of-{KARI} ({issuer.url})"
    assert (holder.kind, holder.issuer, holder.subject) == ("person", issuer.url, f"subject-of-{KARI}")


def test_a_subject_that_is_called_as_the_system_is_somebody(visit: Visit, issuer: Issuer) -> None:
    issuer.claims = {"sub": SYSTEM.name, "email_verified": False}
    holder = signed_in(visit).holder
    assert (holder.kind, holder.subject) == ("person", SYSTEM.name)
    assert holder.name != SYSTEM.name


@pytest.mark.parametrize("subject", ["a" * 256, "a\nb", "kari\u200b", "\u202eirak", " kari"], ids=repr)
def test_a_subject_that_nobody_could_tell_from_another_is_nobody(visit: Visit, issuer: Issuer, subject: str) -> None:
    issuer.claims = {"sub": subject}
    begun = visit("/login")
    ended = visit("/callback", cookies=kept(begun), **at_the_issuer(begun, KARI))
    assert (ended.failure, ended.cookies) == ("untrusted", {})


def test_every_session_cookie_has_an_id_of_its_own(visit: Visit) -> None:
    assert signed_in(visit).id != signed_in(visit).id


def test_who_is_not_let_in_is_told(visit: Visit) -> None:
    begun = visit("/login")
    ended = visit("/callback", cookies=kept(begun), **at_the_issuer(begun, "a stranger"))
    assert (ended.failure, ended.cookies) == ("refused", {})


def test_a_sign_in_of_another_browser_is_none_of_ours(visit: Visit) -> None:
    theirs, ours = visit("/login"), visit("/login")
    brought = at_the_issuer(theirs, KARI)
    assert visit("/callback", cookies=kept(ours), **brought).failure == "stale"
    assert visit("/callback", **brought).failure == "stale"
    name, sealed = next(iter(kept(ours).items()))
    changed = {name.replace(name[-8:], brought["state"][:8]): sealed}
    assert visit("/callback", cookies=changed, **brought).failure == "stale"


def test_a_sign_in_that_took_too_long_is_begun_again(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sign_in.code_flow.ENTRY_SECONDS", -1)
    begun = visit("/login")
    assert visit("/callback", cookies=kept(begun) | begun.cookies, **at_the_issuer(begun, KARI)).failure == "stale"


def test_a_code_is_good_once(visit: Visit) -> None:
    begun = visit("/login")
    brought = at_the_issuer(begun, KARI)
    assert visit("/callback", cookies=kept(begun), **brought).failure is None
    assert visit("/callback", cookies=kept(begun), **brought).failure == "refused"


def test_a_code_of_somebody_elses_sign_in_is_refused_by_the_issuer(visit: Visit) -> None:
    theirs, ours = visit("/login"), visit("/login")
    brought = {**at_the_issuer(ours, "ole@example.org"), "code": at_the_issuer(theirs, KARI)["code"]}
    assert visit("/callback", cookies=kept(ours), **brought).failure == "refused"


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"iss": "https://another.example.org"}, id="of another issuer"),
        pytest.param({"aud": "another"}, id="for another client"),
        pytest.param({"aud": ["another", "others"]}, id="for several others"),
        pytest.param({"nonce": "another"}, id="of another sign-in"),
        pytest.param({"nonce": None}, id="of no sign-in"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"aud": ["dashboard", "others"]}, id="for several, of whom nobody asked for it"),
        pytest.param({"aud": ["dashboard", "others"], "azp": "others"}, id="for several, of whom another asked for it"),
        pytest.param({"azp": "others"}, id="asked for by another client"),
        pytest.param({"azp": None}, id="asked for by nobody"),
        pytest.param({"exp": None}, id="for ever"),
        pytest.param({"exp": float("nan")}, id="until no number"),
        pytest.param({"exp": float("inf")}, id="until infinity"),
        pytest.param({"exp": 10**400}, id="until a number without end"),
        pytest.param({"exp": time.time() + 400 * 24 * 3600}, id="for more than a year"),
        pytest.param({"exp": True}, id="until true"),
        pytest.param({"exp": "9999999999"}, id="until a text"),
        pytest.param({"exp": [9999999999]}, id="until a list"),
        pytest.param({"exp": -1}, id="until before there was time"),
        pytest.param({"sub": ""}, id="of nobody"),
        pytest.param({"sub": ["kari"]}, id="of a list"),
    ],
)
def test_a_token_that_is_not_as_it_should_be_lets_nobody_in(
    visit: Visit, issuer: Issuer, claims: dict[str, Any]
) -> None:
    issuer.claims = claims
    begun = visit("/login")
    ended = visit("/callback", cookies=kept(begun), **at_the_issuer(begun, KARI))
    assert (ended.failure, ended.cookies) == ("untrusted", {})


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param({"issuer": "https://another.example.org"}, "untrusted", id="it calls itself otherwise"),
        pytest.param({"authorization_endpoint": None}, "unreachable", id="it has no sign-in page"),
        pytest.param(
            {"authorization_endpoint": "http://id.example.org/authorize"}, "untrusted", id="its page has no TLS"
        ),
        pytest.param({"authorization_endpoint": "javascript:alert(1)"}, "untrusted", id="its page is a script"),
        pytest.param({"end_session_endpoint": "http://["}, "untrusted", id="its way out is no address"),
    ],
)
def test_an_issuer_that_is_none_is_not_asked(
    visit: Visit, issuer: Issuer, document: dict[str, Any], reason: str
) -> None:
    issuer.document = document
    assert visit("/login").failure == reason


def test_what_the_issuer_says_is_not_fetched_from_elsewhere(
    visit: Visit, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect may lead to who is not the issuer, or away from TLS, because of which its tokens are believed."""

    class Moved(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", issuer.url + self.path)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Moved) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        issuer.document = {"issuer": url}
        monkeypatch.setenv("ISSUER", url)
        config.settings.cache_clear()
        assert visit("/login").failure == "unreachable"
        server.shutdown()


@pytest.mark.parametrize("claims", [{"azp": ["dashboard"]}, {"azp": {}}, {"client_id": [1]}, {"cid": {"a": 1}}])
def test_claims_of_odd_types_are_no_fault_of_ours(visit: Visit, issuer: Issuer, claims: dict[str, Any]) -> None:
    issuer.claims = claims
    begun = visit("/login")
    visit("/callback", cookies=kept(begun), **at_the_issuer(begun, KARI))


@pytest.mark.parametrize("blank", ["\xa0", "\x85", "\u2000"])
def test_a_sign_in_that_another_host_may_have_begun_is_not_finished(visit: Visit, blank: str) -> None:
    """Else somebody would be signed in as whoever made them visit the callback."""
    begun = visit("/login")
    theirs = {blank + name: value for name, value in kept(begun).items()}
    assert visit("/callback", cookies=theirs, **at_the_issuer(begun, KARI)).failure == "stale"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("http://127.0.0.1:1", "unreachable", id="nobody answers"),
        pytest.param("http://id.example.org", "untrusted", id="it has no TLS"),
    ],
)
def test_an_issuer_that_can_not_be_asked(visit: Visit, monkeypatch: pytest.MonkeyPatch, url: str, reason: str) -> None:
    monkeypatch.setenv("ISSUER", url)
    config.settings.cache_clear()
    assert visit("/login").failure == reason


def signed_out(visit: Visit, **says: str) -> Answer:
    return visit("/logout/issuer", "POST", says={"sec-fetch-site": "same-origin", **says})


def test_signing_out_leads_to_the_issuer_on_demand(visit: Visit, issuer: Issuer) -> None:
    there = signed_out(visit)
    assert there.status == 200
    assert there.location.startswith(f"{issuer.url}/logout?")
    assert there.query["client_id"] == "dashboard"
    assert there.query["logout_uri"] == there.query["post_logout_redirect_uri"] == f"https://{HOST}/signed-out"
    # For a browser that follows no Refresh.
    assert escape(there.location) in there.body
    # Nobody stays signed in here whom the issuer has forgotten.
    assert there.cookies == {SESSION_COOKIE: None}


@pytest.mark.parametrize(
    "says",
    [
        pytest.param({"sec-fetch-site": "cross-site"}, id="another site"),
        pytest.param({"sec-fetch-site": "same-site"}, id="a host beside ours"),
        pytest.param({"sec-fetch-site": "none"}, id="no page"),
        pytest.param({"sec-fetch-site": "", "origin": "https://evil.example.com"}, id="an old browser"),
        pytest.param({"sec-fetch-site": "", "origin": "null"}, id="a sandbox"),
        pytest.param({"sec-fetch-site": "", "origin": "http://["}, id="a broken Origin"),
    ],
)
def test_no_other_page_ends_the_session_at_the_issuer(visit: Visit, says: dict[str, str]) -> None:
    answer = signed_out(visit, **says)
    assert (answer.status, answer.location, answer.cookies) == (403, "", {})


def test_a_link_ends_no_session_at_the_issuer(visit: Visit, issuer: Issuer) -> None:
    for path in ("/logout", "/logout/issuer"):
        for method in ("GET", "HEAD"):
            answer = visit(path, method)
            assert not answer.location.startswith(f"{issuer.url}/logout"), (method, path)
            assert SESSION_COOKIE not in answer.cookies


def test_a_token_for_several_that_we_asked_for_lets_in(visit: Visit, issuer: Issuer) -> None:
    issuer.claims = {"aud": ["others", "dashboard"], "azp": "dashboard"}
    assert signed_in(visit).holder.name == KARI


def test_an_issuer_that_nobody_can_sign_out_of(visit: Visit, issuer: Issuer) -> None:
    issuer.document = {"end_session_endpoint": None}
    assert signed_out(visit).location == "/signed-out"


def test_an_address_of_the_issuers_may_have_parameters_of_its_own(visit: Visit, issuer: Issuer) -> None:
    issuer.document = {"authorization_endpoint": f"{issuer.url}/authorize?policy=people"}
    begun = visit("/login")
    assert begun.location.startswith(f"{issuer.url}/authorize?policy=people&response_type=code&")
    assert visit("/callback", cookies=kept(begun), **at_the_issuer(begun, KARI)).failure is None


@pytest.mark.parametrize("error", ["halyna@example.org", "a b", "X" * 30, "x" * 41])
def test_what_somebody_writes_in_an_address_is_not_logged(
    visit: Visit, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    begun = visit("/login")
    state = begun.query["state"]
    assert visit("/callback", cookies=kept(begun), error=error, state=state).failure == "refused"
    assert error not in str([vars(record) for record in caplog.records])
    assert visit("/callback", cookies=kept(begun), error="access_denied", state=state).failure == "refused"
    assert "access_denied" in str(vars(caplog.records[-1]))
