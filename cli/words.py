"""Texts as people read them: times in their own zone, sizes, and nothing that would steer a terminal."""

import re
from datetime import datetime
from typing import Any

# Control characters, and those that turn the direction of writing: a file's name may hold them.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(value: Any) -> str:
    """The value as text in one line; null is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _STEERING.sub(" ", str(value))


def local_time(utc: str | None) -> str:
    """A time of the API in the local zone, such as 2024-12-01 13:00:02+01:00; empty if there is none."""
    return datetime.fromisoformat(utc).astimezone().isoformat(" ", "seconds") if utc else ""


def size(count: int) -> str:
    """1234 is 1.2 KB; a thousand bytes are a KB."""
    amount = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{count} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


def counted(count: int, noun: str) -> str:
    """1 row, 2 rows."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
