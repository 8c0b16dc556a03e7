"""An error file as a spreadsheet gives it back: what people, programs and locales make of it."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from tests.workbooks import saved

Line = Mapping[str, str]

KEPT: Final = "kept"
RENAMED: Final = "in capitals"
SOME: Final = "some"
NONE: Final = "none"

_ISO_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_DECIMAL: Final = re.compile(r"\d+\.\d+")


def as_it_is(cell: str) -> str:
    """Of a spreadsheet that leaves texts alone."""
    return cell


def in_norwegian(cell: str) -> str:
    """07.03.2026 and 4,5."""
    if date := _ISO_DATE.fullmatch(cell):
        return f"{date[3]}.{date[2]}.{date[1]}"
    return cell.replace(".", ",") if _DECIMAL.fullmatch(cell) else cell


class Typed(str):
    """What a mender types so that a spreadsheet keeps it as a text; a date it would show in its own way."""

    __slots__ = ()


def in_english(cell: str) -> str:
    """3/7/2026, which nobody may guess, but which was handed out as something else."""
    date = None if isinstance(cell, Typed) else _ISO_DATE.fullmatch(cell)
    return f"{int(date[2])}/{int(date[3])}/{date[1]}" if date else cell


def typed_in_english(cell: str) -> Any:
    """A cell of a text file as Excel opens it in the United States: dates and numbers are typed."""
    return _typed(cell, "month-first")


def typed_in_norwegian(cell: str) -> Any:
    """The same in Norway."""
    return _typed(cell, "day-first")


def _typed(cell: str, order: str) -> Any:
    for form in ("%Y-%m-%d", "%m/%d/%Y" if order == "month-first" else "%d/%m/%Y"):
        try:
            return datetime.strptime(cell, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", cell):
        return float(cell) if "." in cell else int(cell)
    if order == "day-first" and re.fullmatch(r"[0-9]\.[0-9]", cell):
        return date(2026, int(cell[2]), int(cell[0]))
    return cell


@dataclass(frozen=True)
class Way:
    """How an error file is saved."""

    delimiter: str = ","
    encoding: str = "utf-8"
    quotes_all: bool = False
    columns: str = KEPT
    redisplay: Callable[[str], str] = as_it_is
    reverses_rows: bool = False
    adds_empty_columns: bool = False
    types: Callable[[str], Any] | None = None
    """How the cells are typed of what is saved as a workbook; None for CSV."""

    @property
    def ending(self) -> str:
        """That of the file's name."""
        return ".xlsx" if self.types else ".csv"

    def save(self, lines: Sequence[Line]) -> bytes:
        """The file's bytes; in UTF-8 where the encoding lacks a letter."""
        names = [name for name in lines[0] if self._keeps(name)]
        header = [name.upper() if self.columns == RENAMED and name.startswith("_error") else name for name in names]
        rows = [[self.redisplay(line[name]) for name in names] for line in lines]
        more = ["", ""] if self.adds_empty_columns else []
        if self.types:
            return saved(
                [header, *(list(map(self.types, row)) for row in (rows[::-1] if self.reverses_rows else rows))]
            )
        text = io.StringIO(newline="")
        writer = csv.writer(
            text,
            delimiter=self.delimiter,
            quoting=csv.QUOTE_ALL if self.quotes_all else csv.QUOTE_MINIMAL,
            lineterminator="\r\n",
        )
        writer.writerows([[*header, *more], *([*row, *more] for row in (rows[::-1] if self.reverses_rows else rows))])
        try:
            return text.getvalue().encode(self.encoding)
        except UnicodeEncodeError:
            return text.getvalue().encode("utf-8")

    def _keeps(self, name: str) -> bool:
        if not name.startswith("_error"):
            return True
        return self.columns in (KEPT, RENAMED) or (self.columns == SOME and name in ("_error_row", "_error_batch"))


WAYS: Final = {
    "as it is": Way(encoding="utf-8-sig"),
    "semicolons in Windows-1252, as Excel in Norwegian": Way(";", "cp1252", redisplay=in_norwegian),
    "commas, as Excel in English": Way(",", "utf-8-sig", redisplay=in_english),
    "UTF-16 and tabs": Way("\t", "utf-16"),
    "quotes on all": Way(quotes_all=True),
    "rows in reverse": Way(reverses_rows=True),
    "empty columns added": Way(";", adds_empty_columns=True),
    "error columns in capitals": Way(columns=RENAMED),
    "some error columns dropped": Way(columns=SOME),
    "a workbook of texts": Way(types=as_it_is),
    "a workbook, typed in English": Way(types=typed_in_english),
    "a workbook, typed in Norwegian": Way(types=typed_in_norwegian, reverses_rows=True),
    "a workbook, typed in English, without error columns": Way(types=typed_in_english, columns=NONE),
    "all error columns dropped": Way(columns=NONE),
    "all error columns dropped, as Excel in Norwegian": Way(
        ";", "cp1252", columns=NONE, redisplay=in_norwegian, reverses_rows=True
    ),
}
