"""Valid rows on their way into the staging table, in COPY's text format."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from uuid import UUID
from zlib import crc32

from ingestion import copy_text
from ingestion.copy_text import NULL, arrays, moments, repeated, texts
from ingestion.db import Connection
from ingestion.tables import staging
from ingestion.tables.staging import RowRefused
from ingestion.tables.targets import Target
from ingestion.validation import Validated
from stage.people import People

LINES_PER_BLOCK = 4_000
"""About a mebibyte of usual rows; COPY is slower in smaller blocks."""
LINES_AFTER_REFUSAL = 500
"""Once the database refuses a row, fewer go at once: those around a refused row are sent again."""


_PERSON_TEXTS = ("email", "name", "linkedin_url", "verification_status", "role", "grant_access")


class StagedRows:
    """The rows of a chunk as lines of COPY, in file order."""

    def __init__(self, chunk: int, shard_count: int) -> None:
        self._chunk = str(chunk)
        self._shard_count = shard_count
        self.lines: list[str] = []
        self.numbers: list[int] = []

    def __len__(self) -> int:
        return len(self.lines)

    def add_sessions(self, valid: Validated, people: People) -> None:
        """Add sessions; people without an id go by email, to be created when the file is weighed."""
        columns, written = valid.columns, _written(valid)
        participant_ids = list(map(people.ids.get, columns["participant_email"]))
        volunteer_ids = list(map(people.ids.get, columns["volunteer_email"]))
        self.numbers += columns["row_number"]
        self.lines += copy_text.lines(
            repeat(self._chunk),
            self._shards(columns["external_session_id"]),
            map(str, columns["row_number"]),
            map(str, columns["line"]),
            texts(columns["external_session_id"]),
            repeated(participant_ids),
            repeated(volunteer_ids),
            _unknown(columns["participant_email"], participant_ids),
            _unknown(columns["volunteer_email"], volunteer_ids),
            moments(columns["scheduled_at"], written["scheduled_at"]),
            moments(columns["completed_at"], written["completed_at"]),
            repeated(columns["duration_minutes"]),
            repeated(columns["rating_given"]),
            texts(columns["feedback_text"]),
            texts(columns["focus_area"]),
            repeated(columns["language_level"]),
            arrays(columns["topics"]),
            texts(columns["metadata"]),
        )

    def add_people(self, valid: Validated) -> None:
        """Add rows of the roster."""
        columns, written = valid.columns, _written(valid)
        self.numbers += columns["row_number"]
        self.lines += copy_text.lines(
            repeat(self._chunk),
            self._shards(columns["email"]),
            map(str, columns["row_number"]),
            map(str, columns["line"]),
            *(texts(columns[field]) for field in _PERSON_TEXTS),
            moments(columns["joined_at"], written["joined_at"]),
        )

    def _shards(self, keys: Sequence[str]) -> Iterable[str]:
        """The shard of each key: the same in every chunk, so that a key lives in one shard."""
        if self._shard_count == 1:
            return repeat("0")
        return [str(crc32(key.encode()) % self._shard_count) for key in keys]


def _written(valid: Validated) -> defaultdict[str, Iterable[str | None]]:
    """The texts of moments; none of those that the file lacks."""
    return defaultdict(lambda: [None] * len(valid.columns["row_number"]), valid.written)


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
