"""Requests to the HTTP API that make one part of it stumble over another."""

import json
from base64 import urlsafe_b64encode
from urllib.parse import urlsplit
from uuid import uuid4

from ingestion.sign_in.session_cookies import SESSION_COOKIE
from tests.attacks.attack import Attack, Outcome, Target, refused, together
from tests.attacks.uploads import decided, put
from tests.attacks.wire import Answer, ask, say
from tests.sign_in.issuer import sent_back

BEYOND = (
    ["newest", ["0001-01-01T00:00:00+14:00", str(uuid4())]],
    ["newest", ["9999-12-31T23:59:59-14:00", str(uuid4())]],
)
PAGE = {"Accept": "text/html"}
KARI = "kari@example.org"


def get(target: Target, path: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(target.system.aws.api_port, "GET", path, {**target.token_of("imports.read"), **named})


def cursor(key: object) -> str:
    return urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def answers_of_others(target: Target) -> Outcome:
    """Cursors that no SQL statement can use must not spoil the answers to later requests."""
    s3 = target.system.client("s3")
    versions = [put(target, s3, f"incoming/kintell_users/{uuid4()}.csv") for _ in range(2)]
    batches = [decided(target, version)["batchId"] for version in versions]
    hostile = [get(target, f"/v1/import/batches?cursor={cursor(key)}") for key in BEYOND * 3]
    wrong = 0
    for batch in batches * 4:
        answer = get(target, f"/v1/import/batches/{batch}")
        wrong += answer.status != 200 or answer.json.get("batchId") != batch
    statuses = sorted({answer.status for answer in hostile})
    return Outcome(f"cursors {statuses}, {wrong} of 8 later answers wrong", statuses == [422] and not wrong)


def malformed_headers(target: Target) -> Outcome:
    """Without a token: a malformed header must not cause a server error."""
    port = target.system.aws.api_port
    answers = {
        "Origin": ask(port, "POST", "/sign-out", {**PAGE, "Origin": "http://["}, b""),
        "HX_Current_URL": ask(port, "GET", "/", {**PAGE, "HX-Request": "true", "HX-Current-URL": "http://["}),
        "Cookie": ask(port, "GET", "/", {**PAGE, "Cookie": "=;;\xff=\xfe; kintell=.."}),
    }
    held = all(answer.status < 500 for answer in answers.values())
    return Outcome(", ".join(f"{name} {answer.status}" for name, answer in answers.items()), held)


def protecting_headers(target: Target) -> Outcome:
    """Every page has them, and the API's documentation and JSON too. HSTS needs https, which is not used here."""
    missing = [
        f"{name} of {path}"
        for path in ("/", "/docs", "/openapi.json", "/health", "/no-such-page")
        for name in ("content-security-policy", "x-content-type-options", "cross-origin-resource-policy")
        if not get(target, path).headers.get(name)
    ]
    framed = [path for path in ("/", "/docs") if not _is_unframed(get(target, path))]
    found = missing + [f"frame protection of {path}" for path in framed]
    return Outcome(f"missing: {', '.join(found)}" if found else "all there", not found)


def _is_unframed(answer: Answer) -> bool:
    policy = answer.headers.get("content-security-policy") or ""
    return "frame-ancestors 'none'" in policy or bool(answer.headers.get("x-frame-options"))


def link_to_another_host(target: Target) -> Outcome:
    """A path that a browser reads as a host when a page repeats it as a link."""
    answer = get(target, "//evil.example/%2e%2e", Accept="text/html")
    where = answer.headers.get("location") or ""
    is_led_away = b'="//evil' in answer.body or where.startswith(("//", "http://evil", "https://evil"))
    return Outcome(f"{answer.status}{' with a link to it' if is_led_away else ''}", not is_led_away)


def no_token(target: Target) -> Outcome:
    port = target.system.aws.api_port
    unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwiZ3JvdXBzIjpbImltcG9ydHMucmVhZCJdfQ."
    return together(
        none=ask(port, "GET", "/v1/import/batches"),
        unsigned=ask(port, "GET", "/v1/import/batches", {"Authorization": f"Bearer {unsigned}"}),
        garbage=ask(port, "GET", "/v1/import/batches", {"Authorization": "Bearer x"}),
    )


def another_right(target: Target) -> Outcome:
    """Names that only look like rights."""
    near = ("imports.read imports.write", "IMPORTS.WRITE", "imports.write,errors.read", "/imports.write")
    body = b'{"fileName": "mentors-ukraine-2024-11.csv"}'
    headers = {"Content-Type": "application/json", **target.token_of(*near)}
    return refused(ask(target.system.aws.api_port, "POST", "/v1/import/uploads", headers, body), 403)


def cookie_of(target: Target, who: str) -> str:
    """The session cookie of somebody who signs in with a browser."""
    port = target.system.aws.api_port
    begun = ask(port, "GET", "/login")
    entry = begun.headers["set-cookie"].partition(";")[0]
    back = urlsplit(sent_back(begun.headers["location"], who))
    ended = ask(port, "GET", f"{back.path}?{back.query}", {"Cookie": entry})
    cookies = (text.partition(";")[0] for text in ended.headers.get_all("set-cookie", []))
    return next(cookie for cookie in cookies if cookie.startswith(SESSION_COOKIE))


def cookie_of_another_host(target: Target) -> Outcome:
    """Browsers let another host set a cookie whose name becomes __Host-session only after spaces are stripped."""
    shown, port = cookie_of(target, KARI).encode(), target.system.aws.api_port
    head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\nCookie: a=b; ".encode()
    statuses = {
        blank: say(port, head + blank + shown + b"\r\n\r\n").split(b" ")[1].decode()
        for blank in (b"\xa0", b"\x85", b"\xc2\xa0", b"\xe2\x80\x80", b"\x1f")
    }
    return Outcome(", ".join(statuses.values()), set(statuses.values()) <= {"303", "400"})


def link_to_rows(target: Target) -> Outcome:
    """A link on another site's page would put whoever follows it into the audit trail."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", **PAGE}
    if target.issuer:
        headers["Cookie"] = cookie_of(target, KARI)
    paths = [f"/batches/{uuid4()}/{what}" for what in ("errors", "rejected")]
    led = [ask(target.system.aws.api_port, "GET", path, headers).headers.get("location") for path in paths]
    return Outcome(f"led to {led}", led == [path.rpartition("/")[0] for path in paths])


def link_to_the_way_out(target: Target) -> Outcome:
    """A picture or a link on another page, and a form there: who is signed in stays so, here and at the issuer."""
    port, cookie = target.system.aws.api_port, cookie_of(target, KARI) if target.issuer else ""
    shown = {"Cookie": cookie, **PAGE} if cookie else PAGE
    led = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", **shown}
    said, held = [], True
    for path in ("/logout", "/logout/issuer"):
        link, form = ask(port, "GET", path, led), ask(port, "POST", path, led, b"")
        where = link.headers.get("location") or link.headers.get("refresh") or ""
        said.append(f"{path} {link.status} {form.status}")
        held = held and form.status == 403 and ":" not in where and not link.headers.get("set-cookie")
    after = ask(port, "GET", "/", shown).status
    return Outcome(f"{', '.join(said)}, then / {after}", held and after == 200)


ATTACKS = (
    Attack("malformed headers", malformed_headers),
    Attack("pages without protecting headers", protecting_headers),
    Attack("a path that is a link to another host", link_to_another_host),
    Attack("the API without a valid token", no_token, needs_sign_in=True),
    Attack("rights under similar names", another_right, needs_sign_in=True),
    Attack("a session cookie that another host has set", cookie_of_another_host, needs_sign_in=True),
    Attack("a link on another page to rejected rows", link_to_rows),
    Attack("a link or a form on another page that signs people out", link_to_the_way_out),
    # Last: a system that does not hold answers nobody rightly any more.
    Attack("cursors that break the exchange with the database", answers_of_others),
)
