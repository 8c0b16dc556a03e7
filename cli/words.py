"""Formats texts for people: times in their own zone, sizes, and nothing that could control a terminal or a shell."""

import json
import re
import shlex
from datetime import datetime
from typing import Any

# Control characters, line and paragraph ends, direction marks, invisible characters and lone surrogates: a file name
# may hold them. Joiners stay, since Persian needs them.
_INVISIBLE = (
    r"\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff"
)
_STEERING = re.compile(rf"[\x00-\x1f{_INVISIBLE}]")
# After a lone carriage return, text overwrites the start of the line.
_STEERING_LINES = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f{_INVISIBLE}]|\r(?!\n)")
_STEERING_JSON = re.compile(f"[{_INVISIBLE}]")  # json escapes the others itself


def clean(value: Any) -> str:
    """The value as one line of text; null is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _STEERING.sub(" ", str(value))


def command(*words: object) -> str:
    """A command to type, such as `kintell status 6b0e… --watch`, with words quoted where a shell needs it."""
    return shlex.join(clean(word) for word in words)


def file_argument(file: object) -> str:
    """A file name as an argument that can't look like an option."""
    name = clean(file)
    return f"./{name}" if name.startswith("-") else name


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON with letters as they are and terminal controls escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _STEERING_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def visible(text: str) -> str:
    """Several lines, with terminal controls shown as \\x1b."""
    return _STEERING_LINES.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def local_time(utc: str | None) -> str:
    """A time from the API in the local zone, such as 2024-12-01 13:00:02+01:00; empty if there is none."""
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
    """1 row, 2,000 rows."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
