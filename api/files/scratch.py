"""The half-received file: on local disk, hashed and flushed while it grows, gone if nobody keeps it."""

import asyncio
import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from api.errors import TooLarge
from spec.ids import new_id
from storage import CHUNK, StorageError
from storage.store import told

FLUSH = 32 * 2**20  # bytes after which the disk is told to begin, so that the last fsync finds little to do
YOUNG = 60.0  # seconds in which a file may be made and not yet be locked


class ScratchFile:
    """Takes bytes with `feed`; `settle` between chunks keeps at most two buffers of 1 MiB in memory."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.bytes = 0
        self._limit = limit
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
        self._written = 0
        self._flushed = 0
        with told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # The lock dies with the process: what another one can lock was left behind.
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._writing: asyncio.Task[None] | None = None

    def feed(self, data: memoryview) -> None:
        """Raises TooLarge."""
        self.bytes += len(data)
        if self.bytes > self._limit:
            raise TooLarge(f"The file is larger than the {self._limit} bytes allowed.", param="file")
        self._buffer += data

    async def settle(self, *, last: bool = False) -> None:
        """Hands a full buffer (the last: any) to a thread, once that has written the one before. Raises Full.

        After the last one all of it is on disk: a commit of PostgreSQL's that follows would else wait behind our bytes.
        """
        if len(self._buffer) < CHUNK and not last:
            return
        await self._written_out()
        full, self._buffer = self._buffer, bytearray()
        self._writing = asyncio.create_task(asyncio.to_thread(self._write, full))
        if last:
            await self._written_out()
            await asyncio.to_thread(self._sync)

    def digest(self) -> str:
        return self._hash.hexdigest()

    async def close(self) -> None:
        """After the thread has let go of the descriptor, which may be somebody else's a moment later."""
        with suppress(StorageError):
            await self._written_out()
        os.close(self._descriptor)

    async def _written_out(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)

    def _sync(self) -> None:
        with told():
            os.fsync(self._descriptor)

    def _write(self, data: bytearray) -> None:
        self._hash.update(data)
        with told():
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            self._written += len(data)
            if self._written - self._flushed >= FLUSH:
                # Starts writing dirty pages to disk and does not wait for them.
                os.posix_fadvise(self._descriptor, self._flushed, self._written - self._flushed, os.POSIX_FADV_DONTNEED)
                self._flushed = self._written


@asynccontextmanager
async def scratch_file(folder: Path, limit: int) -> AsyncIterator[ScratchFile]:
    """A new file of at most `limit` bytes, and nothing of it afterwards unless it was moved away."""
    file = ScratchFile(folder / new_id("up_"), limit)
    try:
        yield file
    finally:
        await file.close()
        file.path.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Removes what processes that were killed had half received; theirs that live hold locks."""
    for path in folder.glob("up_*"):
        with suppress(OSError), path.open("rb") as left:
            if time.time() - path.stat().st_mtime > YOUNG:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
