"""Connections to the API and to the storage behind its links, and the messages when they fail."""

import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from cli.command_errors import Unreachable

TIMEOUT_SECONDS: Final = 60
BLOCK_BYTES: Final = 1 << 18
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def is_private(url: str) -> bool:
    """Whether nobody else can read what is sent there: it uses TLS or stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def is_here(url: str) -> bool:
    """Whether the address leads to this machine."""
    return urlsplit(url).hostname in LOOPBACK


def connect(url: str) -> HTTPConnection:
    """A connection to the host of *url*, not yet open; https goes through the proxy that the environment names."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
    proxy = _proxy_for(host)
    if proxy is None:
        return HTTPSConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
    connection = HTTPSConnection(proxy.hostname or "", proxy.port, timeout=TIMEOUT_SECONDS)
    connection.set_tunnel(host, parts.port or 443, headers=_proxy_headers(proxy))
    return connection


def ask(method: str, url: str, headers: Mapping[str, str], body: bytes | None, what: str) -> tuple[HTTPResponse, bytes]:
    """An answer and its whole content. Raises Unreachable if the *what* can't be reached."""
    with reaching(url, what):
        connection = connect(url)
        try:
            connection.request(method, target(url), body, headers)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


def target(url: str) -> str:
    """The target of a request line: path and query, unchanged, since a presigned link signs them."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@contextmanager
def reaching(url: str, what: str) -> Iterator[None]:
    """Explain in one sentence why the *what* can't be reached. Raises Unreachable."""
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc}"
    try:
        yield
    except ConnectionRefusedError as failed:
        if parts.hostname in LOOPBACK and what == "API":
            raise Unreachable(
                f"Nothing answers at {place}. Is the local system running? Start it with make up, "
                "or set KINTELL_API_URL to the API's address."
            ) from failed
        hint = "check KINTELL_API_URL." if what == "API" else "try again in a moment."
        raise Unreachable(f"The {what} at {place} refuses connections; {hint}") from failed
    except socket.gaierror as failed:
        check = "KINTELL_API_URL and the network" if what == "API" else "the network"
        raise Unreachable(f"The host {parts.hostname} was not found; check {check}.") from failed
    except ssl.SSLCertVerificationError as failed:
        why = failed.verify_message
        raise Unreachable(f"The {what} at {place} has a certificate that can't be trusted: {why}.") from failed
    except TimeoutError as failed:
        raise Unreachable(f"The {what} at {place} did not answer in time; try again in a moment.") from failed
    except (OSError, HTTPException) as failed:
        why = os.strerror(failed.errno) if isinstance(failed, OSError) and failed.errno else type(failed).__name__
        raise Unreachable(f"The connection to the {what} at {place} broke ({why}); try again in a moment.") from failed


def _proxy_for(host: str) -> SplitResult | None:
    proxy = getproxies().get("https")
    if not proxy or host in LOOPBACK or proxy_bypass(host):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(pair.encode()).decode()}
