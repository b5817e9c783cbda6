"""Taking files from a child: nothing that it says is believed, no link is followed, every byte is hashed here."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from spec.run import LOG, PATH
from storage import CHUNK, StorageError
from workers.shelf import Shelf

MOST = 20_000  # files of one step
CLOSED = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a fifo must not hang us

log = structlog.get_logger(__name__)


class Untrusted(Exception):
    """A child left something that no verb leaves."""


@contextmanager
def opened(folder: Path, path: str) -> Iterator[int]:
    """A descriptor of a plain file below `folder`, no part of its path a link. Raises Untrusted, FileNotFoundError."""
    *parents, name = path.split("/")
    here = os.open(folder, CLOSED | os.O_DIRECTORY)
    try:
        for parent in parents:
            below = os.open(parent, CLOSED | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        file = os.open(name, CLOSED, dir_fd=here)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Untrusted(f"{path}: {error.strerror}") from error
    finally:
        os.close(here)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise Untrusted(f"{path} is no plain file")
        yield file
    finally:
        os.close(file)


def read(folder: Path, path: str, most: int) -> bytes:
    """A small file. Raises Untrusted if it is larger than `most` bytes, FileNotFoundError."""
    with opened(folder, path) as file, os.fdopen(os.dup(file), "rb") as data:
        content = data.read(most + 1)
    if len(content) > most:
        raise Untrusted(f"{path} has more than {most} bytes")
    return content


def listing(folder: Path) -> list[str]:
    """Paths of the files below `folder`, sorted; [] if it is not there. Raises Untrusted."""
    found: list[str] = []
    for here, folders, files in os.walk(folder, followlinks=False):
        base = Path(here).relative_to(folder)
        found += [(base / name).as_posix() for name in files]
        if any((Path(here) / name).is_symlink() for name in folders) or len(found) > MOST:
            raise Untrusted(f"{folder.name}/ has links, or more than {MOST} files")
    odd = [path for path in found if not PATH.match(path)]
    if odd:
        raise Untrusted(f"{folder.name}/ has a file of the name {odd[0]!r}")
    return sorted(found)


def store(folder: Path, staging: Path, shelf: Shelf) -> dict[str, dict[str, Any]]:
    """Puts every file below `folder` into storage: {path: {digest, bytes}}.

    The files are copied on the way: the child may live and write on. Raises Untrusted, OSError, storage's errors.
    """
    return {path: store_one(folder, path, staging, shelf) for path in listing(folder)}


def store_one(folder: Path, path: str, staging: Path, shelf: Shelf) -> dict[str, Any]:
    """The same for one file. What the shelf has taken before under another name, and nobody has written to since, is not read again."""
    with opened(folder, path) as file:
        status = os.fstat(file)
        seen = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if seen not in shelf.taken:
            shelf.taken[seen] = _take(file, staging, shelf)
        return shelf.taken[seen]


def store_log(run: Path, staging: Path, shelf: Shelf) -> dict[str, Any] | None:
    """What the child has said so far. None: it cannot be kept, which harms nobody else."""
    try:
        return store_one(run, LOG, staging, shelf)
    except (Untrusted, OSError, StorageError) as error:
        log.warning("log_not_kept", error=str(error))
        return None


def _take(file: int, staging: Path, shelf: Shelf) -> dict[str, Any]:
    sha256, size = hashlib.sha256(), 0
    staging.unlink(missing_ok=True)
    with staging.open("xb") as copy:
        while chunk := os.read(file, CHUNK):
            sha256.update(chunk)
            copy.write(chunk)
            size += len(chunk)
    shelf.put(staging, sha256.hexdigest(), size)
    return {"digest": sha256.hexdigest(), "bytes": size}
