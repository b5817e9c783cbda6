"""A leash with a Python script as its child, in a run folder of its own."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from workers.child import Child, End
from workers.sandbox import Order, Sandbox, environment, limits, visible

BWRAP = pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap on this machine")


@dataclass
class Leashed:
    child: Child
    run: Path

    def said(self, words: str) -> bool:
        """Whether the child has written these words to its log."""
        log = self.run / "log.txt"
        return log.exists() and words in log.read_text()

    def ended(self, seconds: float = 20.0) -> End:
        assert self.child.wait(seconds), "it runs on"
        end = self.child.end()
        assert end is not None
        return end


@contextmanager
def leashed(
    folder: Path,
    script: str,
    *,
    sandbox: Sandbox = Sandbox.NAMESPACE,
    lease: float = 60.0,
    grace: float = 5.0,
    memory: int = 0,
    data: int = 0,
    counts: str = "",
) -> Iterator[Leashed]:
    """`script` runs with the run folder as its working directory."""
    run = folder / "run"
    (run / "inputs").mkdir(parents=True, exist_ok=True)
    (folder / "root").mkdir()
    order = Order(
        argv=[sys.executable, "-c", script],
        run=str(run),
        root=str(folder / "root"),
        lease=lease,
        grace=grace,
        visible=visible(),
        limits=limits(memory, data),
        environment=environment(1),
        counts=counts,
    )
    child = Child(sandbox, order, folder / "leash.json")
    try:
        yield Leashed(child, run)
    finally:
        child.close()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits for a condition; fails if it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)
