"""What `_error_batch` may name: whose error file it is decides what comes in as new, and nothing else does."""

from typing import Any

import pytest

from ingestion.config import settings
from ingestion.database.connection import Connection
from retention.sweep import retention
from tests.stages.conftest import Pipeline
from tests.stages.test_corrections import (
    KEY,
    MENDED,
    ONE_OF_EACH,
    counts,
    faults,
    mended,
    saved,
    table_of,
    without_mentor,
)
from tests.stages.test_corrections_at_once import age, correction_of, known, second

__all__ = ["known", "second"]

OTHER = "incoming/mentors_ukraine/mentors-ukraine-2026-q1/other.csv"
LANGUAGE = "incoming/language_ukraine/language-ukraine-2026-03/sessions.csv"


def sessions(pipeline: Pipeline) -> list[list[Any]]:
    return pipeline.db.run("SELECT program_type, external_session_id FROM kintell_sessions ORDER BY 1, 2")


def test_the_error_file_of_a_dry_run_brings_its_mended_rows_and_no_others(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode(), dry_run="true")
    assert first["dry_run"]
    child = known.load(MENDED, correction_of(known, first))
    assert (child["status"], *counts(child)) == ("completed", 1, 3)
    assert (child["parent_batch_id"], child["dry_run"]) == (first["id"], False)
    assert sorted(faults(known, child), key=str) == sorted(faults(known, first)[:3], key=str)
    assert sessions(known) == [["mentors_ukraine", "MS-4"]]


def test_the_error_file_of_an_archived_batch_is_read_as_it_is_with_a_warning(
    known: Pipeline, second: Connection
) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    body = correction_of(known, first)
    age(known, first, 400)
    retention(second, settings())
    assert known.batch(first["id"])["status"] == "archived"
    child = known.load(MENDED, body)
    assert {"code": "corrected_rows_gone", "count": 4} in child["csv_metadata"]["warnings"]
    assert (child["parent_batch_id"], child["rating_scale"]) == (first["id"], first["rating_scale"])


def test_anybody_may_bring_back_an_error_file(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    body = correction_of(known, first)
    version = known.s3.put_object(Bucket="test-uploads", Key=MENDED, Body=body)["VersionId"]
    batch_id = known.deliver(MENDED, version, len(body), principal="AWS:somebody-else")["batch_id"]
    child = known.run(batch_id)
    assert counts(child) == (1, 3)
    assert (first["imported_by"], child["imported_by"]) == ("AWS:operator", "AWS:somebody-else")


def test_rows_that_name_a_batch_of_another_programme_are_stored_under_that_which_was_given(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    other = known.load(LANGUAGE, saved(without_mentor(mended(table_of(known, first), str(first["id"]), ""))))
    assert other["program_type"] == "language_ukraine"
    before = sessions(known)
    table = mended(mended(table_of(known, first), "03/05/2026", "2026-05-03"), str(first["id"]), str(other["id"]))
    child = known.load(OTHER, saved(table))
    assert (child["program_type"], child["parent_batch_id"]) == ("mentors_ukraine", None)
    assert ["mentors_ukraine", "MS-4"] in sessions(known)
    assert [row for row in sessions(known) if row[0] == "language_ukraine"] == [
        row for row in before if row[0] == "language_ukraine"
    ]


@pytest.mark.parametrize("named", ["neither", "first", "other"])
@pytest.mark.parametrize("order", [1, -1])
def test_rows_of_two_error_files_are_refused_whichever_is_named(known: Pipeline, named: str, order: int) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    other = known.load(OTHER, ONE_OF_EACH.replace("MS-", "MX-").encode())
    rows = [*table_of(known, first)[1:], *table_of(known, other)[1:]][::order]
    options = {} if named == "neither" else {"parent_batch": str({"first": first, "other": other}[named]["id"])}
    answer = known.upload(MENDED, saved([table_of(known, first)[0], *rows]), **options)
    assert (answer["state"], answer["refusal"]) == ("refused", "no_such_parent_batch")


def test_the_error_file_of_another_batch_than_the_uploader_names_is_refused(known: Pipeline) -> None:
    """Compared with the wrong batch, rows that were cut or padded to fit would come in as new."""
    first = known.load(KEY, ONE_OF_EACH.encode())
    other = known.load(OTHER, ONE_OF_EACH.replace("MS-", "MX-").encode())
    answer = known.upload(MENDED, correction_of(known, first), parent_batch=str(other["id"]))
    assert (answer["state"], answer["refusal"]) == ("refused", "no_such_parent_batch")
    message = known.db.run("SELECT refusal_message FROM uploads WHERE id = :id", id=answer["upload_id"])[0][0]
    assert str(first["id"]) in message
    assert str(other["id"]) in message
