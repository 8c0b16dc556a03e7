"""Remembers which upload in parts belongs to which file, so that the same command goes on after an interruption.

Only the upload's id is stored: which parts are there is what the storage says.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from cli.logins import place


def key_of(api_url: str, path: Path, body: dict[str, Any]) -> str:
    """What must be the same for an upload to go on: the API, the file, its size and time, and the options."""
    found = path.stat()
    facts = [api_url, str(path.resolve()), found.st_size, found.st_mtime_ns, found.st_ino, body]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def find(key: str) -> str | None:
    """The id of the upload that was interrupted."""
    try:
        return (_folder() / key).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def keep(key: str, upload_id: str) -> None:
    """Remember an upload. If that fails, the upload works, and only can't be continued."""
    with suppress(OSError):
        _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(_folder() / key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "w", encoding="ascii") as out:
            out.write(upload_id)


def forget(key: str) -> None:
    """Forget an upload, which is complete or can't be continued."""
    with suppress(OSError):
        (_folder() / key).unlink(missing_ok=True)


def _folder() -> Path:
    return place().with_name("uploads")
