"""Valid rows on their way into the staging table, in COPY's text format."""

from collections.abc import Iterator, Sequence
from uuid import UUID
from zlib import crc32

from ingestion.copy_text import NULL, plain, text, text_array
from ingestion.db import Connection
from ingestion.tables import staging
from ingestion.tables.staging import RowRefused
from ingestion.tables.targets import Target
from ingestion.validation import PersonRow, SessionRow

from stage.people import People

LINES_PER_BLOCK = 4_000
"""About a mebibyte of usual rows; COPY is slower in smaller blocks."""
LINES_AFTER_REFUSAL = 500
"""Once the database refuses a row, fewer go at once: those around a refused row are sent again."""


class StagedRows:
    """The rows of a chunk as lines of COPY, in file order."""

    def __init__(self, chunk: int, shard_count: int) -> None:
        self._chunk = chunk
        self._shard_count = shard_count
        self.lines: list[str] = []
        self.numbers: list[int] = []

    def __len__(self) -> int:
        return len(self.lines)

    def add_sessions(self, sessions: Sequence[SessionRow], people: People) -> None:
        """Add sessions; people without an id go by email, to be created when the file is weighed."""
        ids, chunk = people.ids, self._chunk
        self.numbers += [row.row_number for row in sessions]
        for row in sessions:
            (number, line, session_id, participant, volunteer, scheduled, completed, duration, rating) = row[:9]
            feedback, focus, level, topics, metadata = row[9:]
            participant_id, volunteer_id = ids.get(participant), ids.get(volunteer)
            self.lines.append(
                f"{chunk}\t{self._shard(session_id)}\t{number}\t{line}\t{text(session_id)}"
                f"\t{NULL if participant_id is None else participant_id}\t{NULL if volunteer_id is None else volunteer_id}"
                f"\t{text(participant) if participant_id is None else NULL}"
                f"\t{text(volunteer) if volunteer_id is None else NULL}"
                f"\t{scheduled}\t{plain(completed)}\t{plain(duration)}\t{plain(rating)}\t{text(feedback)}\t{text(focus)}"
                f"\t{level or NULL}\t{text_array(topics)}\t{text(metadata)}\n"
            )

    def add_people(self, people: Sequence[PersonRow]) -> None:
        """Add rows of the roster."""
        self.numbers += [row.row_number for row in people]
        for row in people:
            self.lines.append(
                f"{self._chunk}\t{self._shard(row.email)}\t{row.row_number}\t{row.line}\t{text(row.email)}"
                f"\t{text(row.name)}\t{text(row.linkedin_url)}\t{text(row.verification_status)}\t{row.role}"
                f"\t{text(row.grant_access)}\t{plain(row.joined_at)}\n"
            )

    def _shard(self, key: str) -> int:
        """The shard of a key: the same in every chunk, so that a key lives in one shard."""
        return crc32(key.encode()) % self._shard_count if self._shard_count > 1 else 0


def copy_rows(db: Connection, batch_id: UUID, target: Target, rows: StagedRows) -> dict[int, str]:
    """Put the rows into the staging table: the SQLSTATE of each that the database refused, by row number.

    Refused rows don't cost the others their place: what stands before one goes in, then what stands behind it.
    """
    refused: dict[int, str] = {}
    start, at_once = 0, len(rows)
    while start < len(rows):
        end = min(start + at_once, len(rows))
        try:
            staging.copy(db, batch_id, target, _blocks(rows.lines[start:end]))
        except RowRefused as refusal:
            at_once = LINES_AFTER_REFUSAL
            bad = start + refusal.index
            staging.copy(db, batch_id, target, _blocks(rows.lines[start:bad]))
            refused[rows.numbers[bad]] = refusal.sqlstate
            start = bad + 1
        else:
            start = end
    return refused


def _blocks(lines: Sequence[str]) -> Iterator[bytes]:
    for start in range(0, len(lines), LINES_PER_BLOCK):
        yield "".join(lines[start : start + LINES_PER_BLOCK]).encode()
