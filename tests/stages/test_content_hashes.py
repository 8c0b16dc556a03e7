"""The hash of a file's rows is the same however the file is saved, and another if any value is."""

import random
from typing import Any

import pytest

from ingestion import config
from tests.stages.conftest import Pipeline
from tests.stages.resaving import WAYS, Line, Way

KEY = "incoming/language_ukraine/language-ukraine-2026-03/march.csv"
PEOPLE = ("oksana@example.org", "ivan@example.org", "kari@acme.com")


def rows_of(seed: int) -> list[Line]:
    """Rows of all kinds: good ones, equal ones, rejected ones, with values that can be written in several ways."""
    chosen = random.Random(seed)
    found = [_row(number, chosen) for number in range(12)]
    return [*found, found[0], found[0]]


def _row(number: int, chosen: random.Random) -> Line:
    return {
        "session_id": f"LS-{number:04}" if chosen.random() < 0.9 else "2.02603E+11",
        "participant_email": chosen.choice([*PEOPLE[:2], "stranger@example.org", "no address"]),
        "volunteer_email": "kari@acme.com",
        "scheduled_at": f"2026-03-{10 + number} 14:30:00",
        "completed_at": chosen.choice(["", f"2026-03-{10 + number} 15:30:00", "03/04/2026"]),
        "duration_minutes": chosen.choice(["60", "45", "1:30", ""]),
        "rating": chosen.choice(["4", "4.5", "1", "9", ""]),
        "feedback_text": chosen.choice(["", "fin økt", "Дуже корисно", 'two\nlines; "quoted"', " blanks "]),
        "language_level": chosen.choice(["A1", "b2", "D9", ""]),
        "topics": chosen.choice(["", "grammar, work", "grammar"]),
    }


def hash_of(pipeline: Pipeline, body: bytes, **options: str) -> str:
    batch = pipeline.load(KEY, body, dry_run="true", **options)
    return str(batch["content_hash"])


@pytest.fixture
def known(pipeline: Pipeline) -> Pipeline:
    pipeline.know(*PEOPLE)
    return pipeline


def spelt_otherwise(rows: list[Line]) -> list[Line]:
    """The same values in other words: times in another zone, numbers with more digits, levels in capitals."""

    def spell(name: str, text: str) -> str:
        if name == "scheduled_at":
            return f"{text[:10]}T16:30:00+02:00"
        if name == "completed_at" and text.endswith("15:30:00"):
            return f"{text[8:10]}.{text[5:7]}.{text[:4]} 15:30"
        return {"60": "60 min", "4": "4.00", "A1": " a1", "b2": "B2", "1": "1.0"}.get(text, text)

    return [{name: spell(name, text) for name, text in row.items()} for row in rows]


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_the_same_however_the_file_is_saved(known: Pipeline, seed: int) -> None:
    rows = rows_of(seed)
    expected = hash_of(known, Way().save(rows))
    names = list(rows[0])
    # A spreadsheet that types cells makes other values of what is rejected here: 03/04/2026 becomes a date.
    saved = {name: way.save(rows) for name, way in WAYS.items() if not way.types}
    saved["other ends of lines"] = Way().save(rows).replace(b"\r\n", b"\n")
    saved["a mark at the start"] = Way(encoding="utf-8-sig").save(rows)
    saved["columns in reverse"] = Way().save([{name: row[name] for name in reversed(names)} for row in rows])
    saved["rows shuffled"] = Way(";").save(random.Random(seed).sample(rows, len(rows)))
    saved["an unknown column"] = Way("|").save([{"note": f"n{at}", **row} for at, row in enumerate(rows)])
    saved["other spellings"] = Way("\t").save(spelt_otherwise(rows))
    assert {name: hash_of(known, body) for name, body in saved.items()} == dict.fromkeys(saved, expected)


OTHERS = {
    "session_id": "LS-9999",
    "participant_email": "ivan2@example.org",
    "volunteer_email": "ivan@example.org",
    "scheduled_at": "2026-03-01 14:30:01",
    "completed_at": "2026-03-28 18:00",
    "duration_minutes": "61",
    "rating": "3",
    "feedback_text": "other",
    "language_level": "C2",
    "topics": "work",
}


@pytest.mark.parametrize("seed", [3])
def test_any_edit_of_a_value_changes_it(known: Pipeline, seed: int) -> None:
    rows = rows_of(seed)
    seen = {hash_of(known, Way().save(rows)): "as it is"}
    for at, name in enumerate(rows[0]):
        for row in {at, 10}:
            edited = [{**line, name: OTHERS[name]} if number == row else line for number, line in enumerate(rows)]
            found = hash_of(known, Way().save(edited))
            assert found not in seen, (name, row, seen.get(found))
            seen[found] = f"{name} of row {row}"
    for kind, others in {
        "a row less": rows[:-1],
        "a row more": [*rows, rows[0]],
        "a row twice": [*rows, rows[3]],
    }.items():
        found = hash_of(known, Way().save(others))
        assert found not in seen, kind
        seen[found] = kind


def test_two_equal_rows_do_not_cancel_each_other_out(known: Pipeline) -> None:
    rows = [{**rows_of(1)[0], "participant_email": PEOPLE[0], "completed_at": "", "session_id": "LS-1"}]
    hashes = {hash_of(known, Way().save(rows * times)) for times in (1, 2, 3, 4)}
    assert len(hashes) == 4


def test_a_column_that_is_there_but_empty_is_not_the_same_as_none(known: Pipeline) -> None:
    rows = [{**row, "topics": ""} for row in rows_of(1)]
    without = [{name: text for name, text in row.items() if name != "topics"} for row in rows]
    assert hash_of(known, Way().save(rows)) != hash_of(known, Way().save(without))


def warning_of(batch: dict[str, Any]) -> dict[str, Any] | None:
    return next((each for each in batch["csv_metadata"]["warnings"] if each["code"] == "same_rows"), None)


def test_the_same_rows_saved_again_are_named_before_and_after_they_are_imported(known: Pipeline) -> None:
    rows = rows_of(1)
    dry = known.load(KEY, Way().save(rows), dry_run="true")
    first = known.load(KEY, Way().save(rows))
    again = known.load(KEY, Way(";", "utf-16").save(rows), dry_run="true")
    forced = known.load(KEY, Way("\t").save(rows))
    assert {batch["content_hash"] for batch in (dry, first, again, forced)} == {first["content_hash"]}
    assert warning_of(dry) is warning_of(first) is None
    assert warning_of(again) == {"code": "same_rows", "count": len(rows), "batch_id": str(first["id"])}
    assert warning_of(forced) == warning_of(again)
    assert forced["status"] == "completed"


@pytest.mark.parametrize("are_known", [True, False])
def test_people_who_are_created_are_told_apart_by_their_addresses(
    known: Pipeline, environment: pytest.MonkeyPatch, are_known: bool
) -> None:
    environment.setenv("UNKNOWN_USERS", "create")
    rows = [{**row, "participant_email": f"new{at}@example.org"} for at, row in enumerate(rows_of(1))]
    if are_known:
        known.know("new1@example.org")
    dry = known.load(KEY, Way().save(rows), dry_run="true")
    first = known.load(KEY, Way().save(rows))
    again = known.load(KEY, Way(";").save(rows))
    assert first["inserted_rows"] > 0
    assert dry["content_hash"] == first["content_hash"] == again["content_hash"]


def test_files_without_rows_are_the_same_but_nobody_is_warned(known: Pipeline) -> None:
    header = ",".join(rows_of(1)[0]).encode()
    first, second = known.load(KEY, header + b"\n"), known.load(KEY, header.replace(b",", b";") + b"\r\n")
    assert first["content_hash"] == second["content_hash"]
    assert warning_of(second) is None


def test_it_does_not_depend_on_how_the_file_is_cut(known: Pipeline, environment: pytest.MonkeyPatch) -> None:
    rows = [{**row, "session_id": f"LS-{at}"} for at, row in enumerate(rows_of(1) * 3)]
    whole = hash_of(known, Way().save(rows))
    environment.setenv("CHUNK_BYTES", "300")
    config.settings.cache_clear()
    cut = known.load(KEY, Way(";").save(rows), dry_run="true")
    chunks = known.db.run("SELECT count(*) FROM chunks WHERE batch_id = :id", id=cut["id"])[0][0]
    assert (cut["content_hash"], chunks > 5) == (whole, True)
