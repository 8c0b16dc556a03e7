"""kintell import of a large file: in parts, each tried again, and from where it stopped."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingestion import config
from tests.api.world import UPLOADS, World
from tests.cli.conftest import Run
from tests.cli.loopback import Loopback, Request
from tests.cli.test_cli_import import Pipeline, pipeline

__all__ = ["pipeline"]

PART = 5 * 1024 * 1024
BODY = b"session_id,navn\n" + bytes(range(32, 96)) * (2 * PART // 64) + b"the end"
KEY = "incoming/mentors-2024.csv"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "mentors-2024.csv"
    found.write_bytes(BODY)
    return found


@pytest.fixture
def run_parts(run: Run, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Runs the command where files of more than one part are sent in parts, with a state folder of its own."""
    for name, value in {"MULTIPART_FROM_BYTES": PART, "MAX_FILE_BYTES": 100_000_000}.items():
        monkeypatch.setenv(name, str(value))
    config.settings.cache_clear()
    monkeypatch.setattr("cli.part_transfers.PAUSE_SECONDS", 0.01)
    state = str(tmp_path / "state")
    return lambda *words: run(*words, XDG_STATE_HOME=state)


def is_part(request: Request) -> bool:
    return request.method == "PUT" and "partNumber=" in request.path


def parts_of(loopback: Loopback) -> list[int]:
    """The numbers of the parts that were sent, in order."""
    return sorted(
        int(request.path.partition("partNumber=")[2].partition("&")[0]) for request in loopback.seen if is_part(request)
    )


def stored(buckets: Any) -> bytes:
    return bytes(buckets.get_object(Bucket=UPLOADS, Key=KEY)["Body"].read())


def break_at(loopback: Loopback, monkeypatch: pytest.MonkeyPatch, broken: Callable[[int], bool], how: Any) -> None:
    """Answers the parts for whose turn *broken* is true with *how*, or raises it, in place of the storage."""
    answer, turns = Loopback._of_storage, []

    def of_storage(self: Loopback, request: Request) -> Any:
        if is_part(request):
            turns.append(request)
            if broken(len(turns)):
                return how
        return answer(self, request)

    monkeypatch.setattr(Loopback, "_of_storage", of_storage)


def test_a_large_file_is_sent_in_parts(
    run_parts: Run, loopback: Loopback, pipeline: Pipeline, buckets: Any, file: Path, tmp_path: Path
) -> None:
    result = run_parts("import", file)
    assert result.exit_code == 3, result.output
    assert result.stdout.startswith("Uploading:   mentors-2024.csv (10.5 MB)\nUploaded:    10.5 MB\nBatch ID:")
    assert parts_of(loopback) == [1, 2, 3]
    assert stored(buckets) == BODY
    assert list((tmp_path / "state" / "kintell" / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((503, {}, b"<Error><Code>SlowDown</Code></Error>"), id="the storage is busy"),
        pytest.param((403, {}, b"<Error><Code>AccessDenied</Code></Error>"), id="the links have expired"),
    ],
)
def test_a_part_that_fails_is_sent_again(
    run_parts: Run, loopback: Loopback, buckets: Any, file: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    break_at(loopback, monkeypatch, lambda turn: turn == 2, answer)
    assert run_parts("import", file).exit_code == 3
    assert stored(buckets) == BODY


def test_an_interrupted_upload_goes_on_where_it_stopped(
    run_parts: Run, loopback: Loopback, buckets: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.part_transfers.AT_ONCE", 1)
    with monkeypatch.context() as broken:
        break_at(loopback, broken, lambda turn: turn > 1, (400, {}, b"<Error><Code>Odd</Code></Error>"))
        first = run_parts("import", file)
        assert first.exit_code == 1
        assert "The storage did not accept the file (400 Odd)" in first.stderr
    loopback.seen.clear()
    assert run_parts("import", file).exit_code == 3
    assert parts_of(loopback) == [2, 3]
    assert stored(buckets) == BODY


def test_ctrl_c_says_how_to_go_on(
    run_parts: Run, loopback: Loopback, pipeline: Pipeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as pressed:
        pressed.setattr("cli.part_transfers.wait", stopped)
        result = run_parts("import", file)
    assert result.exit_code == 130
    assert result.stderr == (
        "kintell: Stopped: mentors-2024.csv was not sent completely; to send the rest, run the same command within two "
        "days.\n"
    )
    assert pipeline.batch is None
    assert run_parts("import", file).exit_code == 3


def test_a_file_that_has_changed_begins_anew(
    run_parts: Run, loopback: Loopback, buckets: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.part_transfers.AT_ONCE", 1)
    with monkeypatch.context() as broken:
        break_at(loopback, broken, lambda turn: turn > 1, (400, {}, b"<Error><Code>Odd</Code></Error>"))
        assert run_parts("import", file).exit_code == 1
    changed = BODY.replace(b"the end", b"an end!")
    file.write_bytes(changed)
    os.utime(file, (1, 1))
    loopback.seen.clear()
    assert run_parts("import", file).exit_code == 3
    assert parts_of(loopback) == [1, 2, 3]
    assert stored(buckets) == changed


def test_an_upload_that_is_gone_begins_anew(
    run_parts: Run, loopback: Loopback, world: World, buckets: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        break_at(loopback, broken, lambda turn: True, (400, {}, b"<Error><Code>Odd</Code></Error>"))
        assert run_parts("import", file).exit_code == 1
    for begun in buckets.list_multipart_uploads(Bucket=UPLOADS)["Uploads"]:
        buckets.abort_multipart_upload(Bucket=UPLOADS, Key=begun["Key"], UploadId=begun["UploadId"])
    assert run_parts("import", file).exit_code == 3
    assert stored(buckets) == BODY


def test_an_error_that_comes_with_status_200_is_one(
    run_parts: Run, loopback: Loopback, pipeline: Pipeline, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Loopback._of_storage

    def of_storage(self: Loopback, request: Request) -> Any:
        if request.method == "POST":
            return 200, {}, b"<?xml version='1.0'?>\n<Error><Code>InternalError</Code></Error>"
        return answer(self, request)

    monkeypatch.setattr(Loopback, "_of_storage", of_storage)
    result = run_parts("import", file)
    assert result.exit_code == 1
    assert "The storage did not accept the file (200 InternalError)" in result.stderr
    assert pipeline.batch is None
