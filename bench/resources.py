"""Measures CPU seconds of database and functions, and the peak memory of each function process.

It reads /proc, so it works on Linux only.
"""

import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"
"""Written to /proc/<pid>/clear_refs, this resets the peak: https://docs.kernel.org/filesystems/proc.html."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds between two readings, and each function's peak memory since the first, by its short name."""

    database_seconds: float
    functions_seconds: float
    emulator_seconds: float
    peak_mb: dict[str, float]

    @property
    def highest_mb(self) -> float:
        """The peak of the process that used the most."""
        return max(self.peak_mb.values(), default=0.0)


class Meter:
    """Reads the processes of one local system: PostgreSQL, the emulator, and its functions."""

    def __init__(self, folder: Path) -> None:
        self._postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        self._emulator = _emulator_of(folder)
        self.start()

    def start(self) -> None:
        """Start counting."""
        for worker in self._workers():
            with suppress(OSError):
                Path(f"/proc/{worker.pid}/clear_refs").write_text(_RESET_PEAK)
        self._before = self._seconds()

    def read(self) -> Usage:
        """What has been used since the start."""
        database, functions, emulator = (
            after - before for after, before in zip(self._seconds(), self._before, strict=True)
        )
        peaks: defaultdict[str, float] = defaultdict(float)
        for worker in self._workers():
            name, peak = _function_name(worker), _peak_mb(worker.pid)
            peaks[name] = max(peaks[name], peak)
        return Usage(database, functions, emulator, dict(sorted(peaks.items())))

    def _workers(self) -> list[psutil.Process]:
        return [child for child in psutil.Process(self._emulator).children() if _function_name(child)]

    def _seconds(self) -> tuple[float, float, float]:
        database, ended_backends = cpu_seconds(self._postmaster)
        backends = sum(cpu_seconds(child.pid)[0] for child in psutil.Process(self._postmaster).children())
        emulator, ended_workers = cpu_seconds(self._emulator)
        workers = sum(cpu_seconds(worker.pid)[0] for worker in self._workers())
        return database + ended_backends + backends, workers + ended_workers, emulator


def cpu_seconds(pid: int) -> tuple[float, float]:
    """CPU seconds of a process and of its ended children; zeros if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    own, children = (int(fields[11]) + int(fields[12])), (int(fields[13]) + int(fields[14]))
    return own / _TICKS_PER_SECOND, children / _TICKS_PER_SECOND


def _peak_mb(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _function_name(process: psutil.Process) -> str:
    """`Stage` from `kintell-Stage-1A2B3C`; empty for a process that is not a function."""
    with suppress(psutil.Error):
        name: str = process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
        parts = name.split("-")
        return parts[1] if len(parts) > 1 else name
    return ""


def _emulator_of(folder: Path) -> int:
    """The emulator's process: our child whose temporary folder is in *folder*. Raises LookupError."""
    wanted = str(folder.resolve() / "aws" / "tmp")
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.environ().get("TMPDIR") == wanted:
                return int(child.pid)
    raise LookupError("the emulator's process was not found")
