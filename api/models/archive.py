"""Several stored files as one zip, made while it is sent: memory does not grow with the files."""

from collections.abc import Iterator, Mapping
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from storage import Storage

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date that a zip can say: equal files make an equal archive


class Outlet:
    """A file that can only be written to; what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def zipped(store: Storage, files: Mapping[str, Mapping[str, Any]], folder: str) -> Iterator[bytes]:
    """`folder/<name>` for each file, stored as it is (weights do not shrink). Raises storage.Missing."""
    outlet = Outlet()
    with ZipFile(outlet, "w", ZIP_STORED) as archive:
        for name, file in sorted(files.items()):
            info = ZipInfo(f"{folder}/{name}", EPOCH)
            info.file_size = file["bytes"]  # decides on 64-bit sizes, which cannot be added later in a stream
            info.external_attr = 0o644 << 16
            with archive.open(info, "w") as entry:
                for chunk in store.read(file["digest"]):
                    entry.write(chunk)
                    yield outlet.take()
    yield outlet.take()
