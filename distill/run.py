"""The child's side of the run folder (`spec/run.py` is the protocol): paths, events, the wish to stop, the result."""

import gc
import hashlib
import importlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from pydantic import ValidationError

from distill.console import Console
from spec.run import ACKNOWLEDGED, CHECKPOINTS, EVENTS, INPUTS, OUTPUTS, RESULT, SPEC, Event, Output, Result, Run

LISTEN = 0.1
"""Seconds between two looks at the wish to stop, while the supervisor is waited for."""


class RunFolder:
    """One run. `ValueError` or `OSError`: the folder has no readable spec.json.

    `stop_requested` becomes true at SIGTERM (or a first ^C): write a checkpoint and the best so far, return `stopped`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = Run.model_validate_json((path / SPEC).read_bytes())
        self.inputs, self.outputs, self.checkpoints = path / INPUTS, path / OUTPUTS, path / CHECKPOINTS
        self.outputs.mkdir(exist_ok=True)
        self.checkpoints.mkdir(exist_ok=True)
        (path / RESULT).unlink(missing_ok=True)  # of an earlier attempt: it must not speak for this one
        self.stop_requested = False
        self.imports = 0.0
        """Seconds that imports took so far, the interpreter's start included."""
        self._n = repair(path / EVENTS)
        self._told = self._kept = 0
        self._acknowledged = ACKNOWLEDGED in os.environ
        self._events = (path / EVENTS).open("a", encoding="utf-8")
        self._console = Console(sys.stderr)
        self._lock = threading.Lock()

    def input(self, path: str) -> Path:
        """`inputs/<path>`, whether or not it is there."""
        return self.inputs / path

    def output(self, path: str) -> Path:
        """`outputs/<path>`, its folder made."""
        target = self.outputs / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def resumable(self) -> list[Path]:
        """Checkpoint folders that the supervisor offers, newest first, as far as they are there. None is verified."""
        offered = [self.checkpoints / name for name in self.run.checkpoint]
        return [folder for folder in offered if folder.is_dir()]

    def emit(self, type: Literal["progress", "metrics", "checkpoint", "message"], data: dict[str, Any]) -> None:
        """Appends one event, numbered on from the last one, and hands it to the operating system. From any thread."""
        with self._lock:
            event = Event(n=self._n + 1, type=type, at=time.time(), data=data)
            self._events.write(event.model_dump_json() + "\n")
            self._events.flush()
            self._n += 1
            self._told += type == "checkpoint"
            self._console.show(type, data)

    def wait_kept(self) -> None:
        """Until the supervisor has dealt with every checkpoint told of, or wants us to stop; not at all where it says nothing of them."""
        while self._acknowledged and self._kept < self._told and not self.stop_requested:
            if not select.select([sys.stdin.fileno()], [], [], LISTEN)[0]:
                continue
            said = os.read(sys.stdin.fileno(), 4096)
            if not said:
                return  # it is gone, and the leash ends us
            self._kept += len(said)

    def message(self, text: str, level: str = "info", **more: Any) -> None:
        """A `message` event; `more`: figures for programs."""
        self.emit("message", {"level": level, "text": text, **more})

    def load(self, module: str) -> Any:
        """Imports a module and adds the time to `imports`. What it makes is here to stay: the collector of garbage never looks at it."""
        started = time.perf_counter()
        gc.disable()
        try:
            return importlib.import_module(module)
        finally:
            gc.freeze()
            gc.enable()
            self.imports += time.perf_counter() - started

    def sealed(self, result: Result) -> Result:
        """The result with size and digest of every file under outputs/, each on disk. What failed has no outputs."""
        if result.status == "failed":
            return result
        files = sorted(path for path in self.outputs.rglob("*") if path.is_file())
        outputs = {path.relative_to(self.outputs).as_posix(): seal(path) for path in files}
        return result.model_copy(update={"outputs": outputs})

    def finish(self, result: Result, seconds: float) -> None:
        """Writes result.json atomically: after this the run is over, whatever happens to the process."""
        result = result.model_copy(update={"seconds": seconds, "imports": self.imports})
        self._events.flush()
        os.fsync(self._events.fileno())
        self.close()
        partial = self.path / f"{RESULT}.part"
        with partial.open("w", encoding="utf-8") as file:
            file.write(result.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path / RESULT)
        sync_folder(self.path)
        reason = f": {result.error.message}" if result.error else ""
        self._console.line(f"{self.run.step} {result.status} after {seconds:.1f} s{reason}")

    def close(self) -> None:
        """No more events."""
        self._events.close()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """SIGTERM and a first ^C set `stop_requested`; a second ^C interrupts at once."""
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_requested = True
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def repair(events: Path) -> int:
    """Number of the last whole event; cuts off what follows it (a line torn by a kill), so that numbers have no gap."""
    if not events.exists():
        return 0
    n, good = 0, 0
    with events.open("rb") as file:
        for line in file:
            try:
                whole = line.endswith(b"\n") and Event.model_validate_json(line).n == n + 1
            except ValidationError:
                whole = False
            if not whole:
                break
            n, good = n + 1, good + len(line)
    if good < events.stat().st_size:
        os.truncate(events, good)
    return n


def seal(path: Path) -> Output:
    """Size and sha256 of a file that is on disk when this returns."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        return Output(bytes=os.fstat(file.fileno()).st_size, digest=digest)


def sync_folder(path: Path) -> None:
    """Makes names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
