"""A worker's post: who it is, what it has, and what all its threads share."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from models import worker as workers
from models.claim import Grip
from models.finish import Patience
from settings import Settings
from storage import Storage
from workers.bell import Bell
from workers.child import DISTILL
from workers.claim import Ledger
from workers.sandbox import Sandbox


@dataclass(kw_only=True)
class Post:
    """One of a worker process."""

    id: str
    name: str
    queues: tuple[str, ...]
    slots: int
    device: str
    memory: int
    """Bytes that steps may need together."""
    sandbox: Sandbox
    settings: Settings
    ledger: Ledger
    storage: Storage
    bell: Bell
    command: Sequence[str] = DISTILL
    """What a child is; the run folder is appended."""
    code: Sequence[Path] = ()
    """What a child reads beside the system and Python; (): the project's own."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """The process is to end: children are stopped, nothing is claimed."""
    _claiming: threading.Lock = field(default_factory=threading.Lock)
    _reserved: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def patience(self) -> Patience:
        return Patience(max_attempts=self.settings.max_attempts)

    @property
    def free(self) -> int:
        """Bytes of memory that no running step has been promised."""
        return self.memory - sum(self._reserved.values())

    @property
    def trusted(self) -> bool:
        """Whether uploads may be opened here."""
        return self.sandbox is not Sandbox.NONE or self.settings.allow_unsandboxed

    def claim(self, first: str) -> Grip | None:
        """The next step of any queue that this worker drains, those of `first` before others. Its memory is reserved."""
        with self._claiming:
            waiting = self.ledger.waits(self.queues, self.free)
            for queue in sorted(waiting, key=lambda name: (name != first, name)):
                # Our claim would be refused: only where nobody else could take it does the job have to hear of that.
                if not self.trusted and self.ledger(workers.trusted, queue):
                    continue
                # A job that has begun was begun by a worker that could: it may come back, and the job waits for it.
                grip = self.ledger.claim(self.id, queue, self.free, begun=self.trusted)
                if grip is not None:
                    self._reserved[grip.step, grip.fence] = grip.memory
                    return grip
        return None

    @contextmanager
    def held(self, grip: Grip) -> Iterator[None]:
        """Frees the memory of a claimed step at the end."""
        try:
            yield
        finally:
            with self._claiming:
                del self._reserved[grip.step, grip.fence]

    def running(self) -> set[tuple[str, int]]:
        """(step, fence) of what this process has claimed and not let go."""
        with self._claiming:
            return set(self._reserved)

    def close(self) -> None:
        self.ledger.close()
        self.bell.close()
