"""What is decoded encodes to the bytes it came from, whatever a file's rows hold: nothing is garbled on the way in."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.csv_file.mixed_text import is_cyrillic_by_chance_utf8
from tests.stages.polluter import FOREIGN, OURS
from tests.unit.pure_reading import read
from tests.unit.reference_reader import EXAMPLES

HEADER: Final = b"session_id,participant_email,mentor_email,scheduled_at,feedback_text\n"
PAGES: Final = ("utf-8", *OURS, *FOREIGN)
_STRUCTURE: Final = frozenset(b'\0\t\n\r\x1a",;|')
_LETTERS: Final = "abc øåæØÅÆ éüñ ёъыэ іїєґ ІЇЄҐ żółć ğış šž ÃÐ â€™ “” –"


def _bytes_of(page: str, text: str) -> bytes:
    return bytes(byte for byte in text.encode(page, "ignore") if byte not in _STRUCTURE)


TEXTS = st.builds(_bytes_of, st.sampled_from(PAGES), st.text(st.sampled_from(_LETTERS), max_size=30))
ANY_BYTES = st.binary(max_size=12).map(lambda data: bytes(byte for byte in data if byte not in _STRUCTURE))
FILES = st.lists(TEXTS, max_size=12) | st.lists(TEXTS | ANY_BYTES, max_size=12)


def _row(number: int, text: bytes) -> bytes:
    return b"MS-%d,olena@example.org,kari@acme.com,2026-03-01,a%bz\n" % (number, text)


def _is_kept(raw: bytes, text: str, encoding: str) -> bool:
    """Valid UTF-8 is read as UTF-8, whatever the rest of the file is in; the rest as its page has it.

    So are words of Windows-1251 that happen to be valid UTF-8 of scripts that nobody here writes.
    """
    if encoding == "windows-1251" and is_cyrillic_by_chance_utf8(raw):
        return text == raw.decode(encoding)
    try:
        return text == raw.decode()
    except UnicodeDecodeError:
        return text.encode(encoding, "replace") == raw and not any("\x7f" < char < "\xa0" for char in text)


@settings(max_examples=EXAMPLES)
@given(FILES)
def test_what_is_read_encodes_to_the_bytes_it_came_from(texts: list[bytes]) -> None:
    outcome = read(HEADER + b"".join(map(_row, range(len(texts)), texts)), "mentors_ukraine")
    if outcome.scanned is None:
        return
    assert len(outcome.sessions) + len(outcome.rejects) == len(texts)
    for session in outcome.sessions:
        raw = b"a%bz" % texts[int(session.external_session_id[3:])]
        assert _is_kept(raw, session.feedback_text or "", outcome.scanned.encoding), (raw, session.feedback_text)


@settings(max_examples=EXAMPLES)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='",;|\x1a'), max_size=20)),
    st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"]),
)
def test_unicode_of_any_kind_is_read_letter_by_letter(texts: list[str], encoding: str) -> None:
    lines = [_row(number, text.encode()).decode() for number, text in enumerate(texts)]
    outcome = read((HEADER.decode() + "".join(lines)).encode(encoding), "mentors_ukraine")
    if outcome.refused:
        assert outcome.refused in ("undecodable", "not_csv")
        return
    read_texts = {session.external_session_id: session.feedback_text for session in outcome.sessions}
    assert read_texts == {f"MS-{number}": f"a{text}z" for number, text in enumerate(texts)}


@pytest.mark.parametrize("page", [*OURS, *FOREIGN])
def test_one_foreign_line_among_others_is_right_or_rejected_or_doubted(page: str) -> None:
    """It may have too few words to tell: then the file says so."""
    text = OURS.get(page) or FOREIGN[page]
    lines = [_row(number, b"Fin samtale") for number in range(30)]
    lines[17] = _row(17, text.replace(",", "").encode(page).replace(b";", b""))
    outcome = read(HEADER + b"".join(lines), "mentors_ukraine")
    stored = {each.external_session_id: each.feedback_text for each in outcome.sessions}
    wanted = f"a{text.replace(',', '').replace(';', '')}z"
    is_doubted = outcome.scanned and any("encoding" in warning.code for warning in outcome.scanned.warnings)
    assert is_doubted or stored.get("MS-17", wanted) == wanted
