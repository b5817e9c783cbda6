"""The processes in which steps run, seen from outside: by scan of /proc."""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Found:
    """A process that is no zombie."""

    pid: int
    command: str

    @property
    def is_child(self) -> bool:
        """Whether it is the science itself: neither its leash, nor what has put both into a namespace, nor what it has started."""
        return "-m distill" in self.command and "leash.py" not in self.command

    def runs(self, job: str, step: str) -> bool:
        """Whether this is what a child was told to do. False once its folder is gone."""
        written = read(Path(self.command.split()[-1], "spec.json"))
        told = json.loads(written or "null")
        return told is not None and (told["context"]["job"]["id"], told["step"]) == (job, step)


def alive(folder: Path) -> list[Found]:
    """Everything on this machine whose command line names a folder, whatever session or group it has gone to."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        command = read(process / "cmdline").replace("\0", " ").strip()
        if str(folder) in command and read(process / "stat").rpartition(")")[2].split()[:1] not in ([], ["Z"]):
            found.append(Found(int(process.name), command))
    return found


def child_of(scratch: Path, job: str, step: str) -> int:
    """Process id of the one child that runs a step of a job."""
    children = [found for found in alive(scratch) if found.is_child]
    (pid,) = (found.pid for found in children if found.runs(job, step))
    return pid


def kill_child(scratch: Path, job: str, step: str) -> None:
    """kill -9 to that child, and to nothing else: its leash and its worker live on."""
    os.kill(child_of(scratch, job, step), signal.SIGKILL)


def read(path: Path) -> str:
    """Empty where its process has just ended."""
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
