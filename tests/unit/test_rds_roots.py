"""The roots that vouch for a database are those that were compared, and nothing but roots of RDS."""

import hashlib
import re
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from ingestion.database.connection import RDS_ROOTS
from tests.template.documents import ROOT

ROOTS = {
    hashlib.sha256(der).hexdigest(): x509.load_der_x509_certificate(der)
    for der in map(
        ssl.PEM_cert_to_DER_cert,
        re.findall("-----BEGIN.*?-----END CERTIFICATE-----", RDS_ROOTS.read_text(), re.DOTALL),
    )
}
COMPARED = (ROOT / "docs/decisions/0009-rds-roots.txt").read_text().splitlines()


def common_name(root: x509.Certificate) -> str:
    return str(root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def test_the_roots_are_those_that_were_compared() -> None:
    listed = {f"{name}  {root.not_valid_after_utc.date()}  {common_name(root)}" for name, root in ROOTS.items()}
    assert listed == set(COMPARED)


@pytest.mark.parametrize("root", ROOTS.values(), ids=common_name)
def test_a_root_is_amazons_of_a_region_and_signed_by_itself(root: x509.Certificate) -> None:
    assert root.subject == root.issuer
    root.verify_directly_issued_by(root)
    assert re.fullmatch(r"Amazon RDS [a-z]{2}-[a-z]+-\d Root CA (RSA2048|RSA4096|ECC384) G1", common_name(root))
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert root.not_valid_after_utc > datetime.now(UTC) + timedelta(days=365)
