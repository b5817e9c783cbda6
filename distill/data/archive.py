"""Zip archives, looked at before they are believed: the directory's size first, then what each member claims."""

import struct
import zipfile
from pathlib import Path

from distill.data.opened import unpacks_too_large
from distill.data.refusal import bomb, damaged, pickled, refuse, unknown

END, END64, LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
DIRECTORY = 2**20
"""Bytes of the central directory: zipfile makes an object of each 46 of them."""


def directory_bytes(path: Path) -> int:
    """Size that the end record declares for the central directory, the larger one where there are two; 0 where there is none."""
    length = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, length - 2**16 - 22))
        tail = file.read()
        at = tail.rfind(END)
        if at < 0 or len(tail) < at + 22:
            return 0
        size = int(struct.unpack_from("<I", tail, at + 12)[0])
        if at < 20 or tail[at - 20 : at - 16] != LOCATOR64:
            return size
        file.seek(min(struct.unpack_from("<Q", tail, at - 12)[0], length))
        record = file.read(56)
    return max(size, int(struct.unpack_from("<Q", record, 40)[0])) if len(record) == 56 else DIRECTORY + 1


def members(archive: zipfile.ZipFile, path: Path, name: str) -> list[zipfile.ZipInfo]:
    """The members of an NPZ. Refused: a pickle inside, anything but .npy, two of one name, a bomb."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if any(one.endswith((".pkl", ".pickle")) for one in names):
        raise pickled(name)
    if not names or not all(one.endswith(".npy") for one in names):
        raise unknown(name, "a zip archive of other files")
    if len(set(names)) < len(names):
        raise damaged(name, "two members have one name")
    if unpacks_too_large(path.stat().st_size, sum(info.file_size for info in infos)):
        raise bomb(name)
    return infos


def check_directory(path: Path, name: str) -> None:
    """Refused (`array_unusable`): a directory too large to be listed."""
    if directory_bytes(path) > DIRECTORY:
        raise refuse("array_unusable", name, "the archive has too many members to be data.")
