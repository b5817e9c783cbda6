"""The scribe of one attempt: carries what the child tells into the database, in a thread of its own.

Events stay in the child's file until they are written; if the database is away they are written later.
"""

import threading
from collections.abc import Callable
from contextvars import copy_context
from types import TracebackType
from typing import Any, Self

import structlog
from structlog.typing import FilteringBoundLogger

from models.event import Line
from models.start import Work
from spec.run import CHECKPOINTS, PATH, Event
from storage import Full, StorageError
from workers import intake
from workers.claim import Away, Ledger
from workers.folder import Folder
from workers.heartbeat import Heartbeat
from workers.shelf import Shelf
from workers.tail import Tail

PERIOD = 0.05  # seconds: a child may wait for its checkpoint to be kept
MOST = 200_000  # events of one attempt that are kept, besides checkpoints


class Scribe:
    """Runs as long as the `with` block, and at its end until all that the child wrote is taken over."""

    def __init__(
        self, ledger: Ledger, shelf: Shelf, work: Work, folder: Folder, heartbeat: Heartbeat, *, most: int = MOST
    ) -> None:
        self.ledger, self.shelf, self.heartbeat = ledger, shelf, heartbeat
        self.grip, self.folder = work.grip, folder
        self.checkpointed = bool(work.checkpoints)
        """Whether there is something to come back to, or to deliver."""
        self.full: str | None = None
        """Why a checkpoint found no room."""
        self.refused: str | None = None
        """Why what the child tells is not taken over any more."""
        self.hurry = threading.Event()
        """Set: give up what cannot be written now."""
        self._tail = Tail(folder.run)
        self._left = most
        self._ended = threading.Event()
        # With the context of who makes it: its lines say which step they are about.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name=f"scribe-{self.grip.step}", daemon=True
        )
        self._log: FilteringBoundLogger = structlog.get_logger(__name__)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self.heartbeat.lost:
                last = self._ended.is_set()
                if events := self._tail.read():
                    self._take(events)
                elif last:
                    return
                else:
                    self._ended.wait(PERIOD)
        except intake.Untrusted as error:
            self._log.warning("events_refused", error=str(error))
            self.refused = str(error)
        except Exception:  # noqa: BLE001  # whatever it was, it is logged, and nobody reads the child any more
            # A child may wait for us, and the lease would be renewed for ever: the step is given up, and taken back.
            self._log.exception("events_lost")
            self.heartbeat.lost = True

    def _take(self, events: list[Event]) -> None:
        """One batch: a transaction for its events, one for each checkpoint, one for how far it is."""
        lines: list[tuple[int, Line]] = []
        progress: dict[str, Any] | None = None
        for event in events:
            if event.type == "progress":
                progress = event.data
            elif event.type == "checkpoint":
                self._write(lines)
                lines = []
                self._checkpoint(event)
                self.heartbeat.acknowledge()
            elif self._left > 0:
                self._left -= 1
                lines.append((event.n, self._line(event)))
        self._write(lines)
        if progress is not None:
            self._patiently(lambda: self.ledger.progress(self.grip, progress))

    def _line(self, event: Event) -> Line:
        text = str(event.data.get("text", "")) if event.type == "message" else ""
        data = {name: value for name, value in event.data.items() if name != "text"} if text else event.data
        return Line(event.type, text, self.grip.name, data)

    def _write(self, lines: list[tuple[int, Line]]) -> None:
        if lines:
            self._patiently(lambda: self.ledger.write(self.grip, lines))

    def _checkpoint(self, event: Event) -> None:
        """Into storage, then the pointer: only then does it count."""
        name, number = str(event.data.get("path", "")).rpartition("/")[2], event.data.get("step")
        if not PATH.match(name) or not isinstance(number, int):
            self._log.warning("checkpoint_refused", data=event.data)
            return
        try:
            files = intake.store(self.folder.run / CHECKPOINTS / name, self.folder.path / "checkpoint", self.shelf)
        except Full as error:
            self.shelf.forget()
            self.full = str(error)
            return
        except (StorageError, OSError, intake.Untrusted) as error:
            self.shelf.forget()
            # The child may have dropped it for a newer one meanwhile; the one before still counts.
            self._log.warning("checkpoint_not_kept", checkpoint=name, error=str(error))
            return
        if files:
            said = intake.store_log(self.folder.run, self.folder.path / "checkpoint", self.shelf)
            self._patiently(lambda: self.ledger.checkpoint(self.grip, name, number, files, said))
            self.checkpointed = True

    def _patiently(self, write: Callable[[], bool | None]) -> None:
        """Until it is written, or the step turns out to be lost."""
        while not self.heartbeat.lost:
            try:
                self.heartbeat.lost = write() is False
            except Away as error:
                self._log.warning("database_away", error=str(error))
                if self.hurry.wait(PERIOD):
                    return
            else:
                return
