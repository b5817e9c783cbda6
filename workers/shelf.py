"""Storage by way of the database: a blob has its row before its bytes, so that nobody takes them for garbage meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from models import blob
from storage import Storage, Unavailable
from workers.claim import Away, Ledger

AGAIN = 0.5  # seconds until a row is tried again while the database is away
log = structlog.get_logger(__name__)


class Shelf:
    """Where a worker puts what children have made. From any thread."""

    def __init__(self, ledger: Ledger, storage: Storage, given_up: Callable[[float], bool]) -> None:
        """`given_up`: waits so many seconds; whether the database is to be waited for no longer."""
        self.ledger, self.storage, self.given_up = ledger, storage, given_up
        self.taken: dict[tuple[int, int, int, int], dict[str, Any]] = {}
        """{digest, bytes} of files that are in storage, by device, inode, size and time of the last write."""

    def forget(self) -> None:
        """Takes every file anew: what was put, but never came to be needed, may become garbage."""
        self.taken.clear()

    def put(self, source: Path, digest: str, size: int) -> None:
        """Takes the file as `Storage.put` does. Raises storage's errors; Unavailable if the row could not be written."""
        while True:
            try:
                self.ledger(blob.announce, digest, size)
            except Away as error:
                log.warning("database_away", error=str(error))
                if self.given_up(AGAIN):
                    raise Unavailable("The database is away.") from error
            else:
                return self.storage.put(source, digest)
