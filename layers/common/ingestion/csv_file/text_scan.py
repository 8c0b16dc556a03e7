"""The text of a file gone through once: its encoding, its dialect, its rows, and the chunks to read it by."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from pydantic import BaseModel, ConfigDict

from ingestion.csv_file.blank_rows import DELIMITERS
from ingestion.csv_file.chunk_digests import ChunkDigests
from ingestion.csv_file.chunk_spans import ChunkSpan, FileFormat
from ingestion.csv_file.dialect import Dialect, find_dialect
from ingestion.csv_file.encodings import UTF8_BOM, UTF8_BY_BOM, ChosenBy, Encoding, EncodingDetector, refuse_binary
from ingestion.csv_file.end_marks import EndMarks
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.framing import RowFramer
from ingestion.csv_file.quoting import RowEnds
from ingestion.csv_file.repeated_headers import RepeatedHeaders
from ingestion.csv_file.row_checks import visible
from ingestion.errors import RefusalCode, Refused
from ingestion.file_warnings import FileWarning, WarningCode

MOST_LINES: Final = 2**31 - 1
"""Lines are numbered by PostgreSQL's integer."""

MOST_ROWS: Final = 2**30 - 1
"""A session's id has so many numbers for the rows of a batch (migrations/0001)."""

_BLANK_LINES = b" \t\r\n\v\f" + "".join(DELIMITERS).encode()


class ScannedText(BaseModel):
    """What one pass over a file's text finds. `encoding` is that of the upload, `format.encoding` the text's."""

    model_config = ConfigDict(frozen=True)

    format: FileFormat
    encoding: str
    encoding_chosen_by: ChosenBy
    text_bytes: int
    rows: int
    warnings: tuple[FileWarning, ...]
    chunks: tuple[ChunkSpan, ...]


class TextScan:
    """Takes a file's text in blocks of any size; raises `Refused` as soon as it can't be imported."""

    def __init__(self, limits: Limits, known_headers: Collection[str]) -> None:
        self._limits = limits
        self._known_headers = known_headers
        self._encoding = EncodingDetector()
        self._end = EndMarks()
        self._size_bytes = 0
        self._head = b""
        self._head_start = 0
        self._head_line = 1
        self._has_bom = False
        self._body: tuple[Dialect, RowFramer] | None = None

    def feed(self, block: bytes) -> None:
        """Take the next *block*."""
        self._size_bytes += len(block)
        for text in self._end.feed(block):
            self._take(text)

    def digest(self, text: bytes, digests: ChunkDigests) -> None:
        """Have the chunks digested, of which *text* was fed just now."""
        framer = self._body[1] if self._body else None
        if framer:
            digests.feed(text, framer.spans, framer.chunk_start, framer.position)
        else:
            digests.feed(text, (), 0, 0)

    def _take(self, text: bytes) -> None:
        self._encoding.feed(text)
        if self._body:
            self._body[1].feed(text)
            return
        self._head += text
        if len(self._head) > self._limits.row:
            self._skip_to_header()
        if len(self._head) > self._limits.row:
            self._body = self._open(whole=False)

    def finish(self, declared: Encoding | None = None) -> ScannedText:
        """Take the end of the file; *declared* is the UTF-16 that it was transcoded from."""
        if not self._body:
            self._skip_to_header()
        dialect, framer = self._body = self._body or self._open(whole=True)
        framer.finish()
        self._hold_limits(framer)
        encoding = self._encoding.finish(declared or (UTF8_BY_BOM if self._has_bom else None))
        return ScannedText(
            format=_format(dialect, "utf-8" if declared else encoding.name),
            encoding=encoding.name,
            encoding_chosen_by=encoding.chosen_by,
            text_bytes=self._size_bytes,
            rows=framer.rows,
            warnings=self._warnings(dialect, framer),
            chunks=tuple(framer.spans),
        )

    def _open(self, *, whole: bool) -> tuple[Dialect, RowFramer]:
        """Find the dialect in the head, and hand what follows the header to a framer."""
        dialect = find_dialect(self._head, self._known_headers, whole=whole)
        data_line = self._head_line + dialect.data_line - 1
        by_cells = max(1, self._limits.chunk_cells // dialect.columns)
        limits = replace(self._limits, chunk_rows=min(self._limits.chunk_rows, by_cells))
        framer = RowFramer(
            dialect.delimiter,
            limits,
            self._head_start + dialect.data_start,
            data_line,
            _repeated_headers(dialect, self._known_headers),
            self._head_line + dialect.data_sheet_row - 1,
        )
        framer.feed(self._head[dialect.data_start :])
        self._head = b""
        return dialect, framer

    def _hold_limits(self, framer: RowFramer) -> None:
        """Raise `Refused(TOO_LARGE)` for more rows than can be numbered."""
        for numbered, most, name in ((framer.line, MOST_LINES, "lines"), (framer.rows, MOST_ROWS, "rows")):
            if numbered > most:
                raise Refused(
                    RefusalCode.TOO_LARGE, f"The file has more than {most:,} {name}; split it into several files."
                )

    def _warnings(self, dialect: Dialect, framer: RowFramer) -> tuple[FileWarning, ...]:
        counts = {footer.said for footer in framer.footers if footer.said is not None}
        return _warnings(
            (WarningCode.PREAMBLE_ROWS, dialect.preamble_rows),
            (WarningCode.REPEATED_HEADERS, framer.repeated_headers),
            (WarningCode.REPEATED_COLUMNS, int(dialect.repeats_differ)),
            (WarningCode.FOOTER_ROWS, len(framer.footers)),
            (WarningCode.FOOTER_COUNT_DIFFERS, len(counts - {framer.rows})),
            (WarningCode.END_OF_FILE_MARKS, int(self._end.has_marks)),
            (WarningCode.LOST_CHARACTERS, framer.lost_runs),
            (WarningCode.ENCODED_TWICE, self._encoding.encoded_twice),
            (WarningCode.ENCODING_UNSURE, int(self._encoding.is_unsure)),
        )

    def _skip_to_header(self) -> None:
        """Move past the byte order mark and the blank lines that a file begins with."""
        if not self._head_start:
            refuse_binary(self._head)
        self._drop_bom()
        self._drop_blank_lines()

    def _drop_bom(self) -> None:
        """Move past the byte order mark, and past the second one that some tools put before it."""
        while self._head.startswith(UTF8_BOM):
            self._has_bom = True
            self._head = self._head.removeprefix(UTF8_BOM)
            self._head_start += len(UTF8_BOM)

    def _drop_blank_lines(self) -> None:
        """Move past the blank lines that the head begins with, but for a last byte that may be half a line end."""
        filled = len(self._head) - len(self._head.lstrip(_BLANK_LINES))
        blank_until = max(self._head.rfind(b"\n", 0, filled), self._head.rfind(b"\r", 0, filled)) + 1
        dropped = self._head[: min(blank_until, len(self._head) - 1)]
        self._head = self._head[len(dropped) :]
        self._head_line += dropped.count(b"\n") + dropped.count(b"\r") - dropped.count(b"\r\n")
        self._head_line -= dropped.endswith(b"\r") and self._head.startswith(b"\n")
        self._head_start += len(dropped)


def _repeated_headers(dialect: Dialect, known: Collection[str]) -> RepeatedHeaders | None:
    if not dialect.has_header_row:
        return None
    header = _cells(dialect, dialect.header.decode("utf-8", "replace"))
    return RepeatedHeaders(header, known, dialect.delimiter, dialect.shape.tail)


def _format(dialect: Dialect, encoding: str) -> FileFormat:
    header = dialect.header.decode(encoding, "surrogateescape")
    return FileFormat(
        encoding=encoding,
        delimiter=dialect.delimiter,
        header=tuple(map(visible, _cells(dialect, header))) if header else (),
        columns=dialect.columns,
        has_header_row=dialect.has_header_row,
        width=dialect.shape.width,
        tail=dialect.shape.tail,
        is_wrapped=dialect.shape.is_wrapped,
    )


def _cells(dialect: Dialect, header: str) -> list[str]:
    """The names of a header row, out of what stands around every row."""
    ends = RowEnds(dialect.delimiter)
    row = header.rstrip("\r\n")
    cells = ends.cut(row) or []
    cells = ends.cut(cells[0]) or [] if dialect.shape.is_wrapped else cells
    return [*cells[:-1], cells[-1].removesuffix(dialect.shape.tail)] if dialect.shape.tail else cells


def _warnings(*counts: tuple[WarningCode, int]) -> tuple[FileWarning, ...]:
    return tuple(FileWarning(code=code, count=count) for code, count in counts if count)
