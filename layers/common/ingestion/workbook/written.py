"""A table written as a workbook: cells of text, some of them marked and with a note, row by row to any file.

The cells are formatted as text, so that no spreadsheet takes them for dates, numbers or formulas, also once somebody
has edited them.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO, Final, NamedTuple
from xml.sax.saxutils import escape

MOST_ROWS: Final = 1_048_575
"""Below the header."""
MOST_NOTES: Final = 1_000
"""A spreadsheet draws each note; what is wrong stands in the row anyway."""

_MOST_CHARS: Final = 32_767
"""A cell with more has a spreadsheet call the file damaged."""
_WIDEST: Final = 60
_NARROWEST: Final = 8
_BLOCK_CHARS: Final = 1 << 18
_UNWRITABLE: Final = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PLAIN, _MARKED, _HEADING = 1, 2, 3
_STYLES: Final = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFFFE0B2"/><bgColor indexed="64"/></patternFill></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf/>'
    '<xf numFmtId="49" applyNumberFormat="1"/><xf numFmtId="49" fillId="2" applyNumberFormat="1" applyFill="1"/>'
    '<xf numFmtId="49" fontId="1" applyNumberFormat="1" applyFont="1"/></cellXfs></styleSheet>'
)


class Row(NamedTuple):
    """The texts of a row, which columns are marked, and notes by column, all from 0."""

    cells: Sequence[str]
    marked: frozenset[int] = frozenset()
    notes: Sequence[tuple[int, str]] = ()


class _Note(NamedTuple):
    row: int
    column: int
    text: str


def write_workbook(out: IO[bytes], name: str, header: Sequence[str], rows: Iterable[Row]) -> None:
    """Write the table to *out*, which need not be able to seek. At most `MOST_ROWS` rows are written."""
    notes: list[_Note] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            _write_sheet(sheet, header, rows, notes)
        for part, content in _other_parts(name, notes).items():
            archive.writestr(part, _HEAD + content)


def _write_sheet(sheet: IO[bytes], header: Sequence[str], rows: Iterable[Row], notes: list[_Note]) -> None:
    letters = [_letters(column) for column in range(len(header))]
    widths = "".join(
        f'<col min="{at}" max="{at}" width="{min(max(len(name) + 2, _NARROWEST), _WIDEST)}" customWidth="1" style="1"/>'
        for at, name in enumerate(header, 1)
    )
    held = [
        f'{_HEAD}<worksheet xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{widths}</cols><sheetData>",
        _row(1, Row(header), letters, _HEADING),
    ]
    size = 0
    for number, row in zip(range(2, MOST_ROWS + 2), rows, strict=False):
        notes += [_Note(number, *note) for note in row.notes[: MOST_NOTES - len(notes)]]
        held.append(_row(number, row, letters, _PLAIN))
        size += len(held[-1])
        if size > _BLOCK_CHARS:
            sheet.write("".join(held).encode("utf-8", "backslashreplace"))
            held, size = [], 0
    held.append("</sheetData>")
    held.append('<legacyDrawing r:id="drawing"/></worksheet>' if notes else "</worksheet>")
    sheet.write("".join(held).encode("utf-8", "backslashreplace"))


def _row(number: int, row: Row, letters: Sequence[str], style: int) -> str:
    cells = [
        f'<c r="{letters[at]}{number}" s="{_MARKED if at in row.marked else style}" t="inlineStr">'
        f'<is><t xml:space="preserve">{_text(text)}</t></is></c>'
        for at, text in enumerate(row.cells)
        if text or at in row.marked
    ]
    return f'<row r="{number}">{"".join(cells)}</row>'


def _text(text: str) -> str:
    text = text[:_MOST_CHARS]
    if text.isalnum():
        return text
    if _UNWRITABLE.search(text):
        text = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    return escape(text)


def _letters(column: int) -> str:
    above, letter = divmod(column, 26)
    return (_letters(above - 1) if above else "") + chr(ord("A") + letter)


def _other_parts(name: str, notes: Sequence[_Note]) -> dict[str, str]:
    with_notes = (
        f'<Override PartName="/xl/comments1.xml" ContentType="{_TYPES}.comments+xml"/>'
        '<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>'
    )
    parts = {
        "xl/styles.xml": _STYLES,
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{escape(name)}" sheetId="1" r:id="sheet"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(
            ("sheet", "worksheet", "worksheets/sheet1.xml"), ("styles", "styles", "styles.xml")
        ),
        "_rels/.rels": _relations(("book", "officeDocument", "xl/workbook.xml")),
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/>'
        f"{with_notes if notes else ''}</Types>",
    }
    if notes:
        parts["xl/worksheets/_rels/sheet1.xml.rels"] = _relations(
            ("drawing", "vmlDrawing", "../drawings/notes.vml"), ("notes", "comments", "../comments1.xml")
        )
        parts["xl/comments1.xml"] = _comments(notes)
        parts["xl/drawings/notes.vml"] = _drawing(notes)
    return parts


def _relations(*named: tuple[str, str, str]) -> str:
    each = (f'<Relationship Id="{id_}" Type="{_OFFICE}/{kind}" Target="{target}"/>' for id_, kind, target in named)
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(each)}</Relationships>'


def _comments(notes: Sequence[_Note]) -> str:
    each = (
        f'<comment ref="{_letters(note.column)}{note.row}" authorId="0"><text><t xml:space="preserve">'
        f"{_text(note.text)}</t></text></comment>"
        for note in notes
    )
    return (
        f'<comments xmlns="{_MAIN}"><authors><author/></authors><commentList>{"".join(each)}</commentList></comments>'
    )


def _drawing(notes: Sequence[_Note]) -> str:
    """Where the notes are drawn, in the old language for it, without which Excel shows none."""
    each = (
        f'<v:shape id="_x0000_s{1025 + at}" type="#note" style="position:absolute;width:200pt;height:70pt;'
        'visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:textbox/>'
        '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{note.column + 1}, 15, {note.row - 1}, 4, {note.column + 4}, 15, {note.row + 4}, 4</x:Anchor>"
        f"<x:AutoFill>False</x:AutoFill><x:Row>{note.row - 1}</x:Row><x:Column>{note.column}</x:Column>"
        "</x:ClientData></v:shape>"
        for at, note in enumerate(notes)
    )
    return (
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
        'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit">'
        '<o:idmap v:ext="edit" data="1"/></o:shapelayout><v:shapetype id="note" coordsize="21600,21600" o:spt="202" '
        'path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
        f'<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>{"".join(each)}</xml>'
    )
