"""Web pages that the user has open, and the requests that they make a browser send to the local system's ports."""

from collections.abc import Iterator
from urllib.parse import urlencode

import psutil

from local.processes import LOOPBACK
from tests.attacks.attack import Attack, Outcome, Target, refused, together
from tests.attacks.wire import Answer, ask, say

EVIL = "http://evil.example"
HEADERS_FRAME = 1
FUNCTION = b'{"FunctionName": "theirs", "Role": "arn:aws:iam::000000000000:role/x", "Handler": "x.y", "Code": {}}'
KEY_IN_ADDRESS = urlencode(
    {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": "test/20260101/eu-north-1/lambda/aws4_request"}
)


def ports(target: Target) -> dict[str, int]:
    return {"API": target.system.aws.api_port, "AWS": target.system.aws.port}


def on_each_port(target: Target, path: str = "/health", method: str = "GET", **headers: str) -> Outcome:
    """The same request on every port; `Sec_Fetch_Site` stands for `Sec-Fetch-Site`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return together(**{name: ask(port, method, path, named) for name, port in ports(target).items()})


def rebinding(target: Target) -> Outcome:
    return together(
        **{name: ask(port, "GET", "/health", {"Host": f"evil.example:{port}"}) for name, port in ports(target).items()}
    )


def other_port(target: Target) -> Outcome:
    return on_each_port(target, Host="127.0.0.1:1")


def two_hosts(target: Target) -> Outcome:
    answers = {
        name: say(port, f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n\r\n".encode())
        for name, port in ports(target).items()
    }
    return together(**{name: answered(heard) for name, heard in answers.items()})


def whole_address(target: Target) -> Outcome:
    answers = {
        name: say(port, f"GET http://evil.example/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        for name, port in ports(target).items()
    }
    return together(**{name: answered(heard) for name, heard in answers.items()})


def web_socket(target: Target) -> Outcome:
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    return together(**{name: ask(port, "GET", "/mqtt", upgrade) for name, port in ports(target).items()})


def http_2(target: Target) -> Outcome:
    """The upgrade from plain HTTP/1.1. In an HTTP/2 answer, 0x88 is status 200 (RFC 7541, Appendix A)."""
    text = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    text += "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    heard = {name: say(port, text.encode() + preface) for name, port in ports(target).items()}
    seen = {
        name: [frame for frame in frames(after_upgrade(each)) if frame[0] == HEADERS_FRAME]
        for name, each in heard.items()
    }
    is_served = {name: any(frame[1][:1] == b"\x88" for frame in each) for name, each in seen.items()}
    said = [f"{name} {'200' if is_served[name] else 'no' if not each else 'an error'}" for name, each in seen.items()]
    return Outcome(", ".join(said), not any(is_served.values()))


def after_upgrade(heard: bytes) -> bytes:
    """What follows the answer 101; empty if the server stays with HTTP/1."""
    head, _, rest = heard.partition(b"\r\n\r\n")
    return rest if b" 101 " in head.partition(b"\r\n")[0] else b""


def frames(heard: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each frame of HTTP/2."""
    while len(heard) >= 9:
        size = int.from_bytes(heard[:3])
        yield heard[3], heard[9 : 9 + size]
        heard = heard[9 + size :]


def answered(heard: bytes) -> Answer:
    """The status of a raw answer; 0 if there is none."""
    parts = heard.split(b" ", 2)
    return Answer(int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0)


def form_to_api(target: Target) -> Outcome:
    headers = {"Origin": EVIL, "Content-Type": "text/plain", **target.token_of("imports.write")}
    body = b'{"fileName": "mentors-ukraine-2024-11.csv"}'
    return refused(ask(target.system.aws.api_port, "POST", "/v1/import/uploads", headers, body), 403)


def frame_of_dashboard(target: Target) -> Outcome:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    return refused(ask(target.system.aws.api_port, "GET", "/", headers), 403)


def function_by_key_in_address(target: Target) -> Outcome:
    path = f"/2015-03-31/functions?{KEY_IN_ADDRESS}"
    headers = {"Content-Type": "text/plain"}
    from_page = ask(target.system.aws.port, "POST", path, {**headers, "Origin": EVIL}, FUNCTION)
    return together(from_page=from_page, from_no_page=ask(target.system.aws.port, "POST", path, headers, FUNCTION))


def query_by_form(target: Target) -> Outcome:
    """Services that accept forms might accept a form from a page."""
    body = b"Action=CreateUser&UserName=theirs&Version=2010-05-08&AWSAccessKeyId=test"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with_key = ask(target.system.aws.port, "POST", "/?AWSAccessKeyId=test", headers, body)
    return together(without_key=ask(target.system.aws.port, "POST", "/", headers, body), with_key=with_key)


def upload_from_another_page(target: Target) -> Outcome:
    """Another page uses a link that the dashboard received."""
    bucket = target.system.stack.uploads_bucket
    link = target.system.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": bucket, "Key": "incoming/theirs.csv"}
    )
    path = link.removeprefix(target.system.aws.url)
    preflight = {"Origin": EVIL, "Access-Control-Request-Method": "PUT"}
    return together(
        preflight=ask(target.system.aws.port, "OPTIONS", path, preflight),
        upload=ask(target.system.aws.port, "PUT", path, {"Origin": EVIL}, b"x"),
        of_a_file=ask(target.system.aws.port, "PUT", path, {"Origin": "null"}, b"x"),
    )


def aws_by_the_other_port(target: Target) -> Outcome:
    """The API's port leads only to the API, whatever the request says."""
    port = target.system.aws.api_port
    target_header = {"X-Amz-Target": "secretsmanager.ListSecrets", "Content-Type": "application/x-amz-json-1.1"}
    up = "/../../../.."
    return together(
        target=ask(port, "POST", "/", target_header, b"{}"),
        form=ask(port, "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, b"Action=ListUsers"),
        dots=ask(port, "POST", f"{up}/_ministack/reset", {}, b"{}"),
        object=ask(port, "GET", f"/{target.system.stack.uploads_bucket}"),
        host=ask(port, "GET", "/", {"Host": f"{target.system.stack.uploads_bucket}.s3.localhost:{port}"}),
    )


def what_else_listens(target: Target) -> Outcome:
    """Nothing else listens on any address in the processes of emulator, functions and database."""
    system = target.system
    known = {(LOOPBACK, port) for port in (system.aws.port, system.aws.api_port, system.database.port)}
    servers = [each for each in psutil.Process().children(recursive=True) if listening(each) & known]
    family = {member for server in servers for member in (server, *server.children(recursive=True))}
    found = {address for member in family for address in listening(member)}
    return Outcome(f"{len(found & known)} ports on loopback, {len(found - known)} others", found == known)


def listening(process: psutil.Process) -> set[tuple[str, int]]:
    """The addresses on which a process listens."""
    try:
        links = process.net_connections("inet")
    except psutil.Error:  # gone meanwhile
        return set()
    return {(link.laddr.ip, link.laddr.port) for link in links if link.status == psutil.CONN_LISTEN}


def switches(target: Target) -> Outcome:
    api = target.system.stack.api_id
    paths = {
        "reset": "/_ministack/reset",
        "config": "/_ministack/config",
        "reset_of_localstack": "/_localstack/state/reset",
        "health": "/_ministack/health",
        "API_beside_its_port": f"/_aws/execute-api/{api}/$default/health",
        "encoded": "/%5Fministack/reset",
    }
    return together(**{name: ask(target.system.aws.port, "POST", path, {}, b"{}") for name, path in paths.items()})


ATTACKS = (
    Attack("DNS rebinding: a host name of theirs that resolves to 127.0.0.1", rebinding),
    Attack("a Host with another port", other_port),
    Attack("two Host headers, one of them right", two_hosts),
    Attack("an absolute URL in the request line", whole_address),
    Attack("a WebSocket", web_socket),
    Attack("an upgrade to HTTP/2", http_2),
    Attack("another page's Origin", lambda target: on_each_port(target, Origin=EVIL)),
    Attack(
        "an Origin that starts like ours", lambda target: on_each_port(target, Origin="http://127.0.0.1.evil.example")
    ),
    Attack("the Origin null of a sandboxed page", lambda target: on_each_port(target, Origin="null")),
    Attack("a picture on another page", lambda target: on_each_port(target, Sec_Fetch_Site="cross-site")),
    Attack("a picture on a page at another port", lambda target: on_each_port(target, Sec_Fetch_Site="same-site")),
    Attack("a form of another page that posts text/plain to the API", form_to_api),
    Attack("the dashboard in another page's frame", frame_of_dashboard),
    Attack("a function created by text/plain with a key in the address", function_by_key_in_address),
    Attack("a user created by a form", query_by_form),
    Attack("an upload by another page, with the dashboard's link", upload_from_another_page),
    Attack("AWS by the API's port", aws_by_the_other_port),
    Attack("the emulator's own switches", switches),
    Attack("other ports that listen", what_else_listens),
)
