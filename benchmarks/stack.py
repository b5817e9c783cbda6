"""A stack of our own and a teacher behind a socket, for as long as a measurement lasts."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from standalone.process import ROOT
from standalone.services import Worker
from standalone.stack import Stack
from stillhouse import Stillhouse


@contextmanager
def stillhouse(slots: int = 1, **settings: str) -> Iterator[Stillhouse]:
    """A client with the first admin key of a new service with one worker; `settings` are the worker's."""
    workers = (Worker(name="worker", slots=slots, settings=settings),)
    with tempfile.TemporaryDirectory(prefix="bench-") as home, Stack(Path(home) / "home", workers=workers) as stack:  # noqa: SIM117  # a client needs the stack's URL
        with Stillhouse(stack.url, stack.key, timeout=120) as client:
            yield client


def table(path: Path, rows: Iterable[tuple[str, str]]) -> Path:
    """Texts and their labels, from which `python -m examples.teacher_server --table` answers."""
    with path.open("w") as lines:
        lines.writelines(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    return path


@contextmanager
def teacher(*switches: str | Path) -> Iterator[str]:
    """The URL of `python -m examples.teacher_server` with these switches."""
    argv: Sequence[str] = [sys.executable, "-m", "examples.teacher_server", *map(str, switches)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        try:
            yield serving.stdout.readline().strip()
        finally:
            serving.terminate()
