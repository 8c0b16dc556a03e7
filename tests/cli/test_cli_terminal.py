"""What is seen on a terminal: tables that fit it, bars that fill."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import list_columns
from cli.output import fitting
from cli.words import clean, size
from local.aws import ROOT
from tests.api.world import NOW, World
from tests.cli.loopback import Loopback

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
HEADERS = [column.header for column in list_columns.BATCHES]


def on_terminal(url: str, width: int, *words: str) -> tuple[int, str]:
    """Exit code and what stands on a terminal of this width, its escape sequences left out."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = {**os.environ, "KINTELL_API_URL": url, "PYTHONPATH": str(ROOT), "TERM": "xterm", "TZ": "UTC"}
    environment.pop("COLUMNS", None)
    command = subprocess.Popen(
        [sys.executable, "-m", "cli", *words], env=environment, stdin=its, stdout=its, stderr=its, close_fds=True
    )
    os.close(its)
    seen = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # Linux says so when nobody has the other end any more
            break
        if not block:
            break
        seen += block
    os.close(ours)
    return command.wait(timeout=10), ESCAPES.sub("", seen.decode())


@pytest.mark.parametrize(
    ("width", "headers"),
    [
        pytest.param(60, ["Batch", "Status", "File"], id="narrow"),
        pytest.param(80, ["Batch", "Created", "Status", "File"], id="usual"),
        pytest.param(200, HEADERS, id="wide"),
    ],
)
def test_a_table_fits_the_terminal(loopback: Loopback, world: World, width: int, headers: list[str]) -> None:
    batch = world.batch(file_name="[red]мentors " + "x" * 100 + ".csv")
    code, seen = on_terminal(loopback.url, width, "batches")
    lines = [line.rstrip() for line in seen.splitlines()]
    assert code == 0
    assert len(lines) == 2
    assert max(map(len, lines)) <= width
    assert lines[0].split() == headers
    assert lines[1].startswith(f"{batch}  ")
    assert "[red]м" in lines[1]


@pytest.mark.parametrize(
    ("width", "headers"),
    [
        pytest.param(20, ["Batch"], id="an id is never cut"),
        pytest.param(70, ["Batch", "Status", "File"], id="narrow"),
        pytest.param(200, HEADERS, id="wide"),
    ],
)
def test_the_least_important_columns_go_first(width: int, headers: list[str]) -> None:
    cells = {header: ["9"] for header in HEADERS} | {"Batch": ["x" * 36], "Created": ["2024-12-01 12:00"]}
    cells |= {"File": ["x" * 99], "Status": ["completed"]}
    assert [column.header for column in fitting(list_columns.BATCHES, cells, width)] == headers


def test_an_import_shows_bars_and_ends_with_its_lines(
    loopback: Loopback, world: World, buckets: Any, tmp_path: Path
) -> None:
    def accept(upload_id: str) -> None:
        world.db.run("UPDATE uploads SET state = 'accepted', version_id = 'v' WHERE id = :id", id=upload_id)
        world.batch(upload_id=upload_id)

    loopback.when_stored = accept
    file = tmp_path / "mentors-ukraine-2024.csv"
    file.write_bytes(b"x" * 300_000)
    code, seen = on_terminal(loopback.url, 100, "import", str(file))
    assert code == 3, seen
    assert re.search(r"Uploading +━+ 100% 300\.0 KB of 300\.0 KB", seen)
    assert re.search(r"Completed +━+ 100% 10 of 10 rows", seen)
    assert seen.replace("\r", "").endswith("Skipped:     1\nErrors:      2\n")


def test_a_running_batch_shows_its_stages_until_it_has_ended(loopback: Loopback, world: World) -> None:
    batch = world.batch(status="running", total_rows=10_000)
    world.chunk(batch, 1, rows=6_000, state="staged", staged_rows=6_000, staged_at=NOW + timedelta(seconds=3))
    world.chunk(batch, 2, rows=4_000)
    looked = f"/v1/import/batches/{batch}"

    def go_on(number: int) -> None:
        """Reconciled when the stages were asked for once, at its end when they were twice."""
        seen = sum(request.path == looked for request in loopback.seen)
        if loopback.seen[-1].path == looked and seen == 2:
            world.db.run("UPDATE chunks SET state = 'staged', staged_rows = rows, staged_at = now()")
            world.db.run("UPDATE ingestion_batches SET reconciled_at = now()")
            world.db.run("INSERT INTO shards VALUES (:id, 0, 9000, 500)", id=batch)
        elif seen == 2:
            ended = "status = 'completed', completed_at = now(), inserted_rows = 9500, error_rows = 500"
            world.db.run(f"UPDATE ingestion_batches SET {ended}")

    loopback.before = go_on
    code, seen = on_terminal(loopback.url, 100, "status", str(batch), "--watch")
    assert code == 3, seen
    assert re.search(r"Checking +[━╸╺]+ +60% 6,000 of 10,000 rows", seen)
    assert re.search(r"Comparing +━+ 100%", seen)
    assert re.search(r"Writing +[━╸╺]+ +0% 0 of 9,500 rows", seen)
    assert re.search(r"Writing +━+ 100% 9,500 rows", seen)
    assert re.search(r"Completed +━+ 100% 10,000 of 10,000 rows", seen)
    assert "Finishing" not in seen


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 KB"), (1_234_567, "1.2 MB"), (5 * 10**12, "5000.0 GB")],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (False, "no"), (0, "0"), ("a\x1b[2J\nb\x9b\u202e", "a [2J b  ")]
)
def test_nothing_steers_the_terminal(value: object, text: str) -> None:
    assert clean(value) == text
