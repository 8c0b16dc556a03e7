"""Whether a cell that comes back is the one that was handed out: what spreadsheets do is not what people do."""

import pytest

from ingestion.rows.redisplay import Text, coarse, is_dotted, is_same, is_worn
from ingestion.rows.shown_dates import is_left_alone

SAME = [
    ("Good talk", " Good talk "),
    ("a\nb", "a\r\nb"),
    ("'=1+1", "=1+1"),
    ("Good;=1", "Good;'=1"),
    ("Møte", "Mo\u0308te".replace("o\u0308", "ø")),
    ("Ірина з Києва", "????? ? ?????"),
    ("true", "TRUE"),
    ("true", "SANN"),
    ("60", "60.0"),
    ("4.5", "4,50"),
    ("0.333333333333", "0.333333333"),
    ("202603123456", "2.02603E+11"),
    ("2026-03-04", "04.03.2026"),
    ("2026-03-04", "3/4/2026"),
    ("2026-03-04", "04/03/26"),
    ("2026-03-04", "4. mars 2026"),
    ("2026-03-04", "04-Mar-26"),
    ("2026-03-04 10:00", "04.03.2026 10:00:00"),
    ("2026-03-04 14:30", "3/4/2026 2:30 PM"),
    ("2026-03-02T10:00:00Z", "2026-03-02 10:00"),
    ("Dec 14, 2025", "14-Dec-25"),
    ("03/05/2026", "3/5/2026"),
    ("03/05/2026", "03.05.2026"),
    ("03/04/2026", "04/03/2026"),
    ("03/04/2026 10:00", "4/3/26 10:00 AM"),
    ("3-4-2026", "04/03/2026"),
    ("1\u00a0000", "1 000"),
    ("\u200bolena@example.org\u00ad", "olena@example.org"),
    ("ole\u200bna@example.org", "ole?na@example.org"),
    ("1:30", "01:30:00"),
    ("1:30", "01:30:00 AM"),
    ("13:30", "1:30 PM"),
    ("13.11.2024 14:30", "11/13/2024 14:30:00"),
    ("13.11.2024", "2024-11-13"),
    ("03.04.2026", "03/04/2026"),
    ("4.5", "04.mai"),
    ("4.5", "4. mai"),
    ("4.5", "May-04"),
    ("4.5", "05/04/2026"),
    ("4.5", "2026-05-04"),
    ("4/5", "05.apr"),
    ("4/5", "4.5.2026"),
    ("1.5", "1-May"),
    ("03.04.2026", "04/03/2026"),
    ("03.04.2026 10:00", "4/3/26 10:00 AM"),
    ("03.04.26", "04/03/2026"),
    ("50%", "50 %"),
    ("50%", "50,00%"),
    ("50%", "0.5"),
    ("1 200,50", "1.200,5"),
    ("4 1/2", "4.5"),
    ("2026-03", "Mar-26"),
    ("3/2026", "mar.26"),
    ("March 2026", "mars 26"),
    ("Mar-5", "05.mar"),
    ("5. mars", "5-Mar"),
    ("#N/A", "#I/T"),
    ("#NAME?", "#NAVN?"),
    ("2026-03-04", "########"),
    ("2026-03-04 12:00", "46085.5"),
    ("03/04/2026 12:00", "46085.5"),
    ("2026-03-04 10:20:30.7", "20:30.7"),
    ("2026-03-04 10:20:30.7", "04.03.2026 10:20:31"),
    ("202603123456789012", "202603123456789000"),
    ("Göran", "Go\u0308ran"),
    ("Ірина?", "??????"),
    ("😀 bra", "? bra"),
    ("😀 bra", "?? bra"),
    ("хибність", "FALSE"),
    ("false", "ХИБНІСТЬ"),
    ("-5", "-5.0"),
]
SAME_BESIDE_ITS_NUMBER = [
    ("1,234", "1234"),
    ("1 234", "1,234"),
    ("2026-03-04", "46085"),
    ("24:00", "1"),
    ("60", "###"),
]
MENDED = [
    ("", "60"),
    ("03/05/2026", "2026-05-03"),
    ("03/05/2026", "2026-03-05"),
    ("03/05/2026", "05.03.2026"),
    ("03/04/2026", "04/03/2025"),
    ("03/04/2026", "05/03/2026"),
    ("03/25/2026", "25/03/2026"),
    ("2026-03-04", "2026-04-03"),
    ("2026-03-04 10:00", "2026-03-04 11:00"),
    ("2026-03-02T10:00:00Z", "2026-03-02T10:00:00+02:00"),
    ("60", "61"),
    ("9", "4"),
    ("1234567", "1234568"),
    ("0.9", "1"),
    ("an hour", "60"),
    ("olena(at)example.org", "olena@example.org"),
    ("who?", "who!"),
    ("true", "false"),
    ("fine", "Fine"),
    ("2026-03-04", "March"),
    ("ole\u200bna@example.org", "olena@example.org"),
    ("2026-03\u00ad-02", "2026-03-02"),
    ("1926-03-02", "2026-03-02"),
    ("1926-03-02", "02.03.2026"),
    ("2. mars 1926", "2. mars 2026"),
    ("2026-03-02 13:00 PM", "2026-03-02 13:00"),
    ("1:30", "1:31"),
    ("1:30", "01:30:00 PM"),
    ("1:30", "1.30"),
    ("2026-03-04", "03.04.2026"),
    ("4. mars 2026", "03.04.2026"),
    ("03.04.2026", "05/03/2026"),
    ("2026-03", "Apr-26"),
    ("2026-03", "2026-03-01"),
    ("5. mars", "2026-03-05"),
    ("5. mars", "06.mar"),
    ("50%", "60%"),
    ("50%", "50"),
    ("1,234", "1235"),
    ("1,20", "120"),
    ("2026-03-04", "46086"),
    ("1:30", "90"),
    ("2026-03-04 10:20:30", "2026-03-04 10:20:31"),
    ("2026-03-04 10:20:30.7", "21:30.7"),
    ("#N/A", "MS-1"),
    ("MS-1", "#####"),
    ("", "#N/A"),
    ("123456789012345678", "123456789012355000"),
    ("03.04.2026", "04.03.2026"),
    ("03.04.2026", "2026-03-04"),
    ("4.5", "4. juni"),
    ("4.5", "05/04/2026 10:00"),
    ("4/5", "4"),
    ("4/5", "4.5"),
    ("Ірина", "???"),
    ("Ann", "A?n"),
    ("60", "(60)"),
    ("60", "##"),
    ("#REF!", "#1 on the list"),
]
WORN = [
    ("NA", ""),
    ("", "(NULL)"),
    ("n/a", "NaN"),
    ("Åse", "Ase"),
    ("Åse", "?se"),
    ("Østen Bjørn", "Osten Bjørn"),
    ("Łódź", "Lodz"),
    ("Sæd", "Sad"),
]
REWRITTEN = [("", "Ann"), ("Ann", ""), ("Ann", "Anna"), ("Ann", "_nn"), ("Åse", "Bse"), ("Åse", "Ase B")]


@pytest.mark.parametrize(
    ("handed_out", "returned", "expected"), [(*pair, True) for pair in WORN] + [(*pair, False) for pair in REWRITTEN]
)
def test_what_a_program_wears_off_is_no_mending_of_a_row_that_was_cut(
    handed_out: str, returned: str, expected: bool
) -> None:
    assert is_worn(Text(handed_out), Text(returned)) is expected


@pytest.mark.parametrize(("handed_out", "returned"), SAME)
def test_what_a_spreadsheet_shows_in_its_own_way_is_the_same(handed_out: str, returned: str) -> None:
    assert is_same(handed_out, returned)
    assert coarse(handed_out) == coarse(returned)


@pytest.mark.parametrize(("handed_out", "returned"), SAME_BESIDE_ITS_NUMBER)
def test_what_became_a_whole_number_is_the_same_but_looked_up_apart(handed_out: str, returned: str) -> None:
    """Ids of digits must stay apart, so such a row is found by its number or by its other cells."""
    assert is_same(handed_out, returned)


@pytest.mark.parametrize(("handed_out", "returned"), MENDED)
def test_what_somebody_wrote_is_not(handed_out: str, returned: str) -> None:
    assert not is_same(handed_out, returned)


@pytest.mark.parametrize(
    ("handed_out", "returned", "is_it"),
    [
        ("03/04/2026", "03.04.2026", True),
        ("3-4-2026 10:00", "03.04.2026 10:00", True),
        ("03/04/2026", "03/04/2026", False),
        ("03.04.2026", "03.04.2026", False),
        ("2026-04-03", "03.04.2026", False),
    ],
)
def test_dots_for_slashes_may_be_somebodys_or_a_spreadsheets(handed_out: str, returned: str, is_it: bool) -> None:
    assert is_dotted(handed_out, returned) == is_it


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("03/04/2026", True),
        ("3-4-2026 10:00", True),
        ("03/25/2026", False),
        ("03.04.2026", False),
        ("2026-04-03", False),
        ("", False),
    ],
)
def test_a_date_with_slashes_has_met_no_spreadsheet_that_shows_dots(text: str, is_it: bool) -> None:
    assert is_left_alone(text) == is_it


@pytest.mark.parametrize(("handed_out", "returned"), [("5ø", "5?"), ("4 бер 2026", "4 ??? 2026"), ("60", "6E1")])
def test_what_looks_alike_is_looked_up_by_the_same(handed_out: str, returned: str) -> None:
    assert coarse(handed_out) == coarse(returned)


@pytest.mark.parametrize(("one", "other"), [("10001", "10002"), ("2024-001", "2024-002"), ("MS-1", "MS-2")])
def test_ids_of_digits_are_looked_up_apart(one: str, other: str) -> None:
    assert coarse(one) != coarse(other)


@pytest.mark.parametrize(
    ("one", "other"), [(101 * "a", 101 * "b"), ("true", "false!"), ("Loading...", "#REF!"), ("#hash", "#REF!")]
)
def test_texts_are_looked_up_apart(one: str, other: str) -> None:
    assert coarse(one) != coarse(other)


def test_truths_are_looked_up_by_one_key() -> None:
    assert coarse("true") == coarse("FALSCH") == "\0truth"
