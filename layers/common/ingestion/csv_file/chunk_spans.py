"""How a file is read and where its chunks are: what one pass finds out, and each reader of a chunk is given."""

from pydantic import BaseModel, ConfigDict

from ingestion.workbook.sheets import Sheet

OVERSIZED_SHOWN_BYTES = 4_096
"""How much of an oversized row is fetched and kept."""

AHEAD_BYTES = 4_096
"""How much is read beyond a chunk, to see whether a line end tore its last row apart."""


class FileFormat(BaseModel):
    """What it takes to read any part of a file.

    `encoding` is that of the text that chunks are cut from, so UTF-8 for transcoded UTF-16. Every row has `width`
    cells, if that is not the number of columns: empty ones more, or fewer, as the header alone ends in empty names.
    `tail` are the other delimiters that every line ends with. `is_wrapped`: each line stands in a pair of quotes as a
    whole. `fills_short_rows`: a row may lack cells at its end, as in rosters. `slashed` are the columns of a corrected
    file with dates in slashes, which have met no spreadsheet that shows dates with dots; `typed` those of a workbook
    with dates that are numbers, which a spreadsheet may have made of dates in slashes.
    """

    model_config = ConfigDict(frozen=True)

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    columns: int
    has_header_row: bool = True
    width: int | None = None
    tail: str = ""
    is_wrapped: bool = False
    fills_short_rows: bool = False
    slashed: tuple[int, ...] = ()
    typed: tuple[int, ...] = ()
    sheet: Sheet | None = None
    """The sheet of a workbook, whose lines are its rows, however many lines the text of a cell has."""


class ChunkSpan(BaseModel):
    """A run of whole rows: the bytes from `start` up to `end` of the text, and where they stand in the file.

    `number` and `first_row` count from 1; `first_line` is the physical line of the byte at `start`; `rows` leaves out
    blank ones. `unreadable` holds, as (start, end) in the text, the rows that `csv` must not see: a quote that never
    closes, or a field over the limit; `apart` those whose quotes need a closer look, unless not `is_orderly`: then all
    do; `skipped` repetitions of the header. `order` says where each column's cell stands, if the last of these had
    another order than the first. An oversized span is one row alone, too long to load. `ahead` bytes behind the end may
    be read, to see what follows. `digest` is the SHA-256 of text that was written out to be read again.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    start: int
    end: int
    first_row: int
    first_line: int
    first_sheet_row: int | None = None
    """The row of a spreadsheet that begins at `start`: blank ones count, lines within a cell don't."""
    rows: int
    unreadable: tuple[tuple[int, int], ...] = ()
    apart: tuple[tuple[int, int], ...] = ()
    is_orderly: bool = False
    skipped: tuple[tuple[int, int], ...] = ()
    order: tuple[int, ...] = ()
    oversized: bool = False
    ahead: int = 0
    digest: str | None = None
    only: tuple[int, ...] = ()
    """The numbers of the rows that a retry reads; empty for all of them. `rows` counts these."""

    @property
    def shown_end(self) -> int:
        """Up to where it is read: the whole span, or the beginning of an oversized row."""
        return min(self.end, self.start + OVERSIZED_SHOWN_BYTES) if self.oversized else self.end

    @property
    def fetch_end(self) -> int:
        """Up to where to fetch: what is read of the span, and what follows it."""
        return self.shown_end if self.oversized else self.end + self.ahead
