"""Random sequences of imports, people, mended error files, retries and corrections, against a model of single rows."""

from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import pytest

from api import corrections
from api.problems import Problem
from api.retries import retry
from ingestion.config import settings
from ingestion.database.connection import connection, rows
from ingestion.database.queries.retryable import batches_to_retry
from ingestion.database.tables import batches
from ingestion.sign_in.actors import LOCAL
from ingestion.values.dates import NOTHING_DECLARED
from tests.stages.conftest import Pipeline
from tests.stages.test_correcting_rows import deliver
from tests.stages.test_corrections import MENDED, saved, table_of
from tests.stages.test_open_rows import a_file, a_row

PEOPLE = [f"person{number}@example.org" for number in range(4)]
BAD = "soonT10:00:00Z"
GOOD = "2026-04-04T10:00:00Z"


@dataclass
class Row:
    """A row by its key. `current` is the batch that has what somebody last wrote of it; its date is good or not."""

    first: UUID
    person: str
    current: UUID
    is_dated: bool
    is_imported: bool = False


@dataclass
class Model:
    """What should be there."""

    known: set[str] = field(default_factory=set)
    rows: dict[str, Row] = field(default_factory=dict)
    rejected: dict[UUID, dict[str, bool]] = field(default_factory=dict)
    """The rows that each batch rejected, and whether their dates were good there."""

    def bring(self, parent: UUID, child: UUID, mended: dict[str, bool]) -> None:
        """Rows of *parent* come back in *child*, each mended or not."""
        self.rejected[child] = {}
        for key, is_mended in mended.items():
            row, is_dated = self.rows[key], self.rejected[parent][key] or is_mended
            if is_mended:
                row.current, row.is_dated = child, True
            if is_dated and row.person in self.known:
                row.is_imported = True
            else:
                self.rejected[child][key] = is_dated

    def passing(self, batch: UUID) -> set[str]:
        return {key for key in self.retryable(batch) if self.rows[key].person in self.known}

    def retryable(self, batch: UUID) -> set[str]:
        return {key for key, row in self.rows.items() if row.current == batch and row.is_dated and not row.is_imported}

    def open(self, batch: UUID) -> int:
        return sum(row.first == batch and not row.is_imported for row in self.rows.values())


class Sequence:
    """Does something at random, to the system and to the model."""

    def __init__(self, pipeline: Pipeline, seed: int) -> None:
        self.pipeline, self.random, self.model = pipeline, Random(seed), Model()
        self._count = 0

    def _name(self) -> str:
        self._count += 1
        return f"incoming/mentors_ukraine/mentors-ukraine-2026-q1/file-{self._count}.csv"

    def new_file(self) -> None:
        lines, said = [], {}
        for _ in range(self.random.randint(1, 6)):
            self._count += 1
            person, is_dated = self.random.choice(PEOPLE), self.random.random() < 0.6
            lines.append(a_row(self._count, person, "2026-03-02" if is_dated else "soon"))
            said[f"MS-{self._count}"] = (person, is_dated)
        batch = self.pipeline.load(self._name(), a_file(*lines))["id"]
        self.model.rejected[batch] = {}
        for key, (person, is_dated) in said.items():
            is_in = is_dated and person in self.model.known
            self.model.rows[key] = Row(batch, person, batch, is_dated, is_in)
            if not is_in:
                self.model.rejected[batch][key] = is_dated

    def new_person(self) -> None:
        person = self.random.choice(PEOPLE)
        self.pipeline.know(person)
        self.model.known.add(person)

    def _choose(self, *, only_open: bool) -> tuple[UUID, dict[str, bool]] | None:
        """A batch, and some of its rejected rows: whether each is mended now."""
        some = [batch for batch, rejected in self.model.rejected.items() if rejected]
        if not some:
            return None
        batch = self.random.choice(some)
        keys = [key for key in self.model.rejected[batch] if not (only_open and self.model.rows[key].is_imported)]
        chosen = self.random.sample(keys, self.random.randint(1, len(keys))) if keys else []
        mended = {key: not self.model.rejected[batch][key] and self.random.random() < 0.6 for key in chosen}
        return (batch, mended) if mended else None

    def error_file(self) -> None:
        if (chosen := self._choose(only_open=False)) is None:
            return
        parent, mended = chosen
        header, *table = table_of(self.pipeline, self.pipeline.batch(str(parent)))
        kept = [[GOOD if cell == BAD and mended[row[0]] else cell for cell in row] for row in table if row[0] in mended]
        child = self.pipeline.load(
            f"{MENDED}-{self._name().rpartition('/')[2]}", saved([header, *kept]), force="true", force_reason="x"
        )
        self.model.bring(parent, child["id"], mended)

    def correction(self) -> None:
        if (chosen := self._choose(only_open=True)) is None:
            return
        parent, mended = chosen
        header, *table = table_of(self.pipeline, self.pipeline.batch(str(parent)))
        number = {row[0]: int(row[header.index("_error_row")]) for row in table}
        db = connection(settings())
        cells = {number[key]: ({"scheduled_at": GOOD} if is_mended else {}) for key, is_mended in mended.items()}
        made = corrections.corrected(db, batches.get(db, parent), cells)
        child = deliver(self.pipeline, corrections.import_rows(db, made, LOCAL))
        self.model.bring(parent, child["id"], mended)

    def retry(self) -> None:
        if not self.model.rejected:
            return
        batch = self.random.choice(list(self.model.rejected))
        passing = self.model.passing(batch)
        try:
            child = retry(connection(settings()), batch, NOTHING_DECLARED, LOCAL)
        except Problem:
            assert not passing
            return
        ended = self.pipeline.run(str(child))
        assert (ended["inserted_rows"], ended["total_rows"]) == (len(passing), len(passing))
        self.model.rejected[child] = {}
        for key in passing:
            self.model.rows[key].is_imported = True

    def check(self) -> None:
        stored = {key for (key,) in self.pipeline.db.run("SELECT external_session_id FROM kintell_sessions")}
        assert stored == {key for key, row in self.model.rows.items() if row.is_imported}
        found = rows(self.pipeline.db, "SELECT id, open_rows, retryable_rows FROM batch_view")
        counted = {one["id"]: (one["open_rows"], one["retryable_rows"]) for one in found}
        ids = self.model.rejected
        assert counted == {batch: (self.model.open(batch), len(self.model.retryable(batch))) for batch in ids}
        would_pass = {one["batch_id"]: one["would_pass"] for one in batches_to_retry(self.pipeline.db)}
        assert would_pass == {batch: len(some) for batch in ids if (some := self.model.passing(batch))}


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_open_and_stored_as_in_the_model(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(corrections, "WAIT_SECONDS", 0.0)
    pipeline.know("kari@acme.com")
    sequence = Sequence(pipeline, seed)
    sequence.new_file()
    deeds: list[Any] = [
        sequence.new_file,
        sequence.new_person,
        sequence.error_file,
        sequence.correction,
        sequence.retry,
    ]
    for _ in range(14):
        sequence.random.choice(deeds)()
        sequence.check()
