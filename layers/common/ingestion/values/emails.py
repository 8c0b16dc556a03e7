"""The rule for email addresses: a person has one address, however a file spells it."""

import re
import unicodedata
from typing import Final

from ingestion.faults import Fault, FaultCode
from ingestion.values.lookalikes import noted
from ingestion.values.marks import shown
from ingestion.values.spreadsheets import bare

LONGEST_EMAIL: Final = 255

# Possessive, so that no text can make the pattern backtrack.
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]++"
_LABEL = r"[^\W_]++(?:-++[^\W_]++)*"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?=[^\W\d_])(?=.{{2}}){_LABEL}")
_WHOLE_LABEL = re.compile(_LABEL)
_BETWEEN = re.compile(r"[\s,;/|&]")
_LINK = "mailto:"
_PUNYCODE = "xn--"


def email(field: str, text: str) -> str | Fault | None:
    """Read one address of at most 255 characters as lower case; any script, any domain with a dot.

    A leading `mailto:` and one trailing `.`, `,` or `;` are dropped. A punycode domain is decoded.
    """
    given = bare(text)
    if not given:
        return None
    address = _plain(given)
    if len(address) <= LONGEST_EMAIL and _EMAIL.fullmatch(address) and not _hides_ascii(given):
        return _in_own_letters(address) if _PUNYCODE in address else address
    if len(address) > LONGEST_EMAIL:
        wrong = f"is longer than {LONGEST_EMAIL} characters; write one address such as name@example.org"
    elif address.count("@") > 1 and _BETWEEN.search(address):
        wrong = "contains more than one address; keep one"
    elif "<" in address:
        wrong = "is more than an address; write only the part between < and >"
    else:
        wrong = "is not an email address; write one such as name@example.org"
    return Fault(FaultCode.INVALID_EMAIL, field, f"{field}: {shown(given)} {wrong}{noted(given[:LONGEST_EMAIL])}")


def _plain(given: str) -> str:
    address = given.lower()
    if not address.isascii():
        address = unicodedata.normalize("NFC", address)
    address = address.removeprefix(_LINK)
    return address[:-1] if address[-1:] in (".", ",", ";") else address


def _hides_ascii(given: str) -> bool:
    """Whether normalising makes a letter ASCII, as the Kelvin sign becomes k, and so the address somebody else's."""
    if given.isascii():
        return False
    return any(unicodedata.normalize("NFC", mark.lower())[:1].isascii() for mark in given if not mark.isascii())


def _in_own_letters(address: str) -> str:
    name, _, domain = address.rpartition("@")
    return f"{name}@{'.'.join(map(_label, domain.split('.')))}"


def _label(label: str) -> str:
    """Decode a punycode label, unless it is not the encoding of what it decodes to."""
    if not label.startswith(_PUNYCODE):
        return label
    try:
        letters = label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
        is_same = letters.encode("punycode").decode("ascii") == label.removeprefix(_PUNYCODE)
    except UnicodeError:
        return label
    is_plain = unicodedata.normalize("NFC", letters.lower()) == letters and not letters.isascii()
    return letters if is_same and is_plain and _WHOLE_LABEL.fullmatch(letters) else label
