"""Texts as people read them: times in their own zone, sizes, and nothing that would steer a terminal or a shell."""

import json
import re
import shlex
from datetime import datetime
from typing import Any

# Control characters, line and paragraph ends, what turns the direction of writing or can't be seen, and halves of
# characters: a file's name may hold them. Joiners stay: Persian needs them.
_INVISIBLE = (
    r"\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff"
)
_STEERING = re.compile(rf"[\x00-\x1f{_INVISIBLE}]")
# After a carriage return alone, what follows is written over what was there.
_STEERING_LINES = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f{_INVISIBLE}]|\r(?!\n)")
_STEERING_JSON = re.compile(f"[{_INVISIBLE}]")  # json escapes the others itself


def clean(value: Any) -> str:
    """The value as text in one line; null is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _STEERING.sub(" ", str(value))


def command(*words: object) -> str:
    """A command to type, such as `kintell status 6b0e… --watch`, each word quoted where a shell needs it."""
    return shlex.join(clean(word) for word in words)


def file_argument(file: object) -> str:
    """A file's name as an argument that is no option."""
    name = clean(file)
    return f"./{name}" if name.startswith("-") else name


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON in which letters are letters, and what steers a terminal is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _STEERING_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def visible(text: str) -> str:
    """Several lines in which what steers a terminal stands as \\x1b."""
    return _STEERING_LINES.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


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
