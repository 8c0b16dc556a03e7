"""What kintell lists and shows: batches, sessions, the audit trail, lineage, totals."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.world import NOW, World
from tests.cli.conftest import Run

Ask = Callable[..., Any]


def test_in_a_pipe_a_list_is_tab_separated_lines_without_a_head(run: Run, world: World) -> None:
    autumn = world.instance("mentors-ukraine-2024-q4")
    batch = world.batch(program_instance_id=autumn, file_name="a\tb\x1b[2J\u202e.csv")
    result = run("batches")
    assert result.stdout == (
        f"{batch}\t2024-12-01 13:00:00+01:00\tcompleted\ta b [2J .csv\tmentors_ukraine\tmentors-ukraine-2024-q4"
        "\t10\t7\t1\t2\n"
    )
    assert result.stderr == ""


def test_batches_are_filtered(run: Run, world: World) -> None:
    failed = world.batch(status="failed", program_type="language_ukraine")
    world.batch()
    assert run("batches", "--status", "failed", "--program", "lfu").stdout.startswith(str(failed))
    assert run("batches", "--instance", "nobody-knows").stderr == "kintell: no batches\n"
    unknown = run("batches", "--program", "mars")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert 'There is no programme "mars"' in unknown.stderr


def test_a_list_goes_on_over_pages_as_far_as_it_is_asked_to(
    run: Run, ask_json: Ask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.api.PAGE_ITEMS", 2)
    ids = [str(world.batch(created_at=NOW + timedelta(minutes=minute))) for minute in range(5)][::-1]

    some = run("batches", "--limit", 3)
    assert [line.split("\t")[0] for line in some.stdout.splitlines()] == ids[:3]
    assert "--all shows more" in some.stderr
    every = run("batches", "--all")
    assert [line.split("\t")[0] for line in every.stdout.splitlines()] == ids
    assert every.stderr == ""

    page = ask_json("batches", "--limit", 3)
    assert [item["batchId"] for item in page["items"]] == ids[:3]
    assert page["nextCursor"]
    page = ask_json("batches", "--all")
    assert [item["batchId"] for item in page["items"]] == ids
    assert page["nextCursor"] is None
    assert page["items"][0]["createdAt"].endswith("Z")
    assert run("batches", "--limit", 3, "--all").exit_code == 2


def test_an_empty_list_is_json_too(ask_json: Ask) -> None:
    assert ask_json("batches") == {"items": [], "nextCursor": None}


@pytest.fixture
def updated_session(world: World) -> tuple[int, UUID, UUID]:
    """MS-1 from row 1 of one file, updated by row 3 of another."""
    instance = world.instance("mentors-ukraine-2024")
    people = world.user("oksana@example.org"), world.user("kari@example.org", "volunteer")
    first, second = world.batch(), world.batch(file_name="again.csv")
    given: dict[str, Any] = {
        "inserted_by": (first, 1),
        "version": 2,
        "external_session_id": "MS-1/ø",
        "duration_minutes": 45,
    }
    session = world.session(second, 3, instance, people, **given)
    world.earlier(session, 1, first, 1, instance, by=second)
    return session, first, second


def test_the_sessions_of_a_batch(run: Run, ask_json: Ask, updated_session: tuple[int, UUID, UUID]) -> None:
    session, _, second = updated_session
    assert run("sessions", second).stdout.rstrip("\n").split("\t") == [
        "3", "updated", "MS-1/ø", str(session), "oksana@example.org", "kari@example.org", "2024-12-01 13:00:00+01:00",
        "", "45", "", "", "mentors-ukraine-2024",
    ]  # fmt: skip
    assert ask_json("sessions", second)["items"][0]["scheduledAt"] == "2024-12-01T12:00:00Z"


def test_lineage_is_a_tree_from_file_to_earlier_versions(
    run: Run, ask_json: Ask, updated_session: tuple[int, UUID, UUID]
) -> None:
    session, first, second = updated_session
    by_name = run("lineage", "mfu:MS-1/ø")
    assert by_name.exit_code == 0
    assert run("lineage", session).stdout == by_name.stdout
    lines = by_name.stdout.splitlines()
    assert lines[0] == "file again.csv"
    assert lines[1].startswith("├── at incoming/mentors-ukraine-2024-11.csv, version v")
    assert lines[2] == f"└── batch {second}, completed, imported 2024-12-01 13:00:02+01:00 by ole@example.org"
    assert lines[3] == f"    └── session mentors_ukraine:MS-1/ø (id {session}), version 2, row 3, line 4"
    assert "        └── version 1, replaced 2024-12-01 13:00:00+01:00" in lines
    assert "            ├── from mentors-ukraine-2024-11.csv, row 1, line 2" in lines
    assert f"            ├── batch {first}, completed" in lines
    assert lines[-1] == "            └── durationMinutes: – → 45"
    assert ask_json("lineage", session)["earlierVersions"][0]["replacedAt"] == "2024-12-01T12:00:00Z"


def test_a_session_that_is_not_there(run: Run) -> None:
    result = run("lineage", "mentors_ukraine:nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith('kintell: There is no session "mentors_ukraine:nobody"')


def test_the_audit_trail(run: Run, ask_json: Ask, world: World) -> None:
    batch = world.batch()
    world.audit("import_started", resource_type="batch", resource_id=batch, batch_id=batch, at=NOW)
    world.audit(
        "import_completed", resource_type="batch", resource_id=batch, batch_id=batch, at=NOW, details={"rows": 3}
    )
    lines = run("audit", batch).stdout.splitlines()
    assert lines[1] == (f"2024-12-01 13:00:00+01:00\tole@example.org\timport_completed\tbatch\t{batch}\trows=3")
    assert [entry["action"] for entry in ask_json("audit", batch)["items"]] == ["import_started", "import_completed"]


@pytest.mark.parametrize(
    ("actor", "kind", "shown"),
    [
        ("kari@example.org", "person", "kari@example.org"),
        ("kintell-ingest", "system", "kintell-ingest (system)"),
        ("kintell-ingest", "person", "kintell-ingest"),
        ("loader", "program", "loader (program)"),
        ("AWS:eve", "aws", "AWS:eve (aws)"),
    ],
)
def test_the_audit_trail_says_what_an_actor_is(run: Run, world: World, actor: str, kind: str, shown: str) -> None:
    batch = world.batch()
    who = {"actor": actor, "actor_kind": kind, "actor_subject": "x" if kind in ("person", "program") else None}
    world.audit("import_started", resource_type="batch", resource_id=batch, batch_id=batch, **who)
    assert run("audit", batch).stdout.split("\t")[1] == shown


def test_totals(run: Run, ask_json: Ask, world: World) -> None:
    world.batch()
    world.batch(program_type="language_ukraine")
    assert run("summary", "--program", "lc", "--from", "2024-12-01", "--to", "2024-12-01").stdout == (
        "Batches:     1 (0 failed)\n"
        "Rows:        10\n"
        "Success:     7 (6 new, 1 updated)\n"
        "Skipped:     1\n"
        "Errors:      2 (2 still open)\n"
        "Unfinished:  0\n"
        "Dry runs:    0\n"
    )
    assert ask_json("summary")["totalRows"] == 20
    wrong = run("summary", "--from", "yesterday")
    assert wrong.exit_code == 2
    assert "Write a date such as" in wrong.stderr


@pytest.mark.parametrize("command", ["sessions", "audit", "status", "errors"])
def test_a_batch_that_is_not_there(run: Run, command: str) -> None:
    batch = uuid4()
    result = run(command, batch)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"kintell: There is no batch {batch}; kintell batches lists all batches.\n"
    malformed = run(command, "6b0e")
    assert malformed.exit_code == 2
    assert '"6b0e" is not an id' in malformed.stderr


def test_json_may_be_asked_for_before_the_command(run: Run, world: World) -> None:
    batch = world.batch()
    assert json.loads(run("--json", "audit", batch).stdout) == {"items": [], "nextCursor": None}
