"""A session cookie opens pages, each with its right, no route of the API, and nothing once it has expired."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.app import _routes, handler
from dashboard.sign_in_pages import REASONS
from ingestion import config
from ingestion.sign_in.actors import Actor, ActorKind
from ingestion.sign_in.rights import Right
from ingestion.sign_in.session_cookies import SESSION_COOKIE, SessionCookie, issue, seal
from tests.api.api_calls import CONTEXT, Answer, Call, event
from tests.api.conftest import Place, read_cookie_key
from tests.api.html import Html
from tests.api.test_api_rights import OPERATIONS
from tests.api.world import WORK, World

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "host": "api.example.org"}
KEY = b"a key that nobody else has"
KARI = "kari@example.org"
HOLDER = Actor(kind=ActorKind.PERSON, name=KARI, issuer="https://id.example.org", subject="6b0e")
ALL = tuple(right.value for right in Right)
OPEN = ("/signed-out", "/sign-in-failed")

Browse = Callable[..., Answer]


@pytest.fixture(scope="module")
def key_is_there(environment: pytest.MonkeyPatch) -> None:
    """The function finds what passes are signed with."""
    read_cookie_key(KEY)


@pytest.fixture
def browse(api: Call, key_is_there: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browse]:
    """Asks for a page as a browser does, with a session cookie for these rights; without one for None."""
    for name, value in {
        "AUTHENTICATION": "oidc",
        "ISSUER": "https://id.example.org",
        "AUDIENCE": "kintell-api",
        "COMMAND_LINE_CLIENT_ID": "kintell-cli",
    }.items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()

    def browse(path: str, rights: tuple[str, ...] | None = ALL, method: str = "GET", **more: Any) -> Answer:
        cookies = [] if rights is None else [f"{SESSION_COOKIE}={cookie_for(*rights)}"]
        headers = {**BROWSER, **more.pop("headers", {})}
        return api(method, path, headers=headers, cookies=more.pop("cookies", ["lang=en", *cookies]), **more)

    yield browse
    config.settings.cache_clear()


def cookie_for(*rights: str, expires_in: int = 600, key: bytes = KEY) -> str:
    given = frozenset(map(Right, rights))
    return issue(key, SessionCookie(id=uuid4(), holder=HOLDER, rights=given, expires_at=int(time.time()) + expires_in))


def pages() -> list[tuple[str, str]]:
    """Every page by an address that is of its kind, and the right that it needs; found among the routes themselves."""
    found = []
    for route in _routes():
        if route.method != "GET" or route.path.startswith(
            ("/v1/", "/assets/", "/openapi", "/health", "/docs", "/logout", *OPEN)
        ):
            continue
        path = route.path.replace("<version>", "1").replace("<rowNumber>", "1")
        for name in ("batchId", "uploadId", "sessionId", "slug"):
            path = path.replace(f"<{name}>", str(UUID(int=1)))
        ((right,),) = (one["token"] for one in route.security or [{"token": ["imports.read"]}])
        found.append((path, right))
    return found


every_page = pytest.mark.parametrize(("path", "right"), pages())


def test_the_pages_are_all_there_is_beside_the_api() -> None:
    assert {"/", "/drop", "/drop/guess", "/lineage", "/programmes"} <= {path for path, _ in pages()}
    assert {right for _, right in pages()} == set(ALL)


@every_page
def test_a_browser_without_a_session_cookie_is_led_to_where_it_gets_one(browse: Browse, path: str, right: str) -> None:
    answer = browse(path, None)
    assert (answer.status, answer.headers["Location"]) == (303, f"/login?back={path.replace('/', '%2F')}")


@every_page
def test_whoever_is_no_browser_is_refused(browse: Browse, path: str, right: str) -> None:
    assert browse(path, None, headers={"accept": "*/*"}).is_problem(401, "unauthenticated")


@every_page
def test_without_its_right_a_page_is_not_shown(browse: Browse, path: str, right: str) -> None:
    answer = browse(path, tuple(other for other in ALL if other != right))
    assert answer.status == 403
    page = Html(answer.text)
    assert page.keeps_to_the_policy()
    assert right in page.text
    assert f"You are signed in as {KARI}" in page.text


@every_page
def test_with_its_right_a_page_is_shown(browse: Browse, path: str, right: str) -> None:
    assert browse(path, (right,)).status in (200, 404)


def test_the_log_tells_visitors_apart_and_names_none(browse: Browse, caplog: pytest.LogCaptureFixture) -> None:
    context = {"stage": "$default", "requestId": "JKJaXmPLvHcESHA=", "http": {"method": "GET", "path": "/"}}
    caplog.set_level("INFO")
    for who in (KARI, KARI, "ole@example.org"):
        holder = HOLDER.model_copy(update={"name": who, "subject": who})
        shown = issue(
            KEY, SessionCookie(id=uuid4(), holder=holder, rights=frozenset(Right), expires_at=int(time.time()) + 600)
        )
        browse("/", cookies=[f"{SESSION_COOKIE}={shown}"], requestContext=context)
    browse("/", None, requestContext=context)
    lines = [vars(record) for record in caplog.records if record.message == "asked with a session cookie"]
    assert [line["gateway_request"] for line in lines] == ["JKJaXmPLvHcESHA="] * 3
    first, second, other = (line["visitor"] for line in lines)
    assert first == second != other
    assert "@example.org" not in str(lines)


def test_a_way_back_keeps_what_was_asked_for(browse: Browse) -> None:
    answer = browse("/", None, query={"show": "failed", "programme": "mfu"})
    assert answer.headers["Location"] == "/login?back=%2F%3Fshow%3Dfailed%26programme%3Dmfu"


def test_a_part_of_a_page_leads_the_whole_page_to_sign_in(browse: Browse) -> None:
    where = {"accept": "*/*", "hx-request": "true", "hx-current-url": "https://api.example.org/batches/1?lang=nb"}
    answer = browse(f"/batches/{UUID(int=1)}/live", None, headers=where)
    assert (answer.status, answer.headers["HX-Redirect"]) == (401, "/login?back=%2Fbatches%2F1%3Flang%3Dnb")


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param(cookie_for(*ALL, expires_in=-1), id="over"),
        pytest.param(cookie_for(*ALL, key=b"another key"), id="signed by somebody else"),
        pytest.param(
            cookie_for("imports.read").partition(".")[0] + "." + cookie_for(*ALL).partition(".")[2], id="changed"
        ),
        pytest.param(seal(KEY, "entry", {"name": KARI, "rights": ALL, "expires_at": 2**40}), id="for something else"),
        pytest.param(cookie_for(*ALL).partition(".")[0], id="not signed"),
        pytest.param(
            seal(KEY, "session", {"name": KARI, "rights": ALL, "expires_at": 2**40}), id="of a release before"
        ),
        pytest.param("ø.ø", id="rubbish"),
        pytest.param("", id="empty"),
    ],
)
def test_a_session_cookie_that_does_not_hold_is_none(browse: Browse, cookie: str) -> None:
    assert browse("/", cookies=[f"{SESSION_COOKIE}={cookie}"]).status == 303


@pytest.mark.parametrize("blank", ["\xa0", "\x85", "\u2000", "\u3000", "\x1f", "\x0b"])
@pytest.mark.parametrize("in_header", [True, False])
def test_a_cookie_that_another_host_may_have_set_is_no_session_cookie(
    browse: Browse, blank: str, in_header: bool
) -> None:
    """Browsers keep the prefix __Host- to this host, but not a name that becomes it only here."""
    cookie = f"{blank}{SESSION_COOKIE}={cookie_for(*ALL)}"
    more: dict[str, Any] = (
        {"headers": {"cookie": f"a=b; {cookie}"}, "cookies": []} if in_header else {"cookies": [cookie]}
    )
    assert browse("/", **more).status == 303


def test_of_two_passes_neither_counts(browse: Browse) -> None:
    """A browser keeps one; whoever smuggles in another would choose as whom somebody uploads."""
    ours, theirs = (f"{SESSION_COOKIE}={cookie_for(*ALL)}" for _ in range(2))
    assert browse("/", cookies=[ours, theirs]).status == 303
    assert browse("/", cookies=[ours, ours]).status == 200


@pytest.mark.parametrize("method", ["get", "Get"])
def test_a_method_in_other_letters_needs_the_same_right(browse: Browse, method: str) -> None:
    assert browse("/drop", ("imports.read",), method).status == 403


@pytest.mark.parametrize("method", ["post", "Post"])
def test_a_method_in_other_letters_is_no_way_round_whose_page_it_is(browse: Browse, method: str) -> None:
    headers = {"sec-fetch-site": "cross-site", "content-type": "application/json"}
    answer = browse("/drop/uploads", ALL, method, headers=headers, body='{"fileName": "a.csv"}')
    assert answer.is_problem(403, "forbidden")


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in OPERATIONS if path != "/health"])
def test_a_session_cookie_opens_no_route_of_the_api(browse: Browse, method: str, path: str) -> None:
    answer = browse(path, method=method.upper(), headers={"sec-fetch-site": "same-origin"})
    assert answer.is_problem(401, "unauthenticated")
    assert browse("/openapi.json").is_problem(401, "unauthenticated")


def test_the_document_is_readable_with_any_session_cookie(browse: Browse) -> None:
    assert browse("/docs", ()).status == 200
    assert browse("/docs", None).status == 303


@pytest.mark.parametrize("path", [*OPEN, *(f"/sign-in-failed?reason={reason}" for reason in (*REASONS, "<b>"))])
def test_who_is_not_signed_in_reads_so_without_a_session_cookie(browse: Browse, path: str) -> None:
    path, _, reason = path.partition("?reason=")
    for language in ("en", "nb"):
        answer = browse(path, None, query={"reason": reason}, headers={"accept-language": language}, cookies=[])
        page = Html(answer.text)
        assert answer.status == (200 if path == "/signed-out" else 400)
        assert page.keeps_to_the_policy()
        assert "/login" in {link["href"] for link in page.all("a")}
        assert "/drop" not in {link["href"] for link in page.all("a")}


def test_its_style_is_there_before_anybody_signs_in(browse: Browse) -> None:
    styles = [
        link["href"] for link in Html(browse("/signed-out", None).text).all("link") if link["rel"] == "stylesheet"
    ]
    assert styles
    for style in styles:
        assert handler(event("GET", style, headers=BROWSER), CONTEXT)["headers"]["Content-Type"].startswith("text/css")


# What is shown --------------------------------------------------------------------------------------------------------


@pytest.fixture
def batch(world: World) -> UUID:
    """One with rejected rows."""
    world.instance("mentors-ukraine-2024-q4")
    summary = [{"code": "E001", "category": "validation", "field": "participant_email", "count": 2}]
    return world.batch(error_file_key="errors/x.csv", error_summary=summary)


def offered(answer: Answer) -> set[str]:
    """Where a page leads, and what parts it would ask for."""
    html = Html(answer.text)
    assert html.keeps_to_the_policy()
    return {one[name] for _, one in html.elements for name in ("href", "hx-get", "action") if name in one}


@pytest.mark.parametrize(
    ("rights", "there", "missing"),
    [
        pytest.param(ALL, {"/drop", "errors", "rejected", "/drop?parent="}, set(), id="every right"),
        pytest.param(("imports.read",), set(), {"/drop", "errors", "rejected", "/drop?parent="}, id="may read"),
        pytest.param(
            ("imports.read", "imports.write"), {"/drop", "/drop?parent="}, {"errors", "rejected"}, id="may upload too"
        ),
        pytest.param(
            ("imports.read", "errors.read"), {"errors", "rejected"}, {"/drop", "/drop?parent="}, id="errors too"
        ),
    ],
)
def test_a_batch_offers_what_its_reader_may_do(
    browse: Browse, batch: UUID, rights: tuple[str, ...], there: set[str], missing: set[str]
) -> None:
    def address(short: str) -> str:
        return {"errors": f"/batches/{batch}/errors", "rejected": f"/batches/{batch}/rejected"}.get(
            short, f"{short}{batch}" if short.endswith("=") else short
        )

    answer = browse(f"/batches/{batch}", rights)
    found = offered(answer)
    assert {address(each) for each in there} <= found
    assert not {address(each) for each in missing} & found
    assert ("errors.read" in answer.text) == ("errors.read" not in rights)
    # How many there are of which fault is about nobody.
    assert "Not an email address" in answer.text


def test_an_empty_list_offers_no_upload_to_who_may_not(browse: Browse, world: World) -> None:
    assert "/drop" in offered(browse("/"))
    assert "/drop" not in offered(browse("/", ("imports.read",)))


def test_who_may_only_upload_is_led_nowhere_else(browse: Browse, world: World) -> None:
    found = offered(browse("/drop", ("imports.write",)))
    assert "/drop" in found
    assert not {"/lineage", "/programmes"} & found


def test_who_may_only_upload_reads_no_batch_s_name(browse: Browse, batch: UUID) -> None:
    answer = browse("/drop", ("imports.write",), query={"parent": str(batch)})
    assert answer.status == 403
    assert "imports.read" in answer.text
    assert browse("/drop", ("imports.write", "imports.read"), query={"parent": str(batch)}).status == 200


def test_who_is_signed_in_stands_on_every_page_with_a_way_out(browse: Browse, world: World) -> None:
    answer = browse("/")
    assert "/logout" in offered(answer)
    assert f"Signed in as {KARI}" in answer.text
    assert "Local system" not in answer.text


def test_locally_nobody_signs_in_and_the_page_says_so(api: Call, world: World) -> None:
    answer = api("GET", "/", headers=BROWSER)
    assert not {"/login", "/logout"} & offered(answer)
    assert "Local system: no sign-in" in answer.text
    assert "/drop" in offered(answer)


# What is done ---------------------------------------------------------------------------------------------------------


def announce(browse: Browse, rights: tuple[str, ...] | None, **headers: str) -> Answer:
    body = json.dumps({"fileName": "mentors-ukraine-2024-11.csv"})
    return browse(
        "/drop/uploads",
        rights,
        "POST",
        body=body,
        headers={"content-type": "application/json", "accept": "application/json", **headers},
    )


@pytest.mark.parametrize(
    "own",
    [
        pytest.param({"sec-fetch-site": "same-origin", "origin": "https://imports.example.org"}, id="by another name"),
        pytest.param({"origin": "https://api.example.org"}, id="in an old browser"),
    ],
)
def test_a_dropped_file_is_announced_by_who_is_signed_in(
    browse: Browse, emptied: None, place: Place, own: dict[str, str]
) -> None:
    answer = announce(browse, ("imports.write",), **own)
    assert answer.status == 201, answer.text
    ((uploaded_by,),) = place.db.run("SELECT uploaded_by FROM uploads")
    assert uploaded_by == KARI


@pytest.mark.parametrize(
    ("rights", "status", "code"), [(None, 401, "unauthenticated"), (("imports.read",), 403, "forbidden")]
)
def test_nobody_else_announces_one(
    browse: Browse, place: Place, rights: tuple[str, ...] | None, status: int, code: str
) -> None:
    assert announce(browse, rights).is_problem(status, code)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"sec-fetch-site": "cross-site"}, id="from another site"),
        pytest.param({"sec-fetch-site": "same-site"}, id="from a neighbour"),
        pytest.param({"sec-fetch-site": "none"}, id="from nowhere"),
        pytest.param({"origin": "https://evil.example.com"}, id="from another origin"),
        pytest.param({"origin": "null"}, id="from an origin that hides"),
    ],
)
def test_no_page_of_somebody_elses_has_a_browser_announce_one(
    browse: Browse, place: Place, headers: dict[str, str]
) -> None:
    assert announce(browse, ALL, **headers).is_problem(403, "forbidden")
    assert place.db.run("SELECT count(*) FROM uploads") == [[0]]


def test_a_form_of_somebody_elses_is_not_understood(browse: Browse) -> None:
    answer = browse("/drop/uploads", ALL, "POST", body="{}", headers={"content-type": "text/plain"})
    assert answer.is_problem(415, "unsupported_media_type")


def test_a_download_from_a_page_is_audited(browse: Browse, batch: UUID, place: Place) -> None:
    answer = browse(f"/batches/{batch}/errors", ("errors.read",))
    assert answer.status == 302
    assert WORK in answer.headers["Location"]
    assert place.db.run("SELECT actor, actor_kind, actor_issuer, actor_subject, action FROM audit_logs") == [
        [KARI, "person", HOLDER.issuer, HOLDER.subject, "error_file_downloaded"]
    ]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "none, same-origin"])
def test_no_link_of_somebody_elses_makes_a_look_at_rows_anybodys(
    browse: Browse, batch: UUID, place: Place, site: str
) -> None:
    """A browser follows it with the session cookie. It ends where they can ask for the rows themselves."""
    for path, page in {
        f"/batches/{batch}/errors": f"/batches/{batch}",
        f"/batches/{batch}/rejected": f"/batches/{batch}",
        "/sessions/1/rows/1": "/sessions/1",
    }.items():
        answer = browse(path, ALL, headers={"sec-fetch-site": site, "sec-fetch-mode": "navigate"})
        assert (answer.status, answer.headers["Location"]) == (303, page)
    assert browse(f"/batches/{batch}", ALL, headers={"sec-fetch-site": site}).status == 200
    assert place.db.run("SELECT count(*) FROM audit_logs") == [[0]]


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_page_of_ours_and_who_types_its_address_have_the_rows(browse: Browse, batch: UUID, site: str) -> None:
    assert browse(f"/batches/{batch}/errors", ALL, headers={"sec-fetch-site": site}).status == 302


def test_locally_a_link_of_somebody_elses_takes_no_error_file(api: Call, batch: UUID, place: Place) -> None:
    headers = {"accept": "text/html", "sec-fetch-site": "cross-site"}
    assert api("GET", f"/v1/import/backfill/{batch}/errors", headers=headers).is_problem(403, "forbidden")
    assert api("GET", f"/batches/{batch}/errors", headers=headers).headers["Location"] == f"/batches/{batch}"
    assert place.db.run("SELECT count(*) FROM audit_logs") == [[0]]


@pytest.mark.parametrize(
    ("actor", "kind", "shown"),
    [
        pytest.param("kintell-ingest", "system", "by the system", id="the system"),
        pytest.param("kintell-ingest", "person", "by kintell-ingest", id="somebody who is called so"),
        pytest.param("local", "person", "by local", id="somebody who is called as a machine's user"),
        pytest.param("loader", "program", "by loader (program)", id="a program"),
        pytest.param("123456789012", "aws", "by AWS account 123456789012", id="an account"),
    ],
)
def test_a_page_tells_actors_apart_by_their_kind(
    browse: Browse, batch: UUID, world: World, actor: str, kind: str, shown: str
) -> None:
    subject = "x" if kind in ("person", "program") else None
    who = {"actor": actor, "actor_kind": kind, "actor_subject": subject}
    world.audit("import_completed", resource_type="batch", resource_id=batch, batch_id=batch, **who)
    page = Html(browse(f"/batches/{batch}").text)
    assert shown in page.text.split("Audit trail")[-1]
    assert ("title" in str(page.all("span"))) == (subject is not None) or "x at –" in str(page.all("span"))


# Signing out ----------------------------------------------------------------------------------------------------------


def signed_out(browse: Browse, cookies: list[str], **headers: str) -> Answer:
    return browse("/logout", None, "POST", cookies=cookies, headers={"sec-fetch-site": "same-origin", **headers})


def test_after_signing_out_no_copy_of_the_session_cookie_opens_anything(
    browse: Browse, world: World, place: Place
) -> None:
    cookies, others = ([f"{SESSION_COOKIE}={cookie_for(*ALL)}"] for _ in range(2))
    assert browse("/", cookies=cookies).status == 200
    answer = signed_out(browse, cookies)
    assert (answer.status, answer.headers["Location"]) == (303, "/signed-out")
    (cookie,) = answer.cookies
    assert cookie.startswith(f"{SESSION_COOKIE}=;")
    assert {"Path=/", "Max-Age=0", "Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    for path, right in pages():
        assert browse(path, cookies=cookies).status == 303, (path, right)
    assert browse("/docs", cookies=cookies).status == 303
    # Whoever has signed in anew, or elsewhere, stays so.
    assert browse("/", cookies=others).status == 200
    assert place.db.run("SELECT count(*), min(expires_at) > now() FROM revoked_cookies") == [[1, True]]


def test_signing_out_twice_or_without_a_session_cookie_is_no_error(browse: Browse, place: Place) -> None:
    cookies = [f"{SESSION_COOKIE}={cookie_for()}"]
    for shown in (
        cookies,
        cookies,
        [],
        [f"{SESSION_COOKIE}=rubbish"],
        [f"{SESSION_COOKIE}={cookie_for(key=b'another')}"],
    ):
        assert signed_out(browse, shown).headers["Location"] == "/signed-out"
    assert browse("/docs", cookies=cookies).status == 303


def test_no_page_of_somebody_elses_signs_anybody_out(browse: Browse, world: World) -> None:
    cookies = [f"{SESSION_COOKIE}={cookie_for(*ALL)}"]
    assert signed_out(browse, cookies, **{"sec-fetch-site": "cross-site"}).is_problem(403, "forbidden")
    assert browse("/", cookies=cookies).status == 200


def test_a_link_signs_nobody_out(browse: Browse, world: World) -> None:
    cookies = [f"{SESSION_COOKIE}={cookie_for(*ALL)}"]
    answer = browse("/logout", cookies=cookies)
    assert (answer.status, answer.headers["Location"], answer.cookies) == (303, "/", ())
    assert browse("/", cookies=cookies).status == 200


def test_the_way_out_of_the_issuer_is_a_button(browse: Browse) -> None:
    page = Html(browse("/signed-out", None).text)
    (form,) = [form for form in page.all("form") if form["action"] == "/logout/issuer"]
    assert form["method"] == "post"
    assert not [link for link in page.all("a") if "logout" in link["href"]]


def test_a_session_cookie_that_can_not_be_revoked_is_not_said_to_be(
    browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_SECRET_ARN", "nowhere")
    config.settings.cache_clear()
    answer = signed_out(browse, [f"{SESSION_COOKIE}={cookie_for()}"])
    assert answer.status == 503
    assert not answer.cookies


def test_while_nobody_knows_what_was_revoked_no_page_is_shown(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_SECRET_ARN", "nowhere")
    config.settings.cache_clear()
    answer = browse("/docs")
    assert answer.status == 503
    assert Html(answer.text).keeps_to_the_policy()


def test_locally_there_is_nothing_to_sign_out_of(api: Call) -> None:
    headers = {**BROWSER, "sec-fetch-site": "same-origin"}
    assert api("POST", "/logout", headers=headers, cookies=[f"{SESSION_COOKIE}={cookie_for()}"]).status == 303


def test_locally_a_link_to_the_way_out_leads_to_the_imports(api: Call) -> None:
    answer = api("GET", "/logout", headers=BROWSER)
    assert (answer.status, answer.headers["Location"]) == (303, "/")


def test_health_says_where_the_command_line_logs_in(browse: Browse) -> None:
    assert browse("/health", None).body["signIn"] == {
        "issuer": "https://id.example.org",
        "clientId": "kintell-cli",
        "scopes": "openid email",
        "audience": "kintell-api",
    }
