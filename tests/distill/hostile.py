"""Files made to do harm or to lie, each with the code that it must be refused with. None may run, fill memory or go unnamed."""

import gzip
import io
import json
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from tests.distill.uploads import idx, npz

Files = dict[str, tuple[str, str, bytes | Callable[[Path], object]]]
"""What it is -> (code, file name, content)."""
MARKER = Path(__file__).with_name("harm-was-done")
X = np.zeros((4, 8, 8), dtype=np.uint8)


class Harm:
    """Unpickling this makes a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {MARKER}",)


def torch_file(legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(2), "harm": Harm()}, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def zipped(*members: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", how) as archive:
        warnings.simplefilter("ignore")  # two members of one name are meant
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(head: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """A .npy member with any header."""
    text = head.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


def lying(shape: str, descr: str = "'|u1'") -> bytes:
    return zipped(("x.npy", npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}", bytes(64))))


def npz_bomb(path: Path) -> None:
    """300 MB of zeros in 300 kB."""
    head = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (307200, 1024)}")
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w", force_zip64=True) as member,
    ):
        member.write(head)
        for _ in range(300):
            member.write(bytes(2**20))


def gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb", 1) as file:
        file.write(b'{"x": [')
        for _ in range(300):
            file.write(b" " * 2**20)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def without_directory(data: bytes) -> bytes:
    return data[: data.rfind(b"PK\x01\x02")]


PARQUET = parquet(pa.table({"x": [[1, 2]] * 50, "y": list(range(50))}))
NPZ = npz(x=X, y=np.arange(4))
ROW = b'{"x": [1, 2], "y": 1}\n'

DATASETS: Files = {
    **{f"pickle of protocol {n}": ("pickle_refused", "rows.pkl", pickle.dumps(Harm(), n)) for n in range(6)},
    "pickle called npz": ("pickle_refused", "rows.npz", pickle.dumps(Harm())),
    "pickled list of protocol 0": ("pickle_refused", "rows.csv", pickle.dumps([1, Harm()], 0)),
    "gzipped pickle": ("pickle_refused", "rows.jsonl.gz", gzip.compress(pickle.dumps(Harm()))),
    "torch file": ("pickle_refused", "rows.pt", torch_file()),
    "torch file of old": ("pickle_refused", "rows.pt", torch_file(legacy=True)),
    "npz of objects": ("pickle_refused", "a.npz", npz(x=np.array([Harm(), Harm()], dtype=object))),
    "npz with a pickle": ("pickle_refused", "a.npz", zipped(("x.npy", b"1"), ("data.pkl", pickle.dumps(Harm())))),
    "zip of other files": ("unknown_format", "a.npz", zipped(("../../etc/passwd", b"root"))),
    "zip without files": ("unknown_format", "a.npz", zipped()),
    "npz with one name twice": ("damaged_file", "a.npz", zipped(("x.npy", npy("{}")), ("x.npy", npy("{}")))),
    "npz bomb": ("unpacks_too_large", "a.npz", npz_bomb),
    "npz of 100,000 members": ("array_unusable", "a.npz", zipped(*((f"{i}.npy", b"") for i in range(30_000)), how=zipfile.ZIP_STORED)),
    "npz that declares 10^12 rows": ("damaged_file", "a.npz", lying("(1000000000000, 8)")),
    "npz that declares huge rows": ("array_unusable", "a.npz", lying("(2, 1000000000000)")),
    "npz with a negative shape": ("array_unusable", "a.npz", lying("(-4, 8)")),
    "npz of a scalar": ("array_unusable", "a.npz", lying("()")),
    "npz of records": ("array_unusable", "a.npz", lying("(4,)", "[('a', '<i4')]")),
    "npz of dates": ("array_unusable", "a.npz", lying("(4,)", "'<M8[s]'")),
    "npz whose header is code": ("damaged_file", "a.npz", zipped(("x.npy", npy(f"__import__('os').system('touch {MARKER}')")))),
    "npz whose header is long": ("damaged_file", "a.npz", zipped(("x.npy", npy("(" * 20_000)))),
    "npz of a later version": ("damaged_file", "a.npz", zipped(("x.npy", npy("{}", version=b"\x09\x00")))),
    "npz without its directory": ("damaged_file", "a.npz", without_directory(NPZ)),
    "npz with a flipped byte": ("damaged_file", "a.npz", flipped(NPZ, NPZ.find(b"NUMPY") + 200)),
    "gzip bomb": ("unpacks_too_large", "a.jsonl.gz", gzip_bomb),
    "gzip cut short": ("damaged_file", "a.jsonl.gz", gzip.compress(ROW * 9_000)[:-30]),
    "gzip with a wrong checksum": ("damaged_file", "a.jsonl.gz", flipped(gzip.compress(ROW), -8)),
    "gzip of nothing": ("empty_file", "a.jsonl.gz", gzip.compress(b"")),
    "gzip in gzip": ("unknown_format", "a.jsonl.gz", gzip.compress(gzip.compress(ROW))),
    "idx that declares 4 billion rows": ("damaged_file", "a-idx", b"\0\0\x08\x02\xff\xff\xff\xff\0\0\0\x08" + bytes(64)),
    "idx that declares huge rows": ("array_unusable", "a-idx", b"\0\0\x08\x03" + b"\xff" * 12),
    "idx cut in its header": ("damaged_file", "a-idx", b"\0\0\x08\x03\0\0"),
    "idx one byte short": ("damaged_file", "a-idx", idx(X)[:-1]),
    "parquet of noise": ("damaged_file", "a.parquet", b"PAR1" + os.urandom(4_000) + b"PAR1"),
    "parquet cut short": ("damaged_file", "a.parquet", PARQUET[:-200]),
    "parquet without rows behind it": ("damaged_file", "a.parquet", b"PAR1" + PARQUET[-400:]),
    "parquet of structures": ("column_unusable", "a.parquet", parquet(pa.table({"image": [{"bytes": b"x", "path": "/etc"}]}))),
    "parquet of bytes": ("column_unusable", "a.parquet", parquet(pa.table({"image": [b"\x89PNG"]}))),
    "json of one list": ("unknown_format", "a.json", b'[{"x": [1]}]'),
    "json of a thousand brackets": ("bad_rows", "a.jsonl", b'{"x": ' + b"[" * 100_000 + b"\n"),
    "json of two million values": ("bad_rows", "a.jsonl", b'{"x": [' + b"1," * 2_000_000 + b"1]}\n"),
    "json of empty lists": ("bad_rows", "a.jsonl", b'{"x": [' + b"[]," * 1_500_000 + b"[]]}\n"),
    "json of one long number": ("bad_rows", "a.jsonl", b'{"x": [' + b"9" * 100_000 + b"]}\n"),
    "json of half a character": ("bad_rows", "a.jsonl", b'{"x": [1], "y": "\\ud800"}\n'),
    "json of empty objects": ("bad_rows", "a.jsonl", b"{}\n" * 3),
    "csv of too many columns": ("too_many_columns", "a.csv", b"a," * 70_000 + b"b\n"),
    "csv with an open quote": ("damaged_file", "a.csv", b'text,y\n"' + b"a,b\n" * 1_500_000),
    "csv of Latin letters": ("not_utf8", "a.csv", "text,y\ngr\xfcn,1\n".encode("latin-1")),
    "csv with a long line": ("line_too_long", "a.csv", b"x1,x2\n" + b"1" * (17 * 2**20) + b",2\n"),
    "text of 16 bits": ("unknown_format", "a.csv", "x1,x2\n1,2\n".encode("utf-16")),
    "a picture": ("unknown_format", "a.csv", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "a program": ("unknown_format", "a.npz", b"\x7fELF" + bytes(100)),
    "hdf5": ("unknown_format", "a.h5", b"\x89HDF\r\n\x1a\n" + bytes(100)),
    "one npy": ("unknown_format", "a.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4,)}", b"1234")),
    "zeros": ("unknown_format", "a.csv", bytes(10_000)),
    "nothing": ("empty_file", "a.csv", b""),
}  # fmt: skip


def safetensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(start: int = 0, end: int = 8, shape: Any = (2,), dtype: Any = "F32", **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end], **more}


TWICE = b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'
HEADERS: Files = {
    "length beyond the file": ("damaged_file", "m.safetensors", safetensors({"a": tensor()}, bytes(8), 5_000)),
    "length beyond everything": ("header_invalid", "m.safetensors", safetensors({"a": tensor()}, bytes(8), 2**63)),
    "a header of 11 MB": ("header_too_long", "m.safetensors", safetensors(b"{" + b" " * 11_000_000 + b"}")),
    "a header of 100,000 tensors": (
        "header_too_long", "m.safetensors", safetensors({f"t{i}": tensor(0, 0, [0]) for i in range(100_000)})
    ),
    "a header of brackets": ("header_too_long", "m.safetensors", safetensors(b'{"a": ' + b"[" * 9_000_000)),
    "a header nested deeply": ("header_invalid", "m.safetensors", safetensors(b'{"a": ' + b"[" * 20_000)),
    "a header that is no JSON": ("header_invalid", "m.safetensors", safetensors(b"{hello}")),
    "a header that is no text": ("header_invalid", "m.safetensors", safetensors(b"{\xff\xfe}")),
    "a header that is a list": ("header_invalid", "m.safetensors", safetensors([1])),
    "a tensor named twice": ("header_invalid", "m.safetensors", safetensors(TWICE, bytes(8))),
    "an unknown type": ("dtype_unknown", "m.safetensors", safetensors({"a": tensor(dtype="F128")}, bytes(8))),
    "a type that is a list": ("dtype_unknown", "m.safetensors", safetensors({"a": tensor(dtype=["F32"])}, bytes(8))),
    "tensors that overlap": ("header_invalid", "m.safetensors", safetensors({"a": tensor(0, 8), "b": tensor(4, 12)}, bytes(12))),
    "a hole": ("header_invalid", "m.safetensors", safetensors({"a": tensor(0, 8), "b": tensor(12, 20)}, bytes(20))),
    "tensors beyond the end": ("damaged_file", "m.safetensors", safetensors({"a": tensor(0, 4_000, [1_000])}, bytes(8))),
    "bytes of no tensor": ("header_invalid", "m.safetensors", safetensors({"a": tensor()}, bytes(80))),
    "a shape that lies": ("header_invalid", "m.safetensors", safetensors({"a": tensor(shape=[3])}, bytes(8))),
    "a negative shape": ("header_invalid", "m.safetensors", safetensors({"a": tensor(shape=[-2])}, bytes(8))),
    "a shape that overflows": ("header_invalid", "m.safetensors", safetensors({"a": tensor(shape=[2**62, 4, 2])}, bytes(8))),
    "a shape beyond 64 bits": ("header_invalid", "m.safetensors", safetensors({"a": tensor(shape=[2**80])}, bytes(8))),
    "a shape of floats": ("header_invalid", "m.safetensors", safetensors({"a": tensor(shape=[2.0])}, bytes(8))),
    "a shape of truth": ("header_invalid", "m.safetensors", safetensors({"a": tensor(0, 4, [True])}, bytes(4))),
    "a shape that is a number": ("header_invalid", "m.safetensors", safetensors({"a": tensor(shape=2)}, bytes(8))),
    "offsets turned round": ("header_invalid", "m.safetensors", safetensors({"a": tensor(8, 0)}, bytes(8))),
    "three offsets": ("header_invalid", "m.safetensors", safetensors({"a": {**tensor(), "data_offsets": [0, 4, 8]}}, bytes(8))),
    "a field too many": ("header_invalid", "m.safetensors", safetensors({"a": tensor(path="/etc/passwd")}, bytes(8))),
    "an entry that is a text": ("header_invalid", "m.safetensors", safetensors({"a": "F32"}, bytes(8))),
    "a name without end": ("header_invalid", "m.safetensors", safetensors({"a" * 100_000: tensor()}, bytes(8))),
    "seven bytes": ("header_invalid", "m.safetensors", b"\x10\0\0\0\0\0\0"),
    "a pickle": ("pickle_refused", "m.safetensors", pickle.dumps(Harm())),
    "a torch file": ("pickle_refused", "m.pt", torch_file()),
    "a torch file of old": ("pickle_refused", "m.pth", torch_file(legacy=True)),
    "a zip of something": ("unknown_model_format", "m.keras", zipped(("config.json", b"{}"))),
    "hdf5": ("unknown_model_format", "m.h5", b"\x89HDF\r\n\x1a\n" + bytes(100)),
    "gguf": ("unknown_model_format", "m.gguf", b"GGUF" + bytes(100)),
    "nothing": ("empty_file", "m.safetensors", b""),
    "noise called onnx": ("damaged_file", "m.onnx", b"\xff" * 200),
}  # fmt: skip
