"""The heartbeat of one attempt: renews the lease in a thread of its own, and brings back what the user wants."""

import threading
import time
from contextvars import copy_context
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import DBAPIError
from structlog.typing import FilteringBoundLogger

from models.job import Intent
from models.lease import Pulse
from models.start import Work
from workers.child import Child
from workers.claim import Away, Ledger

RETRY = 0.5  # seconds until a failed renewal is tried again


class Heartbeat:
    """Runs as long as the `with` block. A renewal counts from before its statement was sent."""

    def __init__(self, ledger: Ledger, work: Work, *, period: float, began: float) -> None:
        """`began`: monotonic time before the lease was last taken or renewed."""
        self.ledger = ledger
        self.grip = work.grip
        self.period = period
        self.until = began + ledger.lease_seconds
        """Monotonic time at which the lease ends."""
        self.lost = False
        """The step is somebody else's."""
        self.pulse = Pulse(intent=Intent.RUN, halt=None, seconds_left=work.seconds_left)
        self.pulsed = began
        self.child: Child | None = None
        self._closed = threading.Event()
        # With the context of who makes it: its lines say which step they are about.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._beat,), name=f"heartbeat-{self.grip.step}", daemon=True
        )
        self._log: FilteringBoundLogger = structlog.get_logger(__name__)

    def over_budget(self, now: float) -> bool:
        """Whether the budget is used up, by what the last renewal said."""
        left = self.pulse.seconds_left
        return left is not None and now >= self.pulsed + left

    def acknowledge(self) -> None:
        """Tells the child that a checkpoint of its was dealt with."""
        if (child := self.child) is not None:
            child.acknowledge()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()

    def _beat(self) -> None:
        wait = self.period
        while not self._closed.wait(wait) and not self.lost:
            sent = time.monotonic()
            try:
                pulse = self.ledger.renew(self.grip)
            except (Away, DBAPIError) as error:
                self._log.warning("heartbeat_failed", error=str(error))
                wait = min(RETRY, self.period)
                continue
            wait = self.period
            if pulse is None:
                self.lost = True
            else:
                self.until, self.pulse, self.pulsed = sent + self.ledger.lease_seconds, pulse, sent
            if (child := self.child) is not None:  # read once: it goes at any moment
                child.kill() if pulse is None else child.renew()
