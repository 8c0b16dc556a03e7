"""Valid rows on their way into the staging table, in COPY's text format."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from uuid import UUID
from zlib import crc32

from ingestion import copy_text
from ingestion.copy_text import NULL, arrays, plain, texts
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
        self._chunk = str(chunk)
        self._shard_count = shard_count
        self.lines: list[str] = []
        self.numbers: list[int] = []

    def __len__(self) -> int:
        return len(self.lines)

    def add_sessions(self, sessions: Sequence[SessionRow], people: People) -> None:
        """Add sessions; people without an id go by email, to be created when the file is weighed."""
        if not sessions:
            return
        (numbers, lines, session_ids, participants, volunteers, scheduled, completed, *rest) = zip(
            *sessions, strict=True
        )
        (durations, ratings, feedback, focus, levels, topics, metadata) = rest
        participant_ids = [people.ids.get(email) for email in participants]
        volunteer_ids = [people.ids.get(email) for email in volunteers]
        self.numbers += numbers
        self.lines += copy_text.lines(
            repeat(self._chunk),
            self._shards(session_ids),
            plain(numbers),
            plain(lines),
            texts(session_ids),
            plain(participant_ids),
            plain(volunteer_ids),
            _unknown(participants, participant_ids),
            _unknown(volunteers, volunteer_ids),
            plain(scheduled),
            plain(completed),
            plain(durations),
            plain(ratings),
            texts(feedback),
            texts(focus),
            plain(levels),
            arrays(topics),
            texts(metadata),
        )

    def add_people(self, people: Sequence[PersonRow]) -> None:
        """Add rows of the roster."""
        if not people:
            return
        numbers, lines, emails, names, urls, statuses, roles, access, joined = zip(*people, strict=True)
        self.numbers += numbers
        self.lines += copy_text.lines(
            repeat(self._chunk),
            self._shards(emails),
            plain(numbers),
            plain(lines),
            *map(texts, (emails, names, urls, statuses, roles, access)),
            plain(joined),
        )

    def _shards(self, keys: Sequence[str]) -> Iterable[str]:
        """The shard of each key: the same in every chunk, so that a key lives in one shard."""
        if self._shard_count == 1:
            return repeat("0")
        return [str(crc32(key.encode()) % self._shard_count) for key in keys]


def _unknown(emails: Sequence[str], ids: Sequence[int | None]) -> Iterable[str]:
    """The emails of those who have no id."""
    if None not in ids:
        return repeat(NULL)
    return texts([email if user_id is None else None for email, user_id in zip(emails, ids, strict=True)])


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
        yield ("\n".join(lines[start : start + LINES_PER_BLOCK]) + "\n").encode()
