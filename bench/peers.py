"""Measures other ways to load the same file into the same PostgreSQL, each as its documentation recommends.

None of them validates a row, looks up a person, or can say later where a row came from.
"""

import csv
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.data import HEADER
from local.aws import ROOT
from local.postgres import Database

PYTHON = ROOT / ".venv-peers" / "bin" / "python"
NAIVE_ROWS = 10_000
"""How many rows the naive importer gets; its speed does not depend on the number."""
TIMEOUT_SECONDS = 1_800

_NAMES = HEADER.strip().split(",")


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer's time and rows, and how it loads; no seconds if it could not be measured."""

    rows: int
    seconds: float
    how: str


def measure_peers(database: Database, file: Path, rows: int, say: Callable[[str], None]) -> dict[str, Peer]:
    """Measure each peer in turn, in a table of its own that is dropped afterwards."""
    loads = {"pgloader": _pgloader, "dlt": _dlt, "awswrangler": _awswrangler, "naive": _naive}
    measured = {}
    for name, load in loads.items():
        say(f"peer: {name}")
        _prepare(database)
        measured[name] = load(database, file, rows)
    _run(database, "DROP SCHEMA bench_peers CASCADE")
    return measured


def _prepare(database: Database) -> None:
    """Create an empty table with the file's columns and the session id as its key."""
    columns = ", ".join(f"{name} text" for name in _NAMES)
    _run(database, "DROP SCHEMA IF EXISTS bench_peers CASCADE", "CREATE SCHEMA bench_peers")
    _run(database, f"CREATE TABLE bench_peers.loaded ({columns}, PRIMARY KEY (session_id))", "CHECKPOINT")


def _run(database: Database, *statements: str) -> None:
    db = database.connect()
    try:
        for statement in statements:
            db.run(statement)
    finally:
        db.close()


def _loaded(database: Database, table: str = "bench_peers.loaded") -> int:
    db = database.connect()
    try:
        return int(db.run(f"SELECT count(*) FROM {table}")[0][0])
    finally:
        db.close()


def _naive(database: Database, file: Path, rows: int) -> Peer:
    """One INSERT per row, each in its own transaction."""
    count = min(rows, NAIVE_ROWS)
    sql = f"INSERT INTO bench_peers.loaded VALUES ({', '.join(f':{name}' for name in _NAMES)})"
    db = database.connect()
    begun = time.perf_counter()
    with file.open(encoding="utf-8", newline="") as text:
        for row in islice(csv.DictReader(text), count):
            db.run(sql, **row)
    seconds = time.perf_counter() - begun
    db.close()
    return Peer(count, seconds, f"one INSERT and commit per row; {count:,} rows of the file")


_LOAD = """
LOAD CSV FROM '{file}' ({names})
     INTO postgresql://{user}@{host}:{port}/{dbname}
     TARGET TABLE bench_peers.loaded ({names})
     WITH skip header = 1, fields optionally enclosed by '"', fields escaped by double-quote,
          fields terminated by ','
      SET client_encoding to 'utf8', work_mem to '32MB', maintenance_work_mem to '128MB';
"""


def _pgloader(database: Database, file: Path, rows: int) -> Peer:
    program = shutil.which("pgloader")
    if program is None:
        return Peer(0, 0.0, "not installed; on Debian and Ubuntu: apt-get install pgloader")
    commands = file.with_name("pgloader.load")
    where = {"user": database.username, "host": database.host, "port": database.port, "dbname": database.dbname}
    commands.write_text(_LOAD.format(file=file, names=", ".join(_NAMES), **where))
    # It writes its log and its rejects to a folder of its own.
    command = [program, "--root-dir", str(file.with_name("pgloader")), "--on-error-stop", str(commands)]
    seconds, problem = _timed(command, {"PGPASSWORD": database.password})
    if problem or _loaded(database) != rows:
        return Peer(0, 0.0, f"did not load the file: {problem or _loaded(database)}")
    return Peer(rows, seconds, "LOAD CSV into a table whose key is the session id, all columns text")


_DLT = """
import sys, time
import dlt
from dlt.destinations import postgres
from dlt.sources.filesystem import filesystem, read_csv
folder, name, url = sys.argv[1:]
files = filesystem(bucket_url="file://" + folder, file_glob=name)
rows = (files | read_csv(dtype=str, keep_default_na=False)).with_name("loaded")
pipeline = dlt.pipeline("bench", destination=postgres(credentials=url), dataset_name="bench_peers_dlt",
                        pipelines_dir=folder + "/dlt", progress=None)
begun = time.perf_counter()
pipeline.run(rows, write_disposition="append", loader_file_format="csv")
print(time.perf_counter() - begun)
"""

_AWSWRANGLER = """
import sys, time
import awswrangler as wr
import pandas as pd
import pg8000
file, table, *login = sys.argv[1:]
host, port, dbname, user, password = login
db = pg8000.connect(host=host, port=int(port), database=dbname, user=user, password=password)
begun = time.perf_counter()
rows = pd.read_csv(file, dtype=str, keep_default_na=False)
wr.postgresql.to_sql(rows, db, table=table, schema="bench_peers", mode="append", use_column_names=True, chunksize=1000)
print(time.perf_counter() - begun)
"""


def _dlt(database: Database, file: Path, rows: int) -> Peer:
    _run(database, "DROP SCHEMA IF EXISTS bench_peers_dlt CASCADE")
    how = "filesystem | read_csv, pipeline.run with csv files for the loader; a table of its own, without a key"
    try:
        seconds, problem = _python(_DLT, str(file.parent), file.name, database.url)
        if problem or _loaded(database, "bench_peers_dlt.loaded") != rows:
            return Peer(0, 0.0, f"did not load the file: {problem or 'rows are missing'}")
    finally:
        _run(database, "DROP SCHEMA IF EXISTS bench_peers_dlt CASCADE")
    return Peer(rows, seconds, how)


def _awswrangler(database: Database, file: Path, rows: int) -> Peer:
    login = (database.host, str(database.port), database.dbname, database.username, database.password)
    seconds, problem = _python(_AWSWRANGLER, str(file), "loaded", *login)
    if problem or _loaded(database) != rows:
        return Peer(0, 0.0, f"did not load the file: {problem or 'rows are missing'}")
    return Peer(rows, seconds, "read_csv, postgresql.to_sql 1,000 rows at a time; a table whose key is the session id")


def _python(program: str, *arguments: str) -> tuple[float, str]:
    """The time that a program in the peers' environment reports, without its imports, or why it failed."""
    if not PYTHON.exists():
        return 0.0, "its environment is missing; run make bench-peers"
    settings = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    done = _ended([str(PYTHON), "-c", program, *arguments], settings)
    if done.returncode != 0:
        return 0.0, _last_line(done)
    return float(json.loads(done.stdout.strip().splitlines()[-1])), ""


def _timed(command: list[str], settings: dict[str, str]) -> tuple[float, str]:
    begun = time.perf_counter()
    done = _ended(command, settings)
    return time.perf_counter() - begun, _last_line(done) if done.returncode else ""


def _ended(command: list[str], settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **settings}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )


def _last_line(done: "subprocess.CompletedProcess[str]") -> str:
    return next((line for line in reversed((done.stderr + done.stdout).splitlines()) if line.strip()), "no reason")
