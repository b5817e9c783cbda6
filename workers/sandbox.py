"""Which sandbox this machine allows, and the command that puts a leash and its child into it."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from spec.run import ACKNOWLEDGED

ROOT = Path(__file__).resolve().parent.parent
LEASH = str(Path(__file__).with_name("leash.py"))
UNSHARE = ["unshare", "--user", "--map-root-user", "--pid", "--net", "--ipc", "--uts", "--mount", "--fork",
           "--kill-child=KILL", "--propagation=unchanged"]  # fmt: skip
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/sys", "/opt/nvidia", "/etc/ld.so.cache", "/etc/ld.so.conf",
          "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime", "/etc/passwd", "/etc/group")  # fmt: skip
FILE_LIMIT = 64 * 2**30  # bytes of one file that a child writes
PROCESS_LIMIT = 4096
INSPECTION_LIMIT = 8 * 2**30  # bytes of its own of a child that opens uploads; torch and onnxruntime take 0.3 GB
INHERITED = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "TZ")


class Sandbox(StrEnum):
    """How a child is kept from the network, from other processes and from other people's files."""

    NAMESPACE = "namespace"
    BUBBLEWRAP = "bubblewrap"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a leash is told."""

    argv: Sequence[str]
    run: str
    """The run folder: the child's working directory, and all that it can write."""
    root: str
    """An empty folder to build a root on; empty where somebody else has built it."""
    lease: float
    grace: float
    visible: Sequence[str] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    enclosed: bool = True
    """The leash is PID 1 of a namespace."""
    counts: str = ""
    """The file in which the kernel counts whom of our control group it has killed for want of memory; empty: none."""


def counts() -> str:
    """That file of this process's own group, of cgroup 2 or 1; empty where there is none, as in the machine's root group."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        base, name = ("", "memory.events") if not controllers else ("/memory", "memory.oom_control")
        # A container may see its own group as the root.
        for group in (path, "") if controllers in ("", "memory") else ():
            file = Path(f"/sys/fs/cgroup{base}{group}", name)
            if file.is_file():
                return str(file)
    return ""


def visible(code: Sequence[Path] = ()) -> list[str]:
    """What a child may read beside its run folder: the system's programs, Python and its packages, its own code."""
    python = [sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parent.parent)]
    ours = [str(path) for path in code or (ROOT / "spec", ROOT / "distill")]
    wanted = [*SYSTEM, *python, *(os.path.realpath(path) for path in python), *ours]
    return [path for path in dict.fromkeys(wanted) if Path(path).exists() and path != "/"]


def limits(memory: int, data: int = 0) -> dict[str, int]:
    """rlimits of a child, 0 for none. `memory`: bytes of address space (CUDA maps far more than it uses); `data`: of its
    own memory, without files that it maps to read."""
    given = {"core": 0, "file": FILE_LIMIT, "processes": PROCESS_LIMIT}
    return given | ({"memory": memory} if memory else {}) | ({"data": data} if data else {})


def environment(threads: int) -> dict[str, str]:
    """Nothing of the worker's own but where its devices are; and that checkpoints are acknowledged."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    counts = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), str(threads)
    )
    own = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    return {**kept, **counts, **own, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", ACKNOWLEDGED: "1"}


def command(sandbox: Sandbox, order: Order) -> list[str]:
    """The command line of a leash."""
    told = asdict(order)
    if sandbox is Sandbox.NAMESPACE:
        return [*UNSHARE, *_leash(told)]
    if sandbox is Sandbox.BUBBLEWRAP:
        return [*_bubblewrap(order), *_leash(told | {"root": ""})]
    return _leash(told | {"root": "", "enclosed": False})


def _leash(told: dict[str, Any]) -> list[str]:
    return [sys.executable, "-I", "-S", LEASH, json.dumps(told)]


def _bubblewrap(order: Order) -> list[str]:
    """bubblewrap (0.8 or later) builds the root; the leash is PID 1 in it."""
    base = [
        "bwrap",
        "--unshare-all",
        "--die-with-parent",
        "--as-pid-1",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
    ]
    if not _setuid("bwrap"):  # one that is, stands where nobody may make user namespaces anyway
        base += ["--unshare-user", "--disable-userns"]
    for device in sorted(map(str, Path("/dev").glob("nvidia*"))):
        base += ["--dev-bind", device, device]
    inputs = f"{order.run}/inputs"
    for path in (*order.visible, LEASH, *filter(None, [order.counts])):
        base += ["--ro-bind", path, path]
    return [*base, "--bind", order.run, order.run, "--ro-bind", inputs, inputs, "--remount-ro", "/", "--"]


def _setuid(program: str) -> bool:
    found = shutil.which(program)
    return found is not None and bool(Path(found).stat().st_mode & stat.S_ISUID)


def detect(scratch: Path) -> Sandbox:
    """The best sandbox in which a child really runs on this machine, tried and not guessed. Takes 0.1 s."""
    for sandbox in (Sandbox.NAMESPACE, Sandbox.BUBBLEWRAP):
        if _works(sandbox, scratch):
            return sandbox
    return Sandbox.NONE


def _works(sandbox: Sandbox, scratch: Path) -> bool:
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="probe-") as folder:
        run, root = Path(folder, "run"), Path(folder, "root")
        root.mkdir()
        (run / "inputs").mkdir(parents=True)
        order = Order(
            argv=[sys.executable, "-I", "-S", "-c", "pass"],
            run=str(run),
            root=str(root),
            lease=10.0,
            grace=1.0,
            visible=visible(),
            limits=limits(0),
            environment=environment(1),
        )
        try:
            # The leash listens on stdin: an open pipe is a worker that lives.
            with subprocess.Popen(
                command(sandbox, order), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as probe:
                probe.wait(20)
                assert probe.stdout is not None
                said = probe.stdout.read()
        except (OSError, subprocess.TimeoutExpired):
            return False
        return said != b"" and json.loads(said)["code"] == 0
