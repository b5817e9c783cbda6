"""Becomes another program that dies with its parent: `python -I -S launch.py PARENT SIGNAL AS -- PROGRAM ARGUMENTS...`.

AS is `self`; `namespace`: uid 1 of a new user namespace, for programs that refuse root or need a passwd entry, while their files
stay ours; or `nobody`: that user, where root may make no namespace. A script of its own, since only a process with one thread may enter
a user namespace, and since a death signal is forgotten when credentials change: it comes last.
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
SETPRIV = [
    "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
]  # fmt: skip


def enter_namespace(libc: ctypes.CDLL) -> None:
    """Raises OSError where the kernel refuses."""
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "cannot make a user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"1 {gid} 1")


def main(parent: int, death: int, identity: str, argv: list[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if identity == "nobody":  # setpriv changes who we are, then comes back here
        command = [sys.executable, "-I", "-S", __file__, str(parent), str(death), "self", "--", *argv]
        os.execvp(SETPRIV[0], [*SETPRIV, *command])
    if identity == "namespace":
        enter_namespace(libc)
    libc.prctl(PR_SET_PDEATHSIG, death, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[5:])
