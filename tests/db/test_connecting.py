"""The database is verified before anything is sent to it; without a password it gets a token."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ingestion.database import connection as database
from ingestion.database.connection import DatabaseSecret, connect
from ingestion.errors import Unavailable

PASSWORD = "correct horse"  # noqa: S105


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A root, and its key, that is also the certificate of localhost."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a root")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(plain + made.public_bytes(serialization.Encoding.PEM))
    return file


@contextmanager
def server(certificate: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Something that agrees to TLS as PostgreSQL does, asks for the password, and keeps what it got."""
    told: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def answer() -> None:
        with suppress(OSError):
            link, _ = listening.accept()
            link.recv(8)
            link.sendall(b"S")
            with context.wrap_socket(link, server_side=True) as secured:
                told.append(secured.recv(4096))
                secured.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x03")
                told.append(secured.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer)
        thread.start()
        yield listening.getsockname()[1], told
    thread.join()


@pytest.fixture
def roots(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Trust a file in the place of RDS's roots."""

    def trust(file: Path) -> None:
        monkeypatch.setattr(database, "RDS_ROOTS", file)
        database._tls.cache_clear()

    yield trust
    database._tls.cache_clear()


@pytest.mark.parametrize(
    ("is_trusted", "host", "is_told"),
    [
        pytest.param(True, "localhost", True, id="a server that a root vouches for"),
        pytest.param(False, "localhost", False, id="nobody vouches for it"),
        pytest.param(True, "127.0.0.1", False, id="it has another name"),
    ],
)
def test_only_a_verified_server_is_told_the_password(
    certificate: Path, roots: Any, is_trusted: bool, host: str, is_told: bool
) -> None:
    if is_trusted:
        roots(certificate)
    with server(certificate) as (port, told), pytest.raises(Unavailable):
        connect(DatabaseSecret(host=host, port=port, username="kintell", password=PASSWORD))
    assert any(PASSWORD.encode() in text for text in told) is is_told


def test_the_roots_of_rds_are_shipped() -> None:
    database._tls.cache_clear()
    trusted = str(database._tls().get_ca_certs())
    for kind in ("RSA2048", "RSA4096", "ECC384"):
        assert f"'Amazon RDS eu-north-1 Root CA {kind} G1'" in trusted


def test_a_token_is_that_of_rds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "AKIAX", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "eu-north-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    token = database._token(DatabaseSecret(host="db.example.org", username="kintell"))
    theirs = boto3.client("rds").generate_db_auth_token("db.example.org", 5432, "kintell")

    def parts(text: str) -> Any:
        split = urlsplit(f"https://{text}")
        # Both are of this second, or not: the rest must be the same.
        timed = ("X-Amz-Date", "X-Amz-Signature")
        return split.netloc, split.path, {k: v for k, v in parse_qs(split.query).items() if k not in timed}

    assert parts(token) == parts(theirs)


def test_a_token_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="without TLS"):
        database._token(DatabaseSecret(host="127.0.0.1", username="kintell", sslmode="disable"))
