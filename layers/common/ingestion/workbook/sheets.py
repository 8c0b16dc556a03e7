"""The sheets of a workbook, and which of them is imported: the first that people see and that has a known header."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from ingestion.errors import RefusalCode, Refused
from ingestion.records.programme import header_name
from ingestion.values.marks import BLANKS
from ingestion.workbook.number_formats import NumberFormats
from ingestion.workbook.package import DAMAGED, Package
from ingestion.workbook.shared_strings import SharedStrings
from ingestion.workbook.sheet_rows import CellValues, SheetRow, read_rows
from ingestion.workbook.xml_parts import Attributes

_HEADER_ROWS: Final = 11
"""As in a CSV file, the header is looked for in so many rows that are not blank."""
_LEAST_KNOWN: Final = 2
_ROWS_LOOKED_AT: Final = 10_000
_MOST_SHEETS: Final = 1_000


class Sheet(BaseModel):
    """The sheet that a file's rows come from; stored with the batch, so that it is read again in the same way."""

    model_config = ConfigDict(frozen=True)

    name: str
    part: str
    header_row: int
    """Rows below it are as wide as it is, empty cells at their end or not."""
    width: int


class Chosen(NamedTuple):
    """The sheet to import, and how many others have a known header too."""

    sheet: Sheet
    others: int


class Workbook:
    """A workbook's sheets. Every method may raise Refused."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._main = package.main_part()
        self._relations = package.relations(self._main)
        self._sheets: list[tuple[str, str]] = []
        self._is_1904 = False
        package.read_small(self._main, self._take)
        self._values: CellValues | None = None

    def _take(self, name: str, given: Attributes) -> None:
        if name == "workbookPr":
            self._is_1904 = given.get("date1904") in ("1", "true")
        elif name == "sheet" and given.get("state", "visible") == "visible":
            ids = [value for key, value in given.items() if key.endswith(":id")]
            relation = self._relations.get(ids[0]) if ids else None
            if relation and relation.kind == "worksheet" and len(self._sheets) < _MOST_SHEETS:
                self._sheets.append((given.get("name", ""), relation.part))

    def choose(self, known: Collection[str]) -> Chosen:
        """Choose the first sheet with a known header; without one, the first that has a row."""
        if not self._sheets:
            raise Refused(
                RefusalCode.NOT_CSV, "The workbook has no sheet that people can see; show the one with the rows."
            )
        chosen: Sheet | None = None
        fallback: Sheet | None = None
        others = 0
        for name, part in self._sheets:
            head = list(islice(self._filled_rows(part), _HEADER_ROWS))
            hits = [len({header_name(cell) for cell in row.cells} & set(known)) for row in head]
            if max(hits, default=0) >= _LEAST_KNOWN:
                header = head[hits.index(max(hits))]
                others += chosen is not None
                chosen = chosen or Sheet(name=name, part=part, header_row=header.number, width=len(header.cells))
            elif head and not fallback:
                fallback = Sheet(name=name, part=part, header_row=head[0].number, width=len(head[0].cells))
        found = chosen or fallback
        if found is None:
            raise Refused(RefusalCode.EMPTY_FILE, "The workbook has no rows.")
        return Chosen(found, others)

    def _filled_rows(self, part: str) -> Iterator[SheetRow]:
        rows = islice(self.rows(part), _ROWS_LOOKED_AT)
        return (row for row in rows if "".join(row.cells).strip(BLANKS))

    def rows(self, part: str, dated: set[int] | None = None) -> Iterator[SheetRow]:
        """The rows of a sheet, by the name of its part; adds the columns with dates that are numbers to *dated*."""
        if not self._package.has(part):
            raise Refused(RefusalCode.NOT_CSV, DAMAGED)
        if self._values is None:
            self._values = self._read_values()
        return read_rows(self._package.blocks(part), self._values, set() if dated is None else dated)

    def _read_values(self) -> CellValues:
        of_kind = {relation.kind: relation.part for relation in self._relations.values()}
        shared, formats = SharedStrings(), NumberFormats()
        if "sharedStrings" in of_kind:
            shared = SharedStrings.read(self._package.blocks(of_kind["sharedStrings"]))
        if "styles" in of_kind:
            self._package.read_small(of_kind["styles"], formats.start)
        return CellValues(shared, formats.by_style, is_1904=self._is_1904)
