"""A child on its leash, as the worker holds it: renew, stop, kill, wait, and how it ended."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict

from workers.sandbox import Order, Sandbox, command

DISTILL = (sys.executable, "-m", "distill")


class End(BaseModel):
    """What the leash says of the child's end."""

    model_config = ConfigDict(frozen=True)

    code: int
    """Exit code; negative: the signal that ended it."""
    stopped_by: str | None
    """`worker`, `worker_gone` or `lease`: who asked it to stop."""
    killed_by: str | None
    """Who of us killed it; None: nobody of us."""
    rss: int
    """Largest resident memory, in bytes."""
    cpu: float
    out_of_memory: bool | None
    """The kernel has killed a process of ours for want of memory meanwhile; None: somebody's, perhaps ours."""


class Child:
    """A running leash. From any thread."""

    def __init__(self, sandbox: Sandbox, order: Order, report: Path) -> None:
        """Starts it. `report`: the file that will say how the child ended, out of the child's reach. Raises OSError."""
        self._report = report
        # A session of its own: ^C in the worker's terminal is the worker's business.
        with report.open("wb") as said:
            self._leash = subprocess.Popen(
                command(sandbox, order), stdin=subprocess.PIPE, stdout=said, stderr=subprocess.DEVNULL,
                cwd="/", env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")}, start_new_session=True, bufsize=0,
            )  # fmt: skip
        self._pidfd = os.pidfd_open(self._leash.pid)

    def renew(self) -> None:
        """The lease was renewed just now."""
        self._say(b"H")

    def stop(self) -> None:
        """Write a checkpoint and end; killed if that takes longer than the grace."""
        self._say(b"T")

    def acknowledge(self) -> None:
        """The next checkpoint that it told of has been dealt with."""
        self._say(b"C")

    def kill(self) -> None:
        """At once, with every descendant."""
        self._say(b"K")

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after `seconds` at most."""
        if self._leash.returncode is None and not select.select([self._pidfd], [], [], seconds)[0]:
            return False
        self._leash.wait()
        return True

    def end(self) -> End | None:
        """How it ended; None if the leash itself was killed, and the child with it."""
        try:
            return End.model_validate(json.loads(self._report.read_bytes()))
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """Ends whatever still runs, and frees the descriptors."""
        if self._leash.poll() is None:
            self.kill()
            try:
                self._leash.wait(5)
            except subprocess.TimeoutExpired:
                self._leash.kill()
                self._leash.wait()
        self._pipe.close()
        os.close(self._pidfd)

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._leash.stdin is not None
        return self._leash.stdin

    def _say(self, letter: bytes) -> None:
        try:
            self._pipe.write(letter)
        except (OSError, ValueError):
            return  # it has ended
