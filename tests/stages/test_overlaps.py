"""How much files have in common: counted in the database, and by a model that keeps all rows in memory."""

import random
from typing import Any

import pytest

import reconcile.app
import stage.app
from ingestion.database.queries import earlier_files
from tests.stages.conftest import CONTEXT, Pipeline

FOLDER = "incoming/mentors_ukraine/mentors-ukraine-2026-q1/"
FIELDS = ("duration_minutes", "rating", "feedback_text")
PEOPLE = ("oksana@example.org", "ivan@example.org", "kari@acme.com")
Row = dict[str, str]
Contents = dict[str, Row]


def row(number: int, **values: str) -> Row:
    return {"session_id": f"MS-{number}", "participant_email": PEOPLE[0], **dict.fromkeys(FIELDS, ""), **values}


def file_of(rows: list[Row], fields: tuple[str, ...] = FIELDS) -> bytes:
    header = ",".join(("session_id", "participant_email", "mentor_email", "scheduled_at", *fields))
    lines = [
        ",".join((each["session_id"], each["participant_email"], PEOPLE[2], "2026-02-03", *(each[f] for f in fields)))
        for each in rows
    ]
    return "\n".join((header, *lines, "")).encode()


@pytest.fixture
def known(pipeline: Pipeline) -> Pipeline:
    pipeline.know(*PEOPLE)
    return pipeline


def overlaps_of(pipeline: Pipeline, batch: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Of each earlier batch: its name, same, changed, only here, only there, changed fields."""
    return [
        (each.file_name, each.same_rows, each.changed_rows, each.only_here, each.only_there, each.changed_fields)
        for each in earlier_files.overlaps(pipeline.db, batch["id"], 50)
    ]


def test_a_file_is_compared_with_the_one_before_it(known: Pipeline) -> None:
    october = [row(n, rating="4") for n in range(10)]
    known.load(f"{FOLDER}october.csv", file_of(october))
    november = [row(n, rating="5" if n < 2 else "4", feedback_text="later" if n == 0 else "") for n in range(1, 9)]
    found = known.load(f"{FOLDER}november.csv", file_of([*november, row(99)]))
    assert overlaps_of(known, found) == [("october.csv", 7, 1, 1, 2, {"rating": 1})]


def test_batches_that_only_found_rows_unchanged_are_compared_too(known: Pipeline) -> None:
    rows = [row(n, rating="4") for n in range(4)]
    known.load(f"{FOLDER}one.csv", file_of(rows))
    known.load(f"{FOLDER}two.csv", file_of(rows[::-1]))
    known.load(f"{FOLDER}three.csv", file_of([row(0, rating="5"), row(7)]))
    found = known.load(f"{FOLDER}four.csv", file_of([*rows[:2], row(8)]), dry_run="true")
    assert sorted(overlaps_of(known, found)) == [
        ("one.csv", 2, 0, 1, 2, {}),
        ("three.csv", 0, 1, 2, 1, {"rating": 1}),
        ("two.csv", 2, 0, 1, 2, {}),
    ]


def test_rosters_are_compared_by_address(known: Pipeline) -> None:
    header = "Email,Name,Linkedin_URL,Verification_status,Role when joined,grant_access,Joined_kg_at\n"
    first = header + "".join(f'p{n}@example.org,Person {n},,verified,mentor,yes,"Dec 14, 2025"\n' for n in range(3))
    known.load("incoming/kintell_users/one.csv", first.encode())
    found = known.load(
        "incoming/kintell_users/two.csv",
        first.replace("p1@example.org,Person 1,", "p1@example.org,Person 1,x").encode(),
    )
    assert overlaps_of(known, found) == [("one.csv", 2, 1, 0, 0, {"linkedin_url": 1})]


class Model:
    """What is stored, and what each import left of each id."""

    def __init__(self) -> None:
        self.stored: Contents = {}
        self.left: dict[str, Contents] = {}

    def load(self, name: str, rows: list[Row], fields: tuple[str, ...], *, is_dry: bool) -> Contents:
        stored, here = dict(self.stored), Contents()
        for each in rows:
            before = stored.get(each["session_id"])
            if before is not None and before["participant_email"] != each["participant_email"]:
                continue
            old = before or {**each, **dict.fromkeys(FIELDS, "")}
            stored[each["session_id"]] = here[each["session_id"]] = {**old, **{f: each[f] for f in fields}}
        if not is_dry:
            self.stored, self.left[name] = stored, here
        return here

    def overlaps(self, here: Contents, fields: tuple[str, ...], but: str) -> list[tuple[Any, ...]]:
        found = []
        for name, there in self.left.items():
            common = [(row, there[key]) for key, row in here.items() if key in there]
            changed = [[f for f in fields if one[f] != other[f]] for one, other in common]
            counts = {f: sum(f in each for each in changed) for f in fields}
            same = changed.count([])
            if common and name != but:
                only = (len(here) - len(common), len(there) - len(common))
                found.append((name, same, len(common) - same, *only, {f: n for f, n in counts.items() if n}))
        return sorted(found)


@pytest.mark.parametrize("seed", range(6))
def test_random_files_overlap_as_in_the_model(known: Pipeline, seed: int) -> None:
    chosen, model = random.Random(seed), Model()
    for number in range(7):
        fields = FIELDS if chosen.random() < 0.7 else FIELDS[:2]
        rows = [
            row(
                chosen.randrange(14),
                participant_email=PEOPLE[chosen.random() < 0.1],
                rating=chosen.choice(["4", "5", ""]),
                duration_minutes=chosen.choice(["30", "60"]),
                feedback_text=chosen.choice(["", "fine"]),
            )
            for _ in range(chosen.randrange(1, 14))
        ]
        if chosen.random() < 0.5:
            rows = list({each["session_id"]: each for each in rows}.values())
        name, is_dry = f"file{number}.csv", chosen.random() < 0.3
        batch = known.load(
            f"{FOLDER}{name}", file_of(rows, fields), force="true", force_reason="x", dry_run=str(is_dry).lower()
        )
        here = model.load(name, rows, fields, is_dry=is_dry)
        if batch["status"] == "completed":
            assert sorted(overlaps_of(known, batch)) == model.overlaps(here, fields, name), (seed, number)
            assert batch["distinct_ids"] == len(here)


def warning_of(batch: dict[str, Any]) -> dict[str, Any] | None:
    return next((each for each in batch["csv_metadata"]["warnings"] if each["code"] == "mostly_imported"), None)


@pytest.mark.parametrize(
    ("name", "same", "is_warned"),
    [
        pytest.param("november.csv", 19, True, id="another name, 95 %"),
        pytest.param("november.csv", 17, False, id="another name, 85 %"),
        pytest.param("october.csv", 19, False, id="a new export of the same month"),
        pytest.param("October (1).csv", 19, False, id="the same, as a browser names it"),
    ],
)
def test_a_file_that_is_mostly_another_one_is_named(known: Pipeline, name: str, same: int, is_warned: bool) -> None:
    earlier = known.load(f"{FOLDER}october.csv", file_of([row(n, rating="4") for n in range(20)]))
    rows = [row(n if n < same else 100 + n, rating="4") for n in range(20)]
    for dry_run in ("true", "false"):
        found = warning_of(known.load(f"{FOLDER}{name}", file_of(rows), dry_run=dry_run))
        expected = {"code": "mostly_imported", "count": 19, "batch_id": str(earlier["id"]), "percent": 95.0}
        assert found == (expected if is_warned else None)


def test_ids_that_a_spreadsheet_damaged_are_counted(known: Pipeline) -> None:
    rows = [row(1), {**row(2), "session_id": "2.02603E+11"}, {**row(3), "session_id": "2.02604E+11"}]
    batch = known.load(f"{FOLDER}saved.csv", file_of(rows))
    assert {"code": "ids_damaged", "count": 2} in batch["csv_metadata"]["warnings"]


def test_reconciling_again_compares_again(known: Pipeline) -> None:
    known.load(f"{FOLDER}one.csv", file_of([row(1), row(2)]))
    taken = known.upload(f"{FOLDER}two.csv", file_of([row(1), row(2), row(3)]))
    ((number,),) = known.db.run("SELECT number FROM chunks WHERE batch_id = :id", id=taken["batch_id"])
    stage.app.handler({"batchId": taken["batch_id"], "chunk": number, "execution": "first"}, CONTEXT)
    reconcile.app.handler({"batchId": taken["batch_id"]}, CONTEXT)
    second = known.run(taken["batch_id"], "first")
    assert second["status"] == "completed"
    assert overlaps_of(known, second) == [("one.csv", 2, 0, 1, 0, {})]
