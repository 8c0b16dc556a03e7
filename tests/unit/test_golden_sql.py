"""The generated statements, as they are committed: whoever changes how SQL is made sees what it is made to.

`KINTELL_WRITE_GOLDEN=1 pytest tests/unit/test_golden_sql.py` writes them anew. Whether they are right, the tests on
PostgreSQL say; here no server runs them.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import UUID

import pytest

from ingestion.database.publishing import merge_sql, plans, reconciliation
from ingestion.database.publishing.merge_sql import Merging
from ingestion.database.publishing.plans import Planned
from ingestion.database.publishing.reconciliation import Reconciling
from ingestion.database.publishing.targets import target_of
from ingestion.database.queries import changes, lineage, people_lookups
from ingestion.database.tables import people
from ingestion.records import PERSON, SESSION, RecordType
from ingestion.values.ratings import Scale

FOLDER = Path(__file__).with_name("golden")
BATCH = UUID(int=0)


class Written:
    """In a connection's place: keeps the statements, and says of everything that there is one."""

    row_count = 1

    def __init__(self) -> None:
        self.statements: list[str] = []

    def run(self, sql: str, **_given: Any) -> list[list[int]]:
        self.statements.append(sql)
        return [[1, 1]]


def statements(record: RecordType) -> Iterator[tuple[str, list[str]]]:
    """What a batch of two shards, of which one is left to merge, is published with; then what reads it back."""
    target = target_of(record)
    every = frozenset(field.name for field in record.stored)
    must = frozenset(field.name for field in record.stored if field.column.required)
    cases = [
        ("every column, ratings from 1 to 5", every, Scale.ONE_TO_FIVE, 0),
        ("required columns alone", must, None, 7),
    ]
    if target.ratings:
        cases.append(("ratings from 0 to 1", every, Scale.ZERO_TO_ONE, 0))
    for title, present, scale, starts_at in cases:
        db: Any = Written()
        reconciliation.reconcile(db, Reconciling(BATCH, target, "any", scale, present, [1], 2))
        merge_sql.merge(db, Merging(BATCH, 1, starts_at, target, scale, present, "any", 1))
        yield title, db.statements
    db = Written()
    merge_sql.published(db, BATCH, target)
    merge_sql.remove_published(db, BATCH, target)
    yield "counting and taking back", db.statements
    db = Written()
    reconciling = Reconciling(BATCH, target, "any", Scale.ONE_TO_FIVE if target.ratings else None, every, [1], 2)
    planned = Planned(BATCH, target, "any")
    plans.keep(db, reconciling)
    plans.find(db, planned)
    plans.count_changed(db, reconciling, BATCH)
    plans.leave_out_changed(db, reconciling)
    yield "planning and committing", db.statements
    yield "what an import changed", [changes.of_import_sql(record, None)]
    if record.people:
        db = Written()
        people.create_staged(db, BATCH, record.people)
        people.number_staged(db, BATCH, record.people)
        yield "people whom staged rows name by address", db.statements
        yield "lineage", [lineage.records_of_batch_sql(record), lineage.versions_of_record_sql(record)]
    if record is SESSION:
        yield "sessions of a person", [people_lookups.SESSIONS_OF_PERSON]


def text_of(record: RecordType) -> str:
    lines = [f"-- Generated for {record.name}: see tests/unit/test_golden_sql.py."]
    for title, found in statements(record):
        lines.append(f"-- {title}")
        lines += [f"{dedent(sql.strip(chr(10)).rstrip())};" for sql in found if not sql.startswith("SET LOCAL")]
    return "\n\n".join(lines).replace(BATCH.hex, "batch") + "\n"


@pytest.mark.parametrize("record", [SESSION, PERSON], ids=lambda record: record.name)
def test_the_generated_statements_are_those_that_are_committed(record: RecordType) -> None:
    file = FOLDER / f"{record.name}.sql"
    if os.environ.get("KINTELL_WRITE_GOLDEN"):
        file.write_text(text_of(record))
    assert text_of(record) == file.read_text()
