"""The leash: `python -I -S leash.py ORDER`, the parent of one child, and PID 1 where a namespace could be made.

It speaks with the worker through stdin: `H` the lease was renewed, `T` stop, `K` kill, `C` a checkpoint was dealt with (passed on to the
child's stdin), end of file: the worker is gone.
It keeps the lease's clock itself, so that a worker that is killed or frozen leaves no child behind. At the end every
descendant is dead, and stdout has been told how the child ended and who ended it. ORDER is JSON: see `Order` in sandbox.py.
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 1, 2, 4, 4096, 16384, 1 << 18, 2
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
DEVICES = ("null", "zero", "full", "random", "urandom")
LIMITS = {"core": resource.RLIMIT_CORE, "file": resource.RLIMIT_FSIZE, "processes": resource.RLIMIT_NPROC,
          "memory": resource.RLIMIT_AS, "data": resource.RLIMIT_DATA}  # fmt: skip
TICK = 0.5  # seconds between looks at orphans and clocks

libc = ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: Any) -> None:
    """A system call without a wrapper. Raises OSError."""
    if libc.syscall(ctypes.c_long(number), *arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"system call {number}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    done = libc.mount(source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode())
    if done:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), target)


def bind(source: str, root: str, writable: bool = False) -> None:
    """`source` under the new root, at its own path. What a folder bound before has brought along stays as it is."""
    target = root + source
    if os.path.lexists(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.makedirs(target)
    else:
        open(target, "x").close()
    mount(source, target, flags=MS_BIND | MS_REC)
    if not writable:
        read_only(target)


def read_only(path: str, flags: int = AT_RECURSIVE) -> None:
    """Everything mounted at and below `path`, or with flags 0 the one mount there."""
    attributes = (ctypes.c_uint64 * 4)(MS_RDONLY | MS_NOSUID, 0, 0, 0)
    call(MOUNT_SETATTR, AT_FDCWD, path.encode(), flags, attributes, ctypes.c_size_t(32))


def enclose(order: dict[str, Any]) -> None:
    """A root of its own: what is named visible, read-only; the run folder; empty /tmp and /dev/shm; nothing else."""
    root, inputs = order["root"], order["root"] + order["run"] + "/inputs"
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755")
    for path, size in (("/tmp", "1g"), ("/dev", "1m"), ("/dev/shm", "1g")):
        os.mkdir(root + path)
        mount("tmpfs", root + path, "tmpfs", MS_NOSUID, f"size={size},mode=1777")
    os.mkdir(root + "/proc")
    mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV)
    graphics = [name for name in os.listdir("/dev") if name.startswith("nvidia")]
    for name in (*DEVICES, *graphics):
        bind(f"/dev/{name}", root, writable=True)
    bind(order["run"], root, writable=True)
    mount(inputs, inputs, flags=MS_BIND)
    read_only(inputs)  # hard links to what others read, too
    for path in order["visible"]:
        bind(path, root)
    read_only(root, flags=0)
    os.chdir(root)
    call(PIVOT_ROOT[os.uname().machine], b".", b".")
    if libc.umount2(b".", MNT_DETACH):
        raise OSError(ctypes.get_errno(), "the old root stays")
    os.chdir("/")
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")  # no way back to power over mounts


def become(order: dict[str, Any], ear: int) -> None:
    """The forked process becomes the child: no capabilities, limits, an environment of its own, `ear` for stdin, its output in log.txt."""
    os.setsid()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.chdir(order["run"])
    log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    for source, target in ((ear, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 1024)
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")  # rather the child than the worker
    for name, value in order["limits"].items():
        resource.setrlimit(LIMITS[name], (value, value))
    if order["enclosed"]:
        capability = 0
        while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
            capability += 1
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.execve(order["argv"][0], order["argv"], order["environment"])


class Leash:
    """One child and the clocks on it."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.lease, self.grace = float(order["lease"]), float(order["grace"])
        self.renewed = time.monotonic()
        self.stop_at: float | None = None
        self.stopped_by: str | None = None
        self.killed_by: str | None = None
        self.end: tuple[int, resource.struct_rusage] | None = None
        ear, self.mouth = os.pipe()
        os.set_blocking(self.mouth, False)
        self.child = os.fork()
        if self.child == 0:
            try:
                become(order, ear)
            finally:
                os._exit(127)
        os.close(ear)

    def watch(self) -> None:
        """Until the child has ended."""
        child, ears = os.pidfd_open(self.child), [0]
        while self.end is None:
            ready, _, _ = select.select([child, *ears], [], [], self.pause())
            if 0 in ready and not self.listen():
                ears = []
            self.check()
            self.reap()

    def listen(self) -> bool:
        """What the worker says; False at the end of file."""
        said = os.read(0, 4096)
        if b"H" in said:
            self.renewed = time.monotonic()
        if b"C" in said:
            self.tell(said.count(b"C"))
        if b"T" in said or not said:
            self.stop("worker" if said else "worker_gone")
        if b"K" in said:
            self.kill("worker")
        return bool(said)

    def tell(self, checkpoints: int) -> None:
        """The child may have ended, or listen to nobody: its pipe is then closed or full."""
        try:
            os.write(self.mouth, b"C" * checkpoints)
        except (BrokenPipeError, BlockingIOError):
            return

    def pause(self) -> float:
        ends = [self.renewed + self.lease - min(self.grace, self.lease / 3), self.renewed + self.lease]
        if self.stop_at is not None:
            ends.append(self.stop_at + self.grace)
        coming = [end - time.monotonic() for end in ends if end > time.monotonic()]
        return max(0.01, min([TICK, *coming]))

    def check(self) -> None:
        """The lease stops the child in time to write a checkpoint, and kills it when it ends."""
        now = time.monotonic()
        if now >= self.renewed + self.lease - min(self.grace, self.lease / 3):
            self.stop("lease")
        if now >= self.renewed + self.lease:
            self.kill("lease")
        if self.stop_at is not None and now >= self.stop_at + self.grace:
            self.kill(self.stopped_by or "worker")

    def stop(self, reason: str) -> None:
        if self.stop_at is None and self.end is None:
            self.stop_at, self.stopped_by = time.monotonic(), reason
            os.kill(self.child, signal.SIGTERM)

    def kill(self, reason: str) -> None:
        if self.killed_by is None and self.end is None:
            self.killed_by = reason
            os.kill(self.child, signal.SIGKILL)

    def reap(self) -> None:
        """The child's end, and orphans that PID 1 has inherited."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.child:
                self.end = (os.waitstatus_to_exitcode(status), usage)

    def report(self, out_of_memory: bool | None) -> bytes:
        assert self.end is not None
        code, usage = self.end
        said = {"code": code, "stopped_by": self.stopped_by, "killed_by": self.killed_by, "rss": usage.ru_maxrss * 1024,
                "cpu": usage.ru_utime + usage.ru_stime, "out_of_memory": out_of_memory}  # fmt: skip
        return json.dumps(said).encode()


class Kills:
    """How often the kernel has killed for want of memory: in our own control group if that can be told, else anywhere."""

    def __init__(self, own: str) -> None:
        """`own`: the group's file of counts; opened before there is another root. Empty: there is none."""
        self.own = bool(own)
        self.file = open(own or "/proc/vmstat")  # noqa: SIM115  # open as long as we live
        self.before = self.count()

    def count(self) -> int:
        self.file.seek(0)
        return next((int(line.split()[1]) for line in self.file if line.startswith("oom_kill ")), 0)

    def more(self) -> bool | None:
        """Whether one came since; None: somewhere on this machine, and nobody can tell where."""
        return (True if self.own else None) if self.count() > self.before else False


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, by the kernel's lists; orphans come to us as a subreaper."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        for thread in threads:
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += [int(child) for child in file.read().split()]
    except OSError:
        return found
    return found + [further for child in found for further in descendants(child)]


def sweep(enclosed: bool) -> None:
    """Kills what the child has left behind, until nothing is left."""
    while True:
        rest = descendants(os.getpid())
        if not rest:
            return
        if enclosed:
            os.kill(-1, signal.SIGKILL)
        else:
            for pid in rest:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        try:
            os.wait4(-1, 0)
        except ChildProcessError:
            return


def main() -> None:
    order = json.loads(sys.argv[1])
    kills = Kills(order["counts"])
    if order["enclosed"]:
        if order["root"]:
            enclose(order)
    else:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    leash = Leash(order)
    leash.watch()
    sweep(order["enclosed"])
    os.write(1, leash.report(kills.more()))


if __name__ == "__main__":
    main()
