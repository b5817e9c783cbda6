"""A local folder: `<root>/ab/cdef…`. Every file is complete and on disk before it has its name."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from storage.store import CHUNK, Missing, key_of, told, verify


class LocalStorage:
    """For one machine, or for several that mount the same file system."""

    def __init__(self, root: str) -> None:
        """Makes the folder where it is not yet. Raises ValueError if the path is not absolute."""
        self.root = Path(root)
        if not self.root.is_absolute():
            raise ValueError(f"storage must be an absolute path or s3://bucket/prefix, not {root!r}")
        self.partial = self.root / "partial"
        with told():
            self.partial.mkdir(parents=True, exist_ok=True)

    def put(self, source: Path, digest: str) -> None:
        target = self.path(digest)
        with told():
            if not target.parent.is_dir():
                target.parent.mkdir(exist_ok=True)
                sync(self.root)
            sync(source)
            try:
                source.rename(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copied(source).rename(target)
                source.unlink()
            sync(target.parent)

    def fetch(self, digest: str, target: Path) -> None:
        with told(Missing):
            try:
                os.link(self.path(digest), target)
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
                    raise
                copy(self.path(digest), target)
            try:
                verify(target, digest)
            except BaseException:
                target.unlink(missing_ok=True)
                raise

    def read(self, digest: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        with told(Missing):
            file = self.path(digest).open("rb")
            file.seek(start)

        def chunks() -> Iterator[bytes]:
            left = length
            with file, told():
                while left is None or left > 0:
                    chunk = file.read(CHUNK if left is None else min(CHUNK, left))
                    if not chunk:
                        return
                    left = None if left is None else left - len(chunk)
                    yield chunk

        return chunks()

    def exists(self, digest: str) -> bool:
        return self.path(digest).exists()

    def modified(self, digest: str) -> float | None:
        with told():
            try:
                return self.path(digest).stat().st_mtime
            except FileNotFoundError:
                return None

    def delete(self, digest: str) -> None:
        with told():
            self.path(digest).unlink(missing_ok=True)

    def all(self) -> Iterator[tuple[str, int, float]]:
        for folder in self.root.iterdir():
            if len(folder.name) == 2:
                for entry in os.scandir(folder):
                    facts = entry.stat()
                    yield folder.name + entry.name, facts.st_size, facts.st_mtime

    def tidy(self, before: float) -> None:
        with told():
            for entry in os.scandir(self.partial):
                if entry.stat().st_mtime < before:
                    Path(entry.path).unlink(missing_ok=True)

    def check(self) -> None:
        probe = self.partial / secrets.token_hex(8)
        with told():
            probe.touch(exist_ok=False)
            probe.unlink()

    def path(self, digest: str) -> Path:
        """Where the bytes are."""
        return self.root / key_of(digest)

    def _copied(self, source: Path) -> Path:
        """A durable copy on the store's own file system, not yet under its name."""
        target = self.partial / secrets.token_hex(16)
        try:
            copy(source, target)
            sync(target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return target


def copy(source: Path, target: Path) -> None:
    """A new file; nothing is left of it if the disk fills up."""
    with source.open("rb") as original, target.open("xb") as written:
        try:
            shutil.copyfileobj(original, written, CHUNK)
            written.flush()
        except BaseException:
            target.unlink()
            raise


def sync(path: Path) -> None:
    """fsync of a file, or of a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
