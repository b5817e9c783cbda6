"""A distillation that was started: wait for it, steer it, read what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from stillhouse import live
from stillhouse.errors import JobFailed, Unreachable
from stillhouse.pages import Pages
from stillhouse.transport import Transport
from stillhouse.types import (
    Answer,
    Checkpoint,
    DistillationDeleted,
    DistillationEvent,
    DistillationJob,
    Metrics,
    NewText,
)

ENDED = frozenset({"succeeded", "failed", "cancelled"})
PAUSE, LONGEST_PAUSE = 0.25, 1.5
"""Seconds between two looks."""


class Job:
    """A handle. `data` is what the server said last; `reload()` asks again."""

    def __init__(self, transport: Transport, data: DistillationJob) -> None:
        self._transport = transport
        self.data = data

    def __repr__(self) -> str:
        return f"Job({self.id!r}, {self.state!r})"

    @property
    def id(self) -> str:
        return self.data["id"]

    @property
    def state(self) -> Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]:
        return self.data["state"]

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def student(self) -> str:
        """Id of the student's model: known from the beginning, ready at the end, and another job may name it at once."""
        model = self.data["student"]["model"]
        if model is None:
            raise LookupError(f"the student of {self.id} was deleted")
        return model

    def reload(self) -> Job:
        self.data = self._transport.get(self._path)
        return self

    def wait(self, *, progress: bool = True, timeout: float | None = None) -> Job:
        """Returns once the job has succeeded. `progress`: a live table on standard error, where that is a terminal.

        Raises JobFailed, or TimeoutError after so many seconds. ^C leaves the job running.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with live.table(progress) as show:
            for _ in self.watch():
                show(self.data)
                if deadline is not None and time.monotonic() > deadline and not self.ended:
                    raise TimeoutError(f"{self.id} is still {self.state} after {timeout:.0f} s")
        if self.state != "succeeded":
            raise JobFailed(self.id, self.state, self.data["error"])
        return self

    def watch(self) -> Iterator[DistillationJob]:
        """What the server says, again and again, until the job has ended."""
        pause = PAUSE
        while True:
            yield self.reload().data
            if self.ended:
                return
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.05)

    def pause(self) -> Job:
        """Stops at a checkpoint, until `resume`."""
        return self._want("pause")

    def resume(self) -> Job:
        return self._want("resume")

    def cancel(self) -> Job:
        return self._want("cancel")

    def finish(self) -> Job:
        """Ends training now and delivers the best so far, evaluated. Raises Conflict before the first checkpoint."""
        return self._want("finish")

    def delete(self) -> DistillationDeleted:
        """Forgets an ended job. Its student stays."""
        gone = DistillationDeleted(id=self.id, object="distillation", deleted=True)
        return self._transport.delete(self._path, gone)

    def events(self, *, after: int = 0, follow: bool = False) -> Iterator[DistillationEvent]:
        """Everything that happened since event number `after`; `follow`: and goes on until the job has ended."""
        if not follow:
            yield from Pages[DistillationEvent](self._transport, f"{self._path}/events", after=str(after))
            return
        while not self.reload().ended:
            for event in self._stream(after):
                after = event["id"]
                yield event
        yield from self.events(after=after)

    def metrics(self) -> Metrics:
        found: Metrics = self._transport.get(f"{self._path}/metrics")
        return found

    def metrics_csv(self) -> str:
        """The same as text: a line a value."""
        with self._transport.stream(f"{self._path}/metrics", format="csv") as response:
            return response.read().decode()

    def checkpoints(self) -> list[Checkpoint]:
        found: list[Checkpoint] = self._transport.get(f"{self._path}/checkpoints")["data"]
        return found

    def logs(self) -> str:
        """What the children wrote, step by step."""
        with self._transport.stream(f"{self._path}/logs") as response:
            return response.read().decode(errors="replace")

    def answers(self, *, kind: Sequence[str] = (), side: str | None = None) -> Iterator[Answer]:
        """What a teacher behind an endpoint said of each row, as it comes: of these kinds (`answered`, `truncated`, …), on this side (`heldout`, `train`).

        Raises NotFound until a step that asks has ended.
        """
        yield from self._lines("answers", kind=list(kind), side=side)

    def answers_csv(self, *, kind: Sequence[str] = (), side: str | None = None) -> Iterator[str]:
        """The same as text, piece by piece."""
        yield from self._pieces("answers", kind=list(kind), side=side)

    def texts(self, *, fate: Sequence[str] = ()) -> Iterator[NewText]:
        """Every new text that the teacher wrote, as it comes: of these fates (`kept`, `heldout`, …). Raises NotFound until they are written."""
        yield from self._lines("texts", fate=list(fate))

    def texts_csv(self, *, fate: Sequence[str] = ()) -> Iterator[str]:
        """The same as text, piece by piece."""
        yield from self._pieces("texts", fate=list(fate))

    def report(self) -> dict[str, Any]:
        """All figures. Raises NotFound until the job has succeeded."""
        found: dict[str, Any] = self._transport.get(f"{self._path}/report", format="json")
        return found

    def save_report(self, target: Path | str) -> Path:
        """Writes the report as one HTML file that needs nothing else."""
        return self._transport.download(f"{self._path}/report", Path(target), format="html")

    @property
    def _path(self) -> str:
        return f"/v1/distillations/{self.id}"

    def _want(self, intent: str) -> Job:
        self.data = self._transport.post(f"{self._path}/{intent}")
        return self

    def _lines(self, name: str, **query: Any) -> Iterator[Any]:
        """JSON of each line. They end in LF alone: an answer may hold what Unicode takes for the end of one."""
        rest = b""
        with self._transport.stream(f"{self._path}/{name}", **_said(query)) as response:
            for chunk in response.iter_bytes():
                *whole, rest = (rest + chunk).split(b"\n")
                yield from map(json.loads, whole)

    def _pieces(self, name: str, **query: Any) -> Iterator[str]:
        with self._transport.stream(f"{self._path}/{name}", format="csv", **_said(query)) as response:
            yield from response.iter_text()

    def _stream(self, after: int) -> Iterator[DistillationEvent]:
        """Events as they happen. Ends when the server, or the connection, does."""
        headers = {"accept": "text/event-stream", "last-event-id": str(after)}
        try:
            with self._transport.stream(f"{self._path}/events", headers=headers) as response:
                for line in response.iter_lines():
                    if line.startswith("data: {"):
                        event: DistillationEvent = json.loads(line.removeprefix("data: "))
                        yield event
        except Unreachable:
            time.sleep(PAUSE)


def _said(query: dict[str, Any]) -> dict[str, Any]:
    """What is there of it: an empty filter is none."""
    return {name: value for name, value in query.items() if value}
