"""A child process that can be started again, and that never outlives us."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

LAUNCH = str(Path(__file__).with_name("launch.py"))
ROOT = Path(__file__).resolve().parent.parent
"""The repository: children run in it."""
Identity = Literal["self", "namespace", "nobody"]


class NotReady(RuntimeError):
    """A process ended, or took too long, before it was ready. The message has the end of its log."""


class Process:
    """One program of the stack. Start it from a thread that lives on: the death signal comes when that thread ends."""

    stop_signal = signal.SIGTERM
    death_signal = signal.SIGTERM
    identity: Identity = "self"

    def __init__(
        self, name: str, argv: Sequence[str], *, log: Path,
        environment: Mapping[str, str] | None = None, stdin: bytes = b"", descriptors: Iterable[int] = (),
    ) -> None:  # fmt: skip
        self.name = name
        self.argv = list(argv)
        self.log = log
        self.environment = dict(os.environ if environment is None else environment)
        self._stdin = stdin
        self._descriptors = tuple(descriptors)
        self._child: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        """Unix seconds of the last start."""

    @property
    def pid(self) -> int:
        assert self._child is not None, f"{self.name} was never started"
        return self._child.pid

    def start(self) -> None:
        """Returns at once. The log is appended to: whoever rotates it may truncate it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        launch = [
            sys.executable,
            "-I",
            "-S",
            LAUNCH,
            str(os.getpid()),
            str(int(self.death_signal)),
            self.identity,
            "--",
        ]
        self.started_at = time.time()
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*launch, *self.argv], stdin=subprocess.PIPE, stdout=log, stderr=log, env=self.environment, cwd=ROOT,
                pass_fds=self._descriptors, process_group=0,
            )  # fmt: skip
        assert self._child.stdin is not None
        self._child.stdin.write(self._stdin)
        self._child.stdin.close()

    def ready(self) -> bool:
        """Whether it does its work. A program that says nothing of it is ready when it runs."""
        return self.running()

    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def wait_ready(self, seconds: float = 120.0, ready: Callable[[], bool] | None = None) -> None:
        """`ready`: asked instead of our own. Raises NotReady."""
        deadline = time.monotonic() + seconds
        while not (ready or self.ready)():
            if not self.running() or time.monotonic() > deadline:
                state = "did not get ready" if self.running() else "ended"
                raise NotReady(f"{self.name} {state}; the end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.01)

    def ask(self) -> None:
        """Asks it to stop, and returns."""
        if self._child is not None and self.running():
            self._child.send_signal(self.stop_signal)

    def stop(self, seconds: float = 15.0) -> None:
        """Asks, waits, and kills what does not listen."""
        self.ask()
        if self._child is None:
            return
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to this one process; what it had started is left to its own means."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


def tail(log: Path, size: int = 2000) -> str:
    """The last `size` bytes of a log."""
    return log.read_bytes()[-size:].decode(errors="replace")


@cache
def namespaces() -> bool:
    """Whether this machine lets us make user namespaces."""
    argv = [sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), "15", "namespace", "--", "/bin/true"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
