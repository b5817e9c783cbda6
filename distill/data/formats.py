"""Which format an upload has, by its first bytes and its name, and the source that reads it."""

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from distill.data.archive import check_directory, members
from distill.data.batch import Source
from distill.data.idx import IdxFile, IdxFiles, column_of, is_idx
from distill.data.jsonl import JsonLines
from distill.data.npz import Npz
from distill.data.opened import head, whole
from distill.data.parquet import Parquet
from distill.data.refusal import damaged, empty, pickled, unknown
from distill.data.table import Table
from spec.params import SourceFile

OLD_PICKLE = re.compile(rb"\([dli]p?\d*\n|[\])}](p\d+\n|q)|c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n[p(q)0]")
OTHERS = {
    b"\x89HDF": "HDF5",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "PDF",
    b"ARROW1": "an Arrow file",
    b"FEA1": "Feather",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x93NUMPY": "a single .npy array (np.savez makes an NPZ)",
    b"MATLAB": "a MATLAB file",
    b"GGUF": "GGUF",
    b"\x7fELF": "a program",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


def sources(files: Sequence[SourceFile], folder: Path, scratch: Path) -> list[Source]:
    """What reads these files, in their order; IDX files of one split stand side by side. Refused: a file that is none of ours.

    `scratch`: a folder of the caller's for what must be unzipped before it can be read.
    """
    found: list[Source] = []
    beside: dict[str, list[IdxFile]] = {}
    for file in files:
        source = source_of(file, folder / file.path, scratch)
        if not isinstance(source, IdxFile):
            found.append(source)
            continue
        columns = beside.get(source.split)
        if columns is None or any(other.column == source.column for other in columns):
            columns = beside[source.split] = []
            found.append(IdxFiles(columns))
        columns.append(source)
    return found


def source_of(file: SourceFile, path: Path, scratch: Path) -> Source | IdxFile:
    """The reader of one file. Refused: empty, a pickle, damaged, of another format."""
    name = file.filename
    if path.stat().st_size == 0:
        raise empty(name)
    start = head(path, name)
    if not start:
        raise empty(name)
    if start.startswith(b"PK"):
        return npz(whole(path, name, scratch), file)
    if start.startswith(b"PAR1"):
        return Parquet(whole(path, name, scratch), name, file.split)
    if is_idx(start):
        return IdxFile(path, name, file.split, file.column or column_of(name, start[3]))
    if is_pickle(start):
        raise pickled(name)
    return text(start, path, file)


def npz(path: Path, file: SourceFile) -> Npz:
    """Refused: a zip that is no NPZ."""
    check_directory(path, file.filename)
    try:
        with zipfile.ZipFile(path) as archive:
            members(archive, path, file.filename)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise damaged(file.filename, str(error)) from error
    return Npz(path, file.filename, file.split)


def is_pickle(start: bytes) -> bool:
    """Protocol 2 and later begin with their number; 0 and 1 with a list, a dict, or the name of a module and what is in it."""
    return (start[:1] == b"\x80" and start[1:2] <= b"\x05") or OLD_PICKLE.match(start) is not None


def text(start: bytes, path: Path, file: SourceFile) -> Source:
    """JSONL or CSV."""
    name = file.filename
    for magic, what in OTHERS.items():
        if start.startswith(magic):
            raise unknown(name, what)
    if b"\0" in start:
        raise unknown(name, "a binary file of an unknown kind")
    first = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = name.lower().removesuffix(".gz")
    if first.startswith(b"[") and not lower.endswith((".csv", ".tsv")):
        raise unknown(name, "a JSON document that is one list (write one object a line)")
    if first.startswith(b"{") or lower.endswith((".jsonl", ".ndjson")):
        return JsonLines(path, name, file.split)
    if lower.endswith((".csv", ".tsv", ".txt", ".data")) or any(mark in first.split(b"\n")[0] for mark in b",;\t"):
        return Table(path, name, file.split)
    raise unknown(name, "text without commas")
