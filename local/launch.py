"""Becomes another program: not run by root, and ending when its parent ends.

Run as ``python -P launch.py HOW PARENT_PID SIGNAL PROGRAM ARGUMENT…``. HOW is ``plain`` (no change), ``namespace``
(root becomes user 1000 of a user namespace, and keeps the files that root owns) or ``nobody`` (root becomes nobody,
but may still pass through folders that only root may enter, so that no home folder needs another mode).
Uses the standard library only.
"""

import ctypes
import os
import shutil
import signal
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
NOBODY = 65534


def enter_user_namespace() -> None:
    """Make the machine's root user 1000 of a new user namespace. Raises OSError where that is forbidden."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, line in (("setgroups", "deny"), ("gid_map", f"1000 {group} 1"), ("uid_map", f"1000 {user} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)


def become_nobody(arguments: list[str]) -> None:
    """Start this program again as nobody; setpriv (util-linux) keeps its right to pass through closed folders."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise OSError("setpriv is missing")
    rights = ["--inh-caps", "+dac_override,+dac_read_search", "--ambient-caps", "+dac_override,+dac_read_search"]
    user = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    os.execv(setpriv, [setpriv, *user, *rights, sys.executable, "-P", __file__, "plain", *arguments])


def end_with_parent(parent: int, signal_number: int) -> None:
    """Have the Linux kernel send the signal when the parent ends, however it ends. Elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def main(how: str, *arguments: str) -> None:
    if how == "nobody":
        become_nobody(list(arguments))
    if how == "namespace":
        enter_user_namespace()
    parent, signal_number, program, *rest = arguments
    end_with_parent(int(parent), int(signal_number))
    os.execv(program, [program, *rest])


if __name__ == "__main__":
    main(*sys.argv[1:])
