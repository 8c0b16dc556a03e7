"""What the functions log while files are imported, refused and broken: of whom the rows are about, nothing."""

import json
import re
import time
from typing import Any

import pytest

from local.system import LocalSystem
from tests.e2e.front_door import FrontDoor, slug

FIRST, LAST, MENTOR = "halyna.secret@example.net", "taras.secret@example.net", "mentor.secret@example.net"
FEEDBACK = "Hun gråt da hun fortalte om flukten"
HEADER = "session_id,participant_email,mentor_email,scheduled_at,rating,feedback_text\n"
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def lines(system: LocalSystem) -> list[str]:
    """Every line of every log group."""
    client, found = system.client("logs"), list[str]()
    for group in client.describe_log_groups()["logGroups"]:
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            found += [event["message"] for event in page["events"]]
    return found


@pytest.fixture(scope="module")
def logged(system: LocalSystem, s3: Any, api_url: str) -> list[str]:
    """All that was logged, after a roster, a good, a faulty and two refused files, and a conflict."""
    door = FrontDoor(s3, system.stack.uploads_bucket, api_url)
    roster = "Email,Name,Role when joined\n" + "".join(f"{who},Somebody,learner\n" for who in (FIRST, LAST, MENTOR))
    door.load("incoming/kintell_users/secret-roster.csv", roster.encode())
    rows = [
        f"s-log-1,{FIRST},{MENTOR},2024-11-05,4,{FEEDBACK}",
        f"s-log-2,{LAST},{MENTOR},03/04/2024,4,{FEEDBACK}",
        f"s-log-3,nobody.{LAST},{MENTOR},2024-11-05,9,{FEEDBACK}",
        f"s-log-4,{FIRST} {LAST},{MENTOR},2024-11-05,4,{FEEDBACK}",
    ]
    file = (HEADER + "\n".join(rows) + "\n").encode()
    key = f"incoming/mentors_ukraine/{slug()}/sessions.csv"
    batch = door.load(key, file, imported_by=FIRST)
    assert (batch["successRows"], batch["errorRows"]) == (1, 3)
    taken = HEADER + f"s-log-1,{LAST},{MENTOR},2024-11-05,4,{FEEDBACK}\n"
    assert door.load(key, taken.encode())["errorRows"] == 1
    assert door.decided(door.put(key, file))["state"] == "refused"
    assert door.decided(door.put(key, f"participant_email\n{FIRST}\n".encode()))["state"] == "refused"
    door.fetch(f"/v1/import/backfill/{batch['batchId']}/errors")
    door.fetch(f"/v1/import/batches/{batch['batchId']}/sessions")
    time.sleep(0.5)  # the last function's lines arrive after its answer
    found = lines(system)
    assert any(batch["batchId"] in line for line in found), "the log is not where it is looked for"
    return found


def test_the_log_holds_no_personal_data_and_no_secret(logged: list[str], system: LocalSystem) -> None:
    text = "\n".join(logged)
    for address in ADDRESS.findall(text):
        assert address.partition("@")[0].endswith("***"), address
    for word in (FEEDBACK, "flukten", "secret@", "gråt"):
        assert word not in text
    for password in ("postgres.password", "functions.password"):
        assert (system.places.folder / password).read_text() not in text
    assert system.aws.secret_access_key not in text
    assert "X-Amz-Signature" not in text


def test_a_line_of_a_stage_says_which_batch_it_is_about(logged: list[str]) -> None:
    about = [json.loads(line) for line in logged if line.startswith("{") and '"message":"chunk staged"' in line]
    assert about
    assert all(line["batch_id"] and line["chunk"] for line in about)
