"""Corrections: rows that are mended by API are checked by the rules of an import and imported as a child batch."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from api import corrections, rejected_rows
from api.problems import Problem
from ingestion.config import settings
from ingestion.database.connection import connect, connection, rows
from ingestion.database.queries import batch_record
from ingestion.database.tables import batches
from ingestion.sign_in.actors import LOCAL
from local.postgres import Database
from tests.conftest import functions_secret_of
from tests.stages.conftest import UPLOADS, Pipeline
from tests.stages.test_corrections import KEY, ONE_OF_EACH
from tests.stages.test_open_rows import a_file, a_row, counts

Cells = dict[int, dict[str, str]]


@pytest.fixture
def known(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Stages that know two people."""
    pipeline.know("olena@example.org", "kari@acme.com")
    monkeypatch.setattr(corrections, "WAIT_SECONDS", 0.0)
    return pipeline


def judge(batch: dict[str, Any], cells: Cells) -> dict[int, list[str]]:
    db = connection(settings())
    mended = corrections.corrected(db, batches.get(db, batch["id"]), cells)
    return {number: [fault.code.value for fault in faults] for number, faults in corrections.judge(db, mended).items()}


@pytest.fixture
def correct(known: Pipeline) -> Callable[[dict[str, Any], Cells], dict[str, Any]]:
    """Correct rows; the record of the child."""

    def correct(batch: dict[str, Any], cells: Cells) -> dict[str, Any]:
        db = connection(settings())
        mended = corrections.corrected(db, batches.get(db, batch["id"]), cells)
        promised = corrections.import_rows(db, mended, LOCAL)
        return deliver(known, promised)

    return correct


def deliver(pipeline: Pipeline, promised: UUID) -> dict[str, Any]:
    """Deliver the event of the object that was written last, and import it."""
    sql = "SELECT key FROM uploads WHERE state = 'waiting' ORDER BY created_at DESC LIMIT 1"
    ((key,),) = pipeline.db.run(sql)
    head = pipeline.s3.head_object(Bucket=UPLOADS, Key=key)
    answer = pipeline.deliver(key, head["VersionId"], head["ContentLength"], principal="AWS:api")
    assert (answer["state"], answer["batch_id"]) == ("accepted", str(promised)), answer
    return pipeline.run(str(promised))


def page(batch: dict[str, Any], after: int = 0) -> list[dict[str, Any]]:
    db = connection(settings())
    found = batch_record.find(db, batch["id"])
    assert found
    return rejected_rows.page_of(db, batches.get(db, batch["id"]), found, 50, after)


def test_mended_rows_come_in_and_the_others_stay_open(
    known: Pipeline, correct: Callable[[dict[str, Any], Cells], dict[str, Any]]
) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    child = correct(first, {4: {"scheduled_at": "2026-05-03"}})
    assert (child["inserted_rows"], child["error_rows"], child["parent_batch_id"]) == (1, 0, first["id"])
    assert counts(known, first) == (3, 1, 0)
    states = [(row["row_number"], row["state"], row["corrected_by_batch_id"]) for row in page(first)]
    assert states == [(1, "open", None), (2, "open", None), (3, "open", None), (4, "corrected", child["id"])]
    assert rows(known.db, "SELECT details FROM audit_logs WHERE action = 'import_corrected'") == [
        {"details": {"rows": 1, "correctedBy": str(child["id"])}}
    ]


def test_rejected_rows_have_their_cells_as_they_are_handed_out(known: Pipeline) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    row = page(first, after=3)[0]
    assert row["cells"]["scheduled_at"] == "03/05/2026"
    assert (row["row_number"], row["line"]) == (4, 5)
    assert [(fault.code, fault.field, fault.value) for fault in row["faults"]] == [
        ("E003", "scheduled_at", "03/05/2026")
    ]
    assert [row["beyond"] for row in page(first)][:2] == [["CV"], None]


def test_a_row_that_is_left_as_it_was_keeps_its_faults_and_one_that_is_half_mended_has_the_others(
    known: Pipeline,
) -> None:
    first = known.load(KEY, a_file(a_row(1, date="soon"), a_row(2, "new@example.org", "later"), a_row(3)))
    cells: Cells = {1: {}, 2: {"scheduled_at": "2026-03-04"}}
    assert judge(first, cells) == {1: ["E003"], 2: ["E020"]}
    assert judge(first, {1: {"scheduled_at": "2026-03-04"}}) == {1: []}
    assert judge(first, {1: {"scheduled_at": "2026-03-04", "session_id": "MS-3"}}) == {1: []}
    known.know("new@example.org")
    assert judge(first, cells | {2: {"scheduled_at": "2026-03-04", "session_id": "MS-3"}}) == {1: ["E003"], 2: ["E030"]}


def test_what_is_said_of_rows_is_what_their_import_does(
    known: Pipeline, correct: Callable[[dict[str, Any], Cells], dict[str, Any]]
) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    cells: Cells = {
        1: {"goals_discussed": "CV"},
        2: {"duration_minutes": "60", "feedback_text": "=fine"},
        3: {"feedback_text": 'She said "hi" and left'},
        4: {"scheduled_at": "04/05/2026"},
    }
    judged = judge(first, cells)
    child = correct(first, cells)
    rejected = {number: [] for number in cells} | {
        number: [fault.code for fault in row["faults"]]
        for number, row in zip(sorted(n for n in cells if judged[n]), page(child), strict=True)
    }
    assert judged == rejected
    assert child["error_rows"] == sum(bool(codes) for codes in judged.values())


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        pytest.param({}, "no row", id="none"),
        pytest.param({5: {}}, "Row 5 is no rejected row", id="an accepted row"),
        pytest.param({99: {}}, "Row 99 is no rejected row", id="an unknown row"),
        pytest.param({4: {"place": "Bergen"}}, "no column place", id="an unknown column"),
    ],
)
def test_what_is_no_correction_makes_no_batch(known: Pipeline, cells: Cells, said: str) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    with pytest.raises(Problem) as problem:
        judge(first, cells)
    assert problem.value.status == 422
    assert said in str(problem.value)


def test_a_row_is_corrected_once(known: Pipeline, correct: Callable[[dict[str, Any], Cells], dict[str, Any]]) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())
    correct(first, {4: {"scheduled_at": "2026-05-03"}})
    with pytest.raises(Problem) as problem:
        correct(first, {4: {"scheduled_at": "2026-05-04"}})
    assert problem.value.status == 422


def test_the_same_corrections_at_once_are_one_batch(known: Pipeline, database: Database) -> None:
    first = known.load(KEY, ONE_OF_EACH.encode())

    def ask(_: int) -> None:
        own = connect(functions_secret_of(database))
        mended = corrections.corrected(own, batches.get(own, first["id"]), {4: {"scheduled_at": "2026-05-03"}})
        corrections.import_rows(own, mended, LOCAL)
        own.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(ask, range(3)))
    sql = "SELECT key, id FROM uploads WHERE state = 'waiting'"
    ((key, _), *_others) = known.db.run(sql)
    answers = [
        known.deliver(key, version["VersionId"], version["Size"], principal="AWS:api")
        for version in known.s3.list_object_versions(Bucket=UPLOADS, Prefix=key)["Versions"]
    ]
    assert sorted(answer["state"] for answer in answers) == ["accepted", "refused", "refused"]
    assert {answer["refusal"] for answer in answers} == {None, "already_imported"}
