"""A workbook as the text that the rest of an import reads: CSV in UTF-8, a line for each row of its sheet.

Blank rows are blank lines, so that the lines count as the sheet's rows do. What stands below the header is as wide as
it; cells beyond it make their row a wrong one, as in CSV.
"""

from collections.abc import Collection, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Final

from ingestion.errors import RefusalCode, Refused
from ingestion.values.marks import BLANKS
from ingestion.workbook.package import FREE_UNPACKED_BYTES, Package
from ingestion.workbook.sheet_rows import SheetRow
from ingestion.workbook.sheets import Sheet, Workbook

DELIMITER: Final = ","
ENDING: Final = ".xlsx"

_IN_MEMORY_BYTES: Final = 8 << 20
_MOST_PACKED_BYTES: Final = 128 << 20
"""It waits on the disk until it is whole: the directory of an archive stands at its end. Lambda gives 512 MB."""
_PIECE_CHARS: Final = 256 << 10
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_QUOTED: Final = ('"', ",", "\n", "\r")


def is_workbook(name: str) -> bool:
    """Whether a file is uploaded as a workbook. A workbook of another name is refused, and says so."""
    return name.lower().endswith(ENDING)


class WorkbookText:
    """Takes a workbook in blocks; gives its text once it is whole. Memory stays flat, whatever it unpacks to.

    Every method may raise `Refused`: `TOO_LARGE` for a limit, `NOT_CSV` for what is no whole workbook.
    """

    encoding = None
    transformed = True

    def __init__(self, max_bytes: int, max_ratio: int, sheet: Sheet | None = None) -> None:
        self.bytes_in = 0
        self.sheet = sheet
        """The sheet that is read; the one that is given, or found by `finish`."""
        self.other_sheets = 0
        """How many other sheets have a known header."""
        self.dated_columns: set[int] = set()
        """The columns, from 0, with numbers that are dates."""
        self._known: Collection[str] = ()
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio
        # `finish` closes it; without that, its end does.
        self._file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115

    def looks_for(self, known: Collection[str]) -> "WorkbookText":
        """Choose the sheet by these names of columns."""
        self._known = known
        return self

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Take the next *block*; gives nothing yet."""
        self.bytes_in += len(block)
        if self.bytes_in > _MOST_PACKED_BYTES:
            raise Refused(
                RefusalCode.TOO_LARGE,
                f"The workbook has more than {_MOST_PACKED_BYTES:,} bytes; save the sheet as CSV and upload that.",
            )
        self._file.write(block)
        return iter(())

    def finish(self) -> Iterator[bytes]:
        """Give the text, in pieces."""
        with self._file:
            self._check_kind()
            book = Workbook(Package(self._file, self.bytes_in, self._max_ratio))
            if self.sheet is None:
                self.sheet, self.other_sheets = book.choose(self._known)
            size_bytes, most_bytes = 0, self._most_text_bytes()
            for piece in _in_pieces(_lines(book.rows(self.sheet.part, self.dated_columns), self.sheet)):
                data = piece.encode("utf-8", "surrogatepass")
                size_bytes += len(data)
                if size_bytes > most_bytes:
                    raise Refused(
                        RefusalCode.TOO_LARGE,
                        f"The sheet holds more than {most_bytes:,} bytes; split it into several files.",
                    )
                yield data

    def _most_text_bytes(self) -> int:
        """Cells that share a text repeat it here: what comes out is measured as what an archive unpacks to."""
        return min(self._max_bytes, max(FREE_UNPACKED_BYTES, self._max_ratio * self.bytes_in))

    def _check_kind(self) -> None:
        self._file.seek(0)
        head = self._file.read(len(_OLE))
        if not head:
            raise Refused(RefusalCode.EMPTY_FILE, "The file has no bytes.")
        if head == _OLE:
            raise Refused(
                RefusalCode.NOT_CSV,
                "The workbook has a password or is an old one (.xls); save it as .xlsx without a password.",
            )
        if not head.startswith(_ZIP):
            raise Refused(
                RefusalCode.NOT_CSV,
                "The file is named .xlsx, but is no workbook; if it is CSV, give it the ending .csv.",
            )


def _lines(rows: Iterable[SheetRow], sheet: Sheet) -> Iterator[str]:
    """The lines of the rows, and blank ones for rows that the sheet leaves out."""
    line = 0
    for row in rows:
        yield "\n" * (row.number - line - 1)
        line = row.number
        cells = row.cells if "".join(row.cells).strip(BLANKS) else []
        if cells and row.number > sheet.header_row:
            cells = cells + [""] * (sheet.width - len(cells))
        text = DELIMITER.join(cells)
        if '"' in text or "\n" in text or "\r" in text or text.count(DELIMITER) >= len(cells) > 0:
            text = DELIMITER.join(map(_quoted, cells))
        yield text + "\n"


def _quoted(cell: str) -> str:
    if any(mark in cell for mark in _QUOTED):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _in_pieces(lines: Iterable[str]) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _PIECE_CHARS:
            yield "".join(held)
            held.clear()
            size = 0
    yield "".join(held)
