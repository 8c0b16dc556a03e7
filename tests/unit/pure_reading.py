"""A whole file read by the pure core alone, as intake and stage read it: the quick way to try thousands of files."""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final, NamedTuple

from ingestion.csv_file.chunk_reader import read_blocks
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass, ScannedFile
from ingestion.errors import Refused
from ingestion.faults import Reject
from ingestion.records import PROGRAMMES, get_programme
from ingestion.rows.columns import plan_columns
from ingestion.rows.validation import validate

KNOWN: Final = frozenset(
    name for programme in PROGRAMMES.values() for column in programme.columns for name in (column.name, *column.aliases)
)
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)


class Outcome(NamedTuple):
    """The outcome of a file; for one that was refused, only the code."""

    sessions: Sequence[Any] = ()
    rejects: Sequence[Reject] = ()
    refused: str | None = None
    scanned: ScannedFile | None = None

    @property
    def rejected_text(self) -> str:
        """All that the error file would hold of the rows themselves."""
        return "\n".join(cell for reject in self.rejects for cell in reject.row.cells)


def read(body: bytes, programme: str, limits: Limits | None = None) -> Outcome:
    """Read *body* as a file of the programme."""
    try:
        return _read(body, programme, limits or Limits())
    except Refused as refused:
        return Outcome(refused=refused.code.value)


def _read(body: bytes, programme: str, limits: Limits) -> Outcome:
    text = BytesIO()
    file_pass = FilePass(limits, KNOWN, text.write)
    file_pass.feed(body)
    scanned = file_pass.finish()
    plan = plan_columns(scanned.format.header, get_programme(programme))
    data = text.getvalue() if scanned.transformed else body
    sessions: list[Any] = []
    rejects: list[Reject] = []
    for span in scanned.chunks:
        for readable, unreadable, _filled in read_blocks(data[span.start : span.fetch_end], span, scanned.format):
            validated = validate(readable, plan, now=NOW, scale=None)
            sessions += validated.sessions
            rejects += [*unreadable, *validated.rejects]
    assert scanned.rows == len(sessions) + len(rejects)
    return Outcome(sessions, rejects, scanned=scanned)
