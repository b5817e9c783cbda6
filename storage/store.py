"""What a store of bytes can do, and how it fails."""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

CHUNK = 2**20


class StorageError(Exception):
    """Bytes could not be stored or had."""


class Missing(StorageError):
    """No such digest."""


class Corrupt(StorageError):
    """The bytes are there and are not what their digest says."""


class Full(StorageError):
    """No space left, here or in the store."""


class Unavailable(StorageError):
    """The store does not answer, or not as it should."""


class Storage(Protocol):
    """Safe to use from many threads at once. A digest is 64 lower-case hex digits of sha256."""

    def put(self, source: Path, digest: str) -> None:
        """Takes the file, whose sha256 the caller has computed: durable on return, and `source` is gone. Repeatable.

        Raises Full (then `source` is still there) or Unavailable.
        """

    def fetch(self, digest: str, target: Path) -> None:
        """Makes a file at `target`, which must not exist and must not be written to. Raises Missing, Corrupt, Full."""

    def read(self, digest: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Chunks of at most 1 MiB from byte `start` on. Raises Missing at once, not at the first chunk."""

    def exists(self, digest: str) -> bool: ...

    def modified(self, digest: str) -> float | None:
        """Unix time of the last put; None where nothing is."""

    def delete(self, digest: str) -> None:
        """Nothing happens where nothing is."""

    def all(self) -> Iterator[tuple[str, int, float]]:
        """(digest, bytes, unix time of the last put) of everything, in no order."""

    def tidy(self, before: float) -> None:
        """Drops what writers began before that unix time and, since they died, never ended."""

    def check(self) -> None:
        """Raises Unavailable if nothing could be stored now."""


def key_of(digest: str) -> str:
    """`ab/cdef…`: two levels, so that no folder grows too long."""
    assert len(digest) == 64 and digest.isalnum(), digest
    return f"{digest[:2]}/{digest[2:]}"


def verify(path: Path, digest: str) -> None:
    """Reads the file once. Raises Corrupt."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        raise Corrupt(f"{digest}: the stored bytes have sha256 {found}")


@contextmanager
def told(absent: type[StorageError] = Unavailable) -> Iterator[None]:
    """Operating system errors as ours; `absent` is what a path that is not there means."""
    try:
        yield
    except FileNotFoundError as error:
        raise absent(str(error)) from error
    except OSError as error:
        # EFBIG is a limit on file size (RLIMIT_FSIZE, or the file system's): no space for this file, either.
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise Full(str(error)) from error
        raise Unavailable(str(error)) from error
