"""``make clean``: removes the local system's data. Standard library only: there may be no environment to run in."""

import fcntl
import shutil
import sys
from pathlib import Path

HOME = Path(__file__).parent.parent / ".local"


def main() -> None:
    for lock in [HOME / "lock", HOME / "demo" / "lock"]:
        if lock.exists() and is_held(lock):
            print(
                f"kintell: the local system is running (process {lock.read_text().strip()}); stop it first",
                file=sys.stderr,
            )
            raise SystemExit(1)
    if HOME.exists():
        shutil.rmtree(HOME)


def is_held(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


if __name__ == "__main__":
    main()
