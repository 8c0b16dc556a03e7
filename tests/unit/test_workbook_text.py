"""A workbook becomes the text that the rest of an import reads: its first sheet of rows, as stored values."""

import csv
import io
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from ingestion.csv_file.chunk_reader import read_chunk
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass, ScannedFile
from ingestion.errors import RefusalCode, Refused
from ingestion.file_warnings import WarningCode
from ingestion.workbook.as_text import WorkbookText
from ingestion.workbook.number_formats import Meaning, meaning_of_code
from tests.workbooks import HEADER, bytes_of, packed, parts_of, row_of, saved

KNOWN = frozenset({"session_id", "participant_email", "scheduled_at", "rating"})


def scanned(body: bytes, limits: Limits | None = None) -> tuple[ScannedFile, str]:
    text = io.BytesIO()
    limits = limits or Limits()
    book = WorkbookText(limits.unpacked, limits.unpacked_ratio).looks_for(KNOWN)
    one_pass = FilePass(limits, KNOWN, text.write, book)
    for at in range(0, len(body), 1_000):
        one_pass.feed(body[at : at + 1_000])
    return one_pass.finish(), text.getvalue().decode("utf-8", "surrogatepass")


def cells_of(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(scanned(body)[1], newline="")))


def of_value(value: Any, number_format: str | None = None, *, epoch_1904: bool = False) -> str:
    """The text of one cell."""
    book = Workbook()
    if epoch_1904:
        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    assert sheet is not None
    sheet.append(["session_id", "participant_email", "value"])
    sheet.append(["MS-1", "a@example.org", value])
    if number_format:
        sheet["C2"].number_format = number_format
    return cells_of(bytes_of(book))[1][2]


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        pytest.param(60, None, "60", id="a whole number"),
        pytest.param(60.0, None, "60", id="a whole number as a float"),
        pytest.param(4.5, None, "4.5", id="a fraction"),
        pytest.param(0.1 + 0.2, None, "0.3", id="fifteen digits"),
        pytest.param(100_000, "0.0E+00", "100000", id="shown with an exponent"),
        pytest.param(1e20, None, "100000000000000000000", id="stored with an exponent"),
        pytest.param(2.5e-7, None, "0.00000025", id="a small fraction"),
        pytest.param(202603123456, "0", "202603123456", id="a long id"),
        pytest.param(0.5, "0%", "0.5", id="a percent"),
        pytest.param(-3, None, "-3", id="below zero"),
        pytest.param(1234.5, "#,##0.00", "1234.5", id="grouped"),
        pytest.param(45609, None, "45609", id="a serial number without a format"),
        pytest.param(45609, '0 "days"', "45609", id="letters in quotes"),
        pytest.param(45609, "[Red]0", "45609", id="a colour"),
        pytest.param(45609, "General", "45609", id="General"),
        pytest.param(True, None, "TRUE", id="true"),
        pytest.param(False, None, "FALSE", id="false"),
        pytest.param(date(2026, 3, 1), None, "2026-03-01", id="a date"),
        pytest.param(date(2026, 3, 1), "dd.mm.yyyy", "2026-03-01", id="a date in Norwegian"),
        pytest.param(date(2026, 3, 1), "[$-422]d mmmm yyyy", "2026-03-01", id="a date in Ukrainian"),
        pytest.param(date(2026, 3, 1), "mmm-yy", "2026-03-01", id="a month"),
        pytest.param(datetime.fromisoformat("2026-03-01T14:30"), None, "2026-03-01T14:30:00", id="a date with a time"),
        pytest.param(datetime.fromisoformat("2026-03-01"), "yyyy-mm-dd hh:mm", "2026-03-01T00:00:00", id="midnight"),
        pytest.param(
            datetime.fromisoformat("2026-03-01T14:30"),
            "dd/mm/yyyy",
            "2026-03-01T14:30:00",
            id="a time that is not shown",
        ),
        pytest.param(
            datetime.fromisoformat("2026-03-01T14:30"), "hh:mm", "2026-03-01T14:30:00", id="a date that is not shown"
        ),
        pytest.param(
            datetime.fromisoformat("2026-03-01T23:59:59.999"), None, "2026-03-01T23:59:59.999", id="milliseconds"
        ),
        pytest.param(time(14, 30), None, "14:30:00", id="a time alone"),
        pytest.param(timedelta(hours=26, minutes=5), "[h]:mm", "26:05:00", id="a duration"),
        pytest.param(3_000_000, "yyyy-mm-dd", "3000000", id="no date of the calendar"),
        pytest.param(-1, "yyyy-mm-dd", "-1", id="before the calendar"),
    ],
)
def test_a_cell_is_its_stored_value(value: Any, number_format: str | None, text: str) -> None:
    assert of_value(value, number_format) == text


@given(
    moment=st.datetimes(datetime.fromisoformat("2016-01-01"), datetime.fromisoformat("2035-01-01")),
    is_1904=st.booleans(),
)
def test_a_typed_date_is_exact_in_both_calendars(moment: datetime, is_1904: bool) -> None:
    moment = moment.replace(microsecond=0)
    assert of_value(moment, "d.m.yy h:mm:ss", epoch_1904=is_1904) == moment.isoformat()
    assert of_value(moment.date(), "d.m.yy", epoch_1904=is_1904) == moment.date().isoformat()


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("mm:ss", Meaning.TIME),
        ("[mm]:ss", Meaning.TIME),
        ("h:mm AM/PM", Meaning.TIME),
        ("m/d/yy h:mm", Meaning.MOMENT),
        ('yyyy"年"m"月"d"日"', Meaning.DATE),
        ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", Meaning.DATE),
        ('_-* #,##0.00\\ "kr"_-;-* #,##0.00\\ "kr"_-', Meaning.NUMBER),
        ("0.00;[Red]-0.00;d", Meaning.NUMBER),
        ("[>=100]0;0.0", Meaning.NUMBER),
        ("@", Meaning.NUMBER),
        ("", Meaning.NUMBER),
    ],
)
def test_a_format_says_whether_a_number_is_a_date(code: str, meaning: Meaning) -> None:
    assert meaning_of_code(code) is meaning


TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff") | st.sampled_from("\n\t,\"';"),
    max_size=30,
)


@given(rows=st.lists(st.lists(TEXTS, min_size=3, max_size=3), max_size=6))
def test_texts_come_as_they_are(rows: list[list[str]]) -> None:
    header = ["session_id", "participant_email", "scheduled_at"]
    rows = [[f"MS-{at}", *cells[1:]] for at, cells in enumerate(rows)]
    assert cells_of(saved([header, *rows])) == [header, *rows]


@pytest.mark.parametrize(
    ("cell", "shared", "text"),
    [
        pytest.param('<c r="B2" t="s"><v>1</v></c>', "<si><t>a</t></si><si><t>b</t></si>", "b", id="shared"),
        pytest.param('<c r="B2" t="inlineStr"><is><t> x </t></is></c>', "", " x ", id="inline"),
        pytest.param('<c r="B2" t="str"><f>A1</f><v>kept</v></c>', "", "kept", id="a formula's text"),
        pytest.param('<c r="B2"><f>1+1</f><v>2</v></c>', "", "2", id="a formula's number"),
        pytest.param('<c r="B2"><f>1+1</f></c>', "", "", id="a formula that nobody has computed"),
        pytest.param('<c r="B2" t="e"><f>NA()</f><v>#N/A</v></c>', "", "#N/A", id="an error"),
        pytest.param('<c r="B2" t="d"><v>2026-03-01T10:00:00</v></c>', "", "2026-03-01T10:00:00", id="a date as text"),
        pytest.param(
            '<c r="B2" t="s"><v>0</v></c>',
            "<si><r><t>one </t></r><r><rPr><b/></rPr><t>two</t></r><rPh sb='0' eb='1'><t>aloud</t></rPh></si>",
            "one two",
            id="rich text, and how it is read",
        ),
        pytest.param('<c r="B2" t="inlineStr"><is><t>a_x000D_\nb</t></is></c>', "", "a\r\nb", id="escaped"),
        pytest.param('<c r="B2" t="inlineStr"><is><t>_xD83D__xDE00_</t></is></c>', "", "😀", id="escaped in halves"),
        pytest.param('<c r="B2" s="9"/><c r="C2" s="9"/>', "", "", id="styled and empty"),
        pytest.param('<c t="inlineStr"><is><t>placeless</t></is></c>', "", "placeless", id="no place"),
    ],
)
def test_every_way_to_store_a_text_is_read(cell: str, shared: str, text: str) -> None:
    first = '<c r="A2" t="inlineStr"><is><t>MS-1</t></is></c>'
    body = packed(parts_of(f'{HEADER}<row r="2">{first}{cell}</row>', shared=shared))
    assert cells_of(body)[1] == ["MS-1", text]


def test_rich_text_of_another_writer_is_read() -> None:
    assert of_value(CellRichText("one ", TextBlock(InlineFont(b=True), "two"))) == "one two"


def test_prefixes_and_strict_namespaces_make_no_difference() -> None:
    parts = parts_of(HEADER + row_of(2, "MS-1", "a@example.org"))
    sheet = str(parts["xl/worksheets/sheet1.xml"]).replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    parts["xl/worksheets/sheet1.xml"] = sheet.replace("xmlns=", "xmlns:x=").replace(
        "schemas.openxmlformats", "purl.oclc"
    )
    assert cells_of(packed(parts))[1] == ["MS-1", "a@example.org"]


def test_the_first_sheet_that_people_see_and_that_has_a_known_header_is_read() -> None:
    cover, rows = row_of(1, "Report", "of November"), HEADER + row_of(2, "MS-1", "a@example.org")
    found, text = scanned(packed(parts_of(cover, "hidden:" + rows, rows, rows)))
    assert found.format.sheet is not None
    assert (found.format.sheet.name, found.rows) == ("sheet3", 1)
    assert text.splitlines()[1] == "MS-1,a@example.org"
    assert [(one.code, one.count) for one in found.warnings] == [(WarningCode.OTHER_SHEETS, 1)]


def test_rows_are_as_wide_as_the_header_and_blank_ones_are_lines() -> None:
    title, header = row_of(2, "Report"), row_of(4, "session_id", "participant_email", "rating")
    rows = '<row r="5"><c r="A5"/></row>' + row_of(7, "MS-1") + row_of(8, "MS-2", "a@example.org", "", "", "beyond")
    _, text = scanned(packed(parts_of(title + header + rows)))
    assert text.split("\n") == [
        *("", "Report", "", "session_id,participant_email,rating", "", "", "MS-1,,", "MS-2,a@example.org,,,beyond", "")
    ]


def test_lines_are_the_rows_of_the_sheet_however_many_lines_a_cell_has() -> None:
    header = ["session_id", "participant_email", "scheduled_at"]
    rows = [[f"MS-{at}", "two\nlines", "and\n\nthree"] for at in range(5)]
    found, text = scanned(saved([header, *rows[:2], [], *rows[2:]]))
    data = text.encode()
    read = [row for span in found.chunks for row in read_chunk(data[span.start : span.fetch_end], span, found.format)]
    assert [(row.number, row.line) for row in read] == [(1, 2), (2, 3), (3, 5), (4, 6), (5, 7)]  # type: ignore[union-attr]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
GOOD = saved([["session_id", "participant_email"], ["MS-1", "a@example.org"]])
SHEET = "xl/worksheets/sheet1.xml"


def with_part(name: str, content: str | bytes) -> bytes:
    return packed({**parts_of(HEADER + row_of(2, "MS-1", "a@example.org")), name: content})


def without_part(name: str) -> bytes:
    return packed({key: part for key, part in parts_of(HEADER).items() if key != name})


def encrypted_zip() -> bytes:
    body = bytearray(packed(parts_of(HEADER)))
    at = body.find(b"PK\x01\x02")
    while at >= 0:
        body[at + 8] |= 1
        at = body.find(b"PK\x01\x02", at + 1)
    return bytes(body)


def overwritten() -> bytes:
    """A workbook whose sheet has lost some bytes."""
    at = GOOD.index(SHEET.encode()) + len(SHEET) + 20
    return GOOD[:at] + bytes(20) + GOOD[at + 20 :]


def of_directory(size: int) -> bytes:
    """An archive that claims a directory of this size."""
    body = bytearray(GOOD)
    at = body.rfind(b"PK\x05\x06")
    body[at + 12 : at + 16] = size.to_bytes(4, "little")
    return bytes(body)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        pytest.param(b"", RefusalCode.EMPTY_FILE, "no bytes", id="zero bytes"),
        pytest.param(b"session_id,participant_email\n", RefusalCode.NOT_CSV, "no workbook", id="a CSV file"),
        pytest.param(OLE, RefusalCode.NOT_CSV, "password", id="encrypted or old"),
        pytest.param(encrypted_zip(), RefusalCode.NOT_CSV, "password", id="an archive with a password"),
        pytest.param(GOOD[: len(GOOD) // 2], RefusalCode.NOT_CSV, "damaged", id="cut off"),
        pytest.param(overwritten(), RefusalCode.NOT_CSV, "damaged", id="overwritten"),
        pytest.param(of_directory(5_000_000), RefusalCode.NOT_CSV, "damaged", id="a directory that is not there"),
        pytest.param(packed({"a.csv": "a,b"}), RefusalCode.NOT_CSV, "zip archive", id="an archive of CSV"),
        pytest.param(packed({"mimetype": "ods"}), RefusalCode.NOT_CSV, "OpenDocument", id="an .ods"),
        pytest.param(packed({"Index/Document.iwa": b"x"}), RefusalCode.NOT_CSV, "Numbers", id="Numbers"),
        pytest.param(packed({"word/document.xml": "<a/>"}), RefusalCode.NOT_CSV, "Word", id="a .docx"),
        pytest.param(
            with_part("_rels/.rels", str(parts_of(HEADER)["_rels/.rels"]).replace("workbook.xml", "workbook.bin")),
            *(RefusalCode.NOT_CSV, "xlsb"),
            id="an .xlsb",
        ),
        pytest.param(packed(parts_of()), RefusalCode.NOT_CSV, "no sheet", id="no sheets"),
        pytest.param(packed(parts_of("hidden:" + HEADER)), RefusalCode.NOT_CSV, "no sheet", id="hidden sheets only"),
        pytest.param(packed(parts_of("", '<row r="1"/>')), RefusalCode.EMPTY_FILE, "no rows", id="empty sheets"),
        pytest.param(without_part(SHEET), RefusalCode.NOT_CSV, "damaged", id="a sheet that is not there"),
        pytest.param(with_part(SHEET, "<worksheet><sheetData>"), RefusalCode.NOT_CSV, "part", id="XML cut off"),
        pytest.param(
            with_part(SHEET, '<!DOCTYPE a [<!ENTITY b "c">]><worksheet>&b;</worksheet>'),
            *(RefusalCode.NOT_CSV, "part"),
            id="a document type",
        ),
        pytest.param(
            packed(parts_of(HEADER + '<row r="2"><c r="A2" t="s"><v>7</v></c></row>')),
            *(RefusalCode.NOT_CSV, "damaged"),
            id="a shared text that is not there",
        ),
        pytest.param(packed(parts_of(HEADER + row_of(1, "x"))), RefusalCode.NOT_CSV, "damaged", id="a row twice"),
        pytest.param(packed(parts_of(row_of(1_048_577, "x"))), RefusalCode.NOT_CSV, "damaged", id="too many rows"),
        pytest.param(
            packed(parts_of('<row r="1"><c r="XFE1"><v>1</v></c></row>')),
            *(RefusalCode.NOT_CSV, "damaged"),
            id="too many columns",
        ),
        pytest.param(packed(parts_of(HEADER), zipfile.ZIP_LZMA), RefusalCode.NOT_CSV, "damaged", id="another packing"),
    ],
)
def test_what_is_no_whole_workbook_is_refused_with_a_sentence(body: bytes, code: RefusalCode, said: str) -> None:
    with pytest.raises(Refused) as refused:
        scanned(body)
    assert (refused.value.code, said in str(refused.value)) == (code, True), refused.value


BOMB = f"{HEADER}<row r='2'>" + " " * (80 << 20) + "</row>"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(packed(parts_of(BOMB)), id="blanks"),
        pytest.param(packed(parts_of(HEADER, shared="<si><t>" + "x" * (80 << 20) + "</t></si>")), id="a shared text"),
        pytest.param(
            packed(parts_of(HEADER, styles="<cellXfs>" + '<xf numFmtId="0"/>' * (1 << 20) + "</cellXfs>")), id="styles"
        ),
        pytest.param(packed(parts_of(HEADER + '<row r="1048576">' + "<c/>" * (20 << 20) + "</row>")), id="cells"),
        pytest.param(
            packed(
                parts_of(
                    HEADER + "".join(f'<row r="{n}"><c r="B{n}" t="s"><v>0</v></c></row>' for n in range(2, 2_000)),
                    shared="<si><t>" + "x" * 100_000 + "</t></si>",
                )
            ),
            id="a long text for many cells",
        ),
    ],
)
def test_a_bomb_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        scanned(body)
    assert refused.value.code is RefusalCode.TOO_LARGE, refused.value


def test_an_endless_tag_is_not_held() -> None:
    body = packed(parts_of(f'{HEADER}<row r="2" a="{"x" * (30 << 20)}"/>'))
    with pytest.raises(Refused):
        scanned(body)


def test_a_cell_far_away_costs_its_row_alone() -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    found, text = scanned(packed(parts_of(HEADER + row_of(2, "MS-1", "a@example.org") + far)))
    assert (found.rows, text.count("\n")) == (2, 1_048_576)


def test_the_text_of_a_workbook_stays_the_same() -> None:
    """Stored chunks are places in it: a change of these bytes would have rows of older imports read elsewhere."""
    shared = "<si><t>session_id</t></si><si><t>participant_email</t></si><si><t>a,b</t></si>"
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>'
    rows = (
        '<row r="2"><c r="B2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c></row>'
        '<row r="4"><c r="B4" t="s"><v>2</v></c><c r="C4" s="1"><v>45609.5</v></c></row>'
        '<row r="5"><c r="B5"><v>1E3</v></c></row>'
    )
    _, text = scanned(packed(parts_of(rows, shared=shared, styles=styles)))
    assert text == '\n,session_id,participant_email\n\n,"a,b",2024-11-13T12:00:00\n,1000,\n'
