"""BI tools read the views of `reporting` with the grants that the decision names, and learn of nobody who they are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.database.connection import Connection
from ingestion.records.record_type import Part
from ingestion.records.session import SESSION
from tests.conftest import FUNCTIONS
from tests.db.test_audit import INSUFFICIENT_PRIVILEGE
from tests.db.world import add_batch, add_instance, add_session, add_user, refused

DECISION = Path(__file__).parents[2] / "docs/decisions/0019-reporting-views.md"
GRANTS, ADDRESSES = re.findall(r"```sql\n(.*?)```", DECISION.read_text(encoding="utf-8"), re.DOTALL)
OPEN = ("sessions", "people", "batches", "files", "program_instances")


@pytest.fixture
def reader(db: Connection) -> Iterator[Connection]:
    """The role of a BI tool, and a session to read."""
    people = {"participant_id": add_user(db), "volunteer_id": add_user(db, "volunteer")}
    add_session(db, batch_id=add_batch(db, "completed"), program_instance_id=add_instance(db), **people)
    db.run(GRANTS)
    db.run("SET LOCAL ROLE kintell_reporting")
    yield db
    db.run("RESET ROLE")


KEPT_FROM_REPORTS = {"feedback_text", "metadata"}
"""They may hold anything."""


def test_a_report_has_each_field_of_a_session_or_withholds_it(db: Connection) -> None:
    shown = db.run(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = 'reporting.sessions'::regclass AND attnum > 0"
    )
    fields = {field.name for field in SESSION.fields if field.part is not Part.PERSON}
    assert fields - {name for (name,) in shown} == KEPT_FROM_REPORTS, (
        "a migration adds the field to the view reporting.sessions, or KEPT_FROM_REPORTS names it"
    )


def test_a_session_comes_with_its_people_batch_file_and_instance(reader: Connection) -> None:
    found = reader.run(
        """
        SELECT p.role, v.role, b.status, f.state, i.program_type, s.version
          FROM reporting.sessions s
          JOIN reporting.people p ON p.person_id = s.participant_id
          JOIN reporting.people v ON v.person_id = s.volunteer_id
          JOIN reporting.batches b ON b.batch_id = s.batch_id
          JOIN reporting.files f ON f.batch_id = b.batch_id
          JOIN reporting.program_instances i ON i.slug = s.instance_slug
        """
    )
    assert found == [["participant", "volunteer", "completed", "waiting", "mentors_ukraine", 1]]


@pytest.mark.parametrize("view", OPEN)
def test_no_view_tells_who_somebody_is(reader: Connection, view: str) -> None:
    for (text,) in reader.run(f"SELECT CAST(v AS text) FROM reporting.{view} v"):
        assert "@" not in text
        assert ".csv" not in text


@pytest.mark.parametrize(
    "relation", ["reporting.person_addresses", "users", "kintell_sessions", "uploads", "audit_logs"]
)
def test_addresses_and_tables_are_closed(reader: Connection, relation: str) -> None:
    with refused(reader, INSUFFICIENT_PRIVILEGE):
        reader.run(f"SELECT * FROM {relation}")


def test_nothing_can_be_written_through_a_view(reader: Connection) -> None:
    with refused(reader, INSUFFICIENT_PRIVILEGE):
        reader.run("UPDATE reporting.people SET role = 'volunteer'")


def test_addresses_are_granted_by_themselves(reader: Connection) -> None:
    reader.run("RESET ROLE")
    reader.run(ADDRESSES)
    reader.run("SET LOCAL ROLE kintell_reporting")
    assert reader.run("SELECT count(*) FROM reporting.person_addresses WHERE email LIKE '%@example.org'") == [[2]]


def test_neither_everybody_nor_the_functions_may_read_reports(db: Connection) -> None:
    for role in ("pg_monitor", FUNCTIONS):
        assert db.run("SELECT has_schema_privilege(:role, 'reporting', 'USAGE')", role=role) == [[False]]
