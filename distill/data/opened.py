"""Opening an upload for reading from its start to its end, unzipped on the way where it is gzipped, within bounds."""

import gzip
import io
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from distill.data.refusal import bomb, damaged

GZIP = b"\x1f\x8b"
FREE = 256 * 2**20
"""Bytes that anything may unpack to; beyond, `RATIO` times its own size at most."""
RATIO = 100


def unpacks_too_large(packed: int, unpacked: int) -> bool:
    """Whether so many bytes from so few are more than data gives."""
    return unpacked > FREE and unpacked > RATIO * packed


class _Unzipped(io.RawIOBase):
    """A gzip stream that stops at a bomb. Refused (`unpacks_too_large`)."""

    def __init__(self, stream: gzip.GzipFile, packed: int, name: str) -> None:
        self._stream, self._packed, self._name = stream, packed, name
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read1(len(buffer))
        buffer[: len(data)] = data
        self._count += len(data)
        if unpacks_too_large(self._packed, self._count):
            raise bomb(self._name)
        return len(data)


@contextmanager
def opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """The file's bytes, buffered. Refused: `damaged_file` for a broken or cut gzip, `unpacks_too_large`."""
    with path.open("rb") as raw:
        zipped = raw.read(2) == GZIP
        raw.seek(0)
        if not zipped:
            yield raw
            return
        try:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield io.BufferedReader(_Unzipped(stream, os.fstat(raw.fileno()).st_size, name), 2**17)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise damaged(name, str(error)) from error


def whole(path: Path, name: str, scratch: Path) -> Path:
    """The file itself, or its unzipped copy in `scratch`: for formats that are not read from start to end."""
    with path.open("rb") as raw:
        if raw.read(2) != GZIP:
            return path
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"unzipped.{path.name}"
    with opened(path, name) as stream, target.open("wb") as copy:
        shutil.copyfileobj(stream, copy, 2**20)
    return target


def head(path: Path, name: str, length: int = 4096) -> bytes:
    """The first bytes, unzipped where the file is gzipped."""
    with opened(path, name) as stream:
        return stream.read(length)
