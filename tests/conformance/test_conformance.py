"""What every programme must pass, those that the system comes with and one that it does not."""

import csv
import io
import re
from typing import Any

import pytest

from ingestion import config
from ingestion.database.publishing import merge_sql
from ingestion.database.publishing.targets import target_of
from ingestion.records import PROGRAMMES
from tests.api.api_calls import call
from tests.api.full_world import BROWSER
from tests.conformance.conftest import House
from tests.conformance.course_completions import COURSES
from tests.conformance.specimens import SPECIMENS, Specimen


def counts(batch: dict[str, Any]) -> tuple[int, int, int, int]:
    return batch["inserted_rows"], batch["updated_rows"], batch["skipped_rows"], batch["error_rows"]


def error_lines(house: House, batch: dict[str, Any]) -> list[dict[str, str]]:
    text = house.stages.error_file(batch).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def changed(specimen: Specimen) -> dict[str, str]:
    name, text = specimen.change
    return {name: text}


def test_a_row_is_inserted_updated_and_found_unchanged(house: House, specimen: Specimen) -> None:
    record = specimen.programme.record
    assert counts(house.load(specimen, {})) == (1, 0, 0, 0)
    later = house.load(specimen, changed(specimen), name="later.csv")
    assert counts(later) == (0, 1, 0, 0)
    assert counts(house.load(specimen, changed(specimen), name="again.csv", force="true", force_reason="x")) == (
        0,
        0,
        1,
        0,
    )
    versions = house.db.run(f"SELECT version, batch_id FROM {record.table} WHERE {record.key.name} = '{specimen.key}'")
    assert versions == [[2, later["id"]]]
    assert house.db.run(f"SELECT version, replaced_by_batch FROM {record.versions}") == [[1, later["id"]]]


def test_the_last_of_several_rows_of_a_file_wins(house: House, specimen: Specimen) -> None:
    assert counts(house.load(specimen, {}, changed(specimen), changed(specimen))) == (1, 1, 1, 0)


def test_a_faulty_row_comes_back_and_is_imported_once_it_is_corrected(house: House, specimen: Specimen) -> None:
    column, text, code = specimen.fault
    other = {specimen.programme.key_column.name: specimen.key.replace("1", "2").replace("olena", "nina")}
    batch = house.load(specimen, {column: text}, other)
    assert counts(batch) == (1, 0, 0, 1)
    assert [(fault["code"], fault["field"]) for fault in batch["error_summary"]] == [(code, column)]
    (line,) = error_lines(house, batch)
    assert (line["_error_row"], line["_error_code"], line[column]) == ("1", code, text)
    back = io.StringIO()
    writer = csv.DictWriter(back, line)
    writer.writeheader()
    writer.writerow({**line, column: specimen.row[column]})
    child = house.load_bytes(specimen, back.getvalue().encode(), "file-errors.csv")
    assert (child["parent_batch_id"], counts(child)) == (batch["id"], (1, 0, 0, 0))


def test_a_key_of_other_people_conflicts(house: House, specimen: Specimen) -> None:
    if not specimen.has_people:
        pytest.skip("people belong to nobody")
    programme = specimen.programme
    person = programme.column_of(programme.record.people[0].staged).name
    house.load(specimen, {})
    batch = house.load(specimen, {person: "ivan@example.org"}, name="later.csv")
    assert counts(batch) == (0, 0, 0, 1)
    (line,) = error_lines(house, batch)
    assert line["_error_code"] == "E030"
    assert line["_error_message"].startswith(f"{programme.key_column.name}: ")


def test_somebody_unknown_rejects_the_row_or_is_created(
    house: House, specimen: Specimen, environment: pytest.MonkeyPatch
) -> None:
    if not specimen.has_people:
        pytest.skip("a roster makes people known")
    programme = specimen.programme
    person = programme.record.people[0]
    assert person.role is not None
    stranger = {programme.column_of(person.staged).name: "stranger@example.org"}
    rejected = house.load(specimen, stranger)
    assert [fault["code"] for fault in rejected["error_summary"]] == [person.role.not_found]
    environment.setenv("UNKNOWN_USERS", "create")
    config.settings.cache_clear()
    assert counts(house.load(specimen, stranger, name="again.csv")) == (1, 0, 0, 0)
    assert house.db.run("SELECT role FROM users WHERE email = 'stranger@example.org'") == [[person.role.name]]


def test_api_command_and_pages_show_all_fields_and_versions(house: House, specimen: Specimen) -> None:
    first = house.load(specimen, {})
    if not specimen.has_people:
        assert house.get(f"/v1/import/batches/{first['id']}/sessions")["items"] == []
        return
    later = house.load(specimen, changed(specimen), name="later.csv")
    programme, (name, value) = specimen.programme, specimen.changed_answer
    (shown,) = house.get(f"/v1/import/batches/{first['id']}/sessions")["items"]
    frame = {"id", "programType", "programInstance", "rowNumber", "outcome"}
    assert {field: shown[field] for field in shown.keys() - frame} == specimen.answer
    assert (shown["outcome"], shown["programType"]) == ("inserted", programme.program_type)
    for asked_for in (shown["id"], f"{programme.program_type}:{specimen.key}"):
        found = house.get(f"/v1/sessions/{asked_for}/lineage")
        assert (found["batch"]["batchId"], found["session"][name]) == (str(later["id"]), value)
        (before,) = found["earlierVersions"]
        assert (before["batch"]["batchId"], before["session"][name]) == (str(first["id"]), specimen.answer[name])
    graph = house.get(f"/v1/import/batches/{first['id']}/lineage")
    (outcome,) = [node for node in graph["nodes"] if node["type"] == "sessions"]
    assert (outcome["count"], outcome["current"]) == (1, 0)

    listed = house.run("sessions", first["id"]).rstrip("\n").split("\t")
    assert specimen.key in listed
    assert "oksana@example.org" in listed
    tree = house.run("lineage", shown["id"])
    assert f"session {programme.program_type}:{specimen.key} " in tree
    assert f"{name}: {specimen.answer[name]} → {value}" in tree

    rows, versions = house.page(f"/batches/{first['id']}/sessions"), house.page(f"/sessions/{shown['id']}")
    for field in programme.record.stored:
        assert field.label.en in rows or not field.in_lists
    for person in programme.record.people:
        assert person.label.en in rows
    assert specimen.key in rows
    by_month = house.page(f"/programmes/{shown['programInstance']}/sessions")
    assert f"/batches/{later['id']}" in by_month
    assert f">{value}" in versions
    assert "changed" in versions


@pytest.mark.parametrize(("rights", "sees"), [(["imports.read"], False), (["imports.read", "errors.read"], True)])
def test_only_who_may_read_errors_sees_confidential_fields(
    house: House, environment: pytest.MonkeyPatch, rights: list[str], sees: bool
) -> None:
    specimen = next(one for one in SPECIMENS if one.programme is COURSES)
    batch = house.load(specimen, {})
    environment.setenv("AUTHENTICATION", "cognito")
    config.settings.cache_clear()
    claims = {"sub": "6b0e2f6e", "cognito:groups": rights}
    (item,) = call("GET", f"/v1/import/batches/{batch['id']}/sessions", claims=claims).body["items"]
    lineage = call("GET", f"/v1/sessions/{item['id']}/lineage", claims=claims).body
    score = int(specimen.row["score"]) if sees else None
    assert (item["score"], lineage["session"]["score"]) == (score, score)
    assert (item["course"], item["learnerEmail"]) == (specimen.row["course"], specimen.row["learner"])
    pages = [f"/batches/{batch['id']}/sessions", f"/sessions/{item['id']}"]
    shown = [call("GET", path, claims=claims, headers={**BROWSER, "accept-language": "en"}) for path in pages]
    assert [">80<" in re.sub(r"\s+", "", page.text) for page in shown] == [sees, sees]


def test_what_broke_is_removed(house: House, specimen: Specimen) -> None:
    target = target_of(specimen.programme.record)
    house.load(specimen, {})
    before = house.db.run(f"SELECT * FROM {target.table} ORDER BY id")
    later = house.load(specimen, changed(specimen), name="later.csv")
    assert merge_sql.published(house.db, later["id"], target) == 1
    house.db.run("BEGIN")
    merge_sql.remove_published(house.db, later["id"], target)
    house.db.run("COMMIT")
    assert house.db.run(f"SELECT * FROM {target.table} ORDER BY id") == before


def test_every_programme_has_a_specimen() -> None:
    tried = {specimen.programme.program_type for specimen in SPECIMENS}
    assert set(PROGRAMMES) - tried == set(), "add a row of it to specimens.py"
