"""A PostgreSQL as RDS runs it on a db.t4g.micro: 1 GiB of memory, few connections; here one CPU, where it has two.

Its memory is limited by a control group where one may be made (root, cgroup v1 or v2); it is measured everywhere.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from local.postgres import Database, running_server

GIBIBYTE = 1024**3
INSTANCE_BYTES = 800 * 1024**2
"""What RDS reckons with as DBInstanceClassMemory: the instance's memory without what its own processes use.
RDS does not publish the figure; this one gives fewer connections than most people report."""

# The formulas of RDS's default parameters, DBInstanceClassMemory in bytes:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
SETTINGS = {
    "shared_buffers": str(INSTANCE_BYTES // 32_768),
    "effective_cache_size": str(INSTANCE_BYTES // 16_384),
    "max_connections": str(min(INSTANCE_BYTES // 9_531_392, 5_000)),
    "maintenance_work_mem": "64MB",
    "work_mem": "4MB",
    "wal_buffers": "-1",
    "max_wal_size": "2GB",
    "max_worker_processes": "8",
    "max_parallel_workers": "8",
    "max_parallel_workers_per_gather": "2",
}
LOOKS_PER_SECOND = 4


class SmallServer:
    """A running server: its database, whether its memory is limited, and the most that it has used."""

    def __init__(self, database: Database, postmaster: int, group: Path | None) -> None:
        self.database, self.postmaster, self.group = database, postmaster, group
        self.peak_bytes = 0

    def out_of_memory(self) -> int:
        """How many of its processes the kernel has killed for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            file = self.group / name if self.group else None
            for line in file.read_text().splitlines() if file and file.exists() else []:
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
        return 0

    def watch(self, done: threading.Event) -> None:
        """Note the most that all processes together use, until *done*."""
        while not done.wait(1 / LOOKS_PER_SECOND):
            self.peak_bytes = max(self.peak_bytes, sum(map(_pss_bytes, _processes(self.postmaster))))


@contextmanager
def small_server(folder: Path) -> Iterator[SmallServer]:
    """Run the server with its data in *folder*, within 1 GiB and on one CPU."""
    with running_server(folder, SETTINGS) as database:
        postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        group = _limited(_processes(postmaster))
        server, done = SmallServer(database, postmaster, group), threading.Event()
        watching = threading.Thread(target=server.watch, args=(done,))
        watching.start()
        try:
            yield server
        finally:
            done.set()
            watching.join()
    if group is not None:
        with suppress(OSError):
            group.rmdir()


def _limited(processes: list[int]) -> Path | None:
    """Put the processes, and those that they will start, on one CPU and into a control group of 1 GiB if possible."""
    cpu = min(os.sched_getaffinity(0))
    for process in processes:
        os.sched_setaffinity(process, {cpu})
    for parent, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = Path(parent) / f"kintell-small-{os.getpid()}"
        try:
            group.mkdir()
            (group / limit).write_text(str(GIBIBYTE))
            for process in processes:
                (group / "cgroup.procs").write_text(str(process))
        except OSError:
            with suppress(OSError):
                group.rmdir()
        else:
            return group
    return None


def _processes(postmaster: int) -> list[int]:
    with suppress(psutil.Error):
        return [postmaster, *(child.pid for child in psutil.Process(postmaster).children(recursive=True))]
    return []


def _pss_bytes(process: int) -> int:
    """The memory of a process, what it shares with others divided among them."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
