"""One set of rows in every format is one dataset."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distill.data.rows import Rows
from tests.distill.uploads import Upload, facts, idx, jsonl, npz

X = np.random.default_rng(0).integers(0, 256, (60, 8, 9), dtype=np.uint8)
Y = np.arange(60) % 10
Array = npt.NDArray[Any]


def csv_of(x: Array, header: bool = True, quote: str = "", mark: str = ",", end: str = "\n") -> bytes:
    flat = x.reshape(len(x), -1).tolist()
    names = mark.join([*(f"pixel{i}" for i in range(len(flat[0]))), "label"])
    lines = [mark.join([*map(str, row), f"{quote}{label}{quote}"]) for row, label in zip(flat, Y, strict=True)]
    return (end.join([names, *lines] if header else lines) + end).encode()


def parquet(columns: dict[str, Any]) -> Callable[[Path], object]:
    return lambda path: pq.write_table(pa.table(columns), path, row_group_size=25)


def zipped(write: Callable[[Path], object]) -> Callable[[Path], object]:
    def write_zipped(path: Path) -> None:
        write(path)
        path.write_bytes(gzip.compress(path.read_bytes()))

    return write_zipped


def squeezed(**arrays: Array) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # its stubs know a keyword of its own
    return buffer.getvalue()


def read(folder: Path, *files: Upload, **params: Any) -> tuple[Array, list[str | None]]:
    facts(folder, *files, **params)
    rows = Rows.open(folder / "outputs/train.arrow")
    return rows.inputs, rows.labels


NESTED = {"image": X.tolist(), "label": Y}
IMAGES: dict[str, list[Upload]] = {
    "npz": [("a.npz", npz(x=X, y=Y))],
    "npz compressed": [("a.npz", squeezed(image=X, label=Y))],
    "npz gzipped": [("a.npz.gz", gzip.compress(npz(x=X, y=Y)))],
    "npz in Fortran order": [("a.npz", npz(x=np.asfortranarray(X), y=Y))],
    "npz of labels (n, 1) and texts": [("a.npz", npz(x=X, y=Y.astype(str).reshape(-1, 1)))],
    "npz of wide integers": [("a.npz", npz(x=X.astype(np.int64), y=Y.astype(np.float64)))],
    "npz big-endian": [("a.npz", npz(x=X.astype(">i8"), y=Y.astype(">i2")))],
    "jsonl": [("a.jsonl", jsonl(*({"image": x.tolist(), "label": int(y)} for x, y in zip(X, Y, strict=True))))],
    "jsonl of floats": [("a.jsonl", jsonl(*({"x": x.astype(float).tolist(), "y": str(y)} for x, y in zip(X, Y, strict=True))))],
    "jsonl gzipped, blank lines, BOM, no last end": [
        ("a.jsonl.gz", gzip.compress(b"\xef\xbb\xbf" + b"\n\n".join(json.dumps({"x": x.tolist(), "y": int(y)}).encode() for x, y in zip(X, Y, strict=True))))
    ],
    "idx": [("train-images-idx3-ubyte", idx(X)), ("train-labels-idx1-ubyte", idx(Y))],
    "idx gzipped, labels first, columns named": [
        ("b.gz", gzip.compress(idx(Y)), {"column": "label"}), ("a.gz", gzip.compress(idx(X)), {"column": "image"})
    ],
    "parquet": [("a.parquet", parquet(NESTED))],
    "parquet gzipped": [("a.parquet.gz", zipped(parquet(NESTED)))],
    "parquet of small types": [("a.parquet", parquet({"image": pa.array(X.tolist(), pa.list_(pa.list_(pa.uint8()))), "label": Y.astype(str)}))],
    "parquet of a dictionary": [("a.parquet", parquet({"image": X.tolist(), "label": pa.array(Y.astype(str)).dictionary_encode()}))],
    "two files": [("a.npz", npz(x=X[:20], y=Y[:20])), ("b.npz", npz(x=X[20:], y=Y[20:]))],
    "two formats": [("a.npz", npz(x=X[:20], y=Y[:20])), ("b.jsonl", jsonl(*({"x": x.tolist(), "y": int(y)} for x, y in zip(X[20:], Y[20:], strict=True))))],
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGES)
def test_images(tmp_path: Path, name: str) -> None:
    x, y = read(tmp_path / "run", *IMAGES[name])
    assert x.dtype == np.uint8 and np.array_equal(x, X)
    assert y == [str(label) for label in Y]


FLAT: dict[str, tuple[list[Upload], dict[str, Any]]] = {
    "csv": ([("a.csv", csv_of(X))], {}),
    "csv quoted": ([("a.csv", csv_of(X, quote='"'))], {}),
    "csv of Windows": ([("a.csv", csv_of(X, end="\r\n"))], {}),
    "csv with semicolons": ([("a.csv", csv_of(X, mark=";"))], {}),
    "tsv gzipped": ([("a.tsv.gz", gzip.compress(csv_of(X, mark="\t")))], {}),
    "csv without a header": ([("a.csv", csv_of(X, header=False))], {"columns": {"label": "72"}}),
    "csv whose header counts": (
        [("a.csv", b",".join(str(i).encode() for i in range(72)) + b",label\n" + csv_of(X, header=False))], {}
    ),
    "csv named without an ending": ([("data", csv_of(X))], {}),
    "csv with row numbers of pandas": (
        [("a.csv", b"\n".join(str(i - 1).encode() * (i > 0) + b"," + line for i, line in enumerate(csv_of(X).splitlines())) + b"\n")], {}
    ),
    "input by prefix": ([("a.csv", csv_of(X))], {"columns": {"input": "pixel"}}),
    "jsonl flat": ([("a.jsonl", jsonl(*({"x": x.ravel().tolist(), "y": int(y)} for x, y in zip(X, Y, strict=True))))], {}),
    "jsonl of scalars": (
        [("a.jsonl", jsonl(*({**{f"p{i}": v for i, v in enumerate(x.ravel().tolist())}, "y": int(y)} for x, y in zip(X, Y, strict=True))))], {}
    ),
    "parquet of scalars": ([("a.parquet", parquet({**{f"p{i}": X.reshape(60, -1)[:, i] for i in range(72)}, "y": Y}))], {}),
    "parquet of fixed lists": (
        [("a.parquet", parquet({"pixels": pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 72), "y": Y}))], {}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FLAT)
def test_flat_rows(tmp_path: Path, name: str) -> None:
    files, params = FLAT[name]
    x, y = read(tmp_path / "run", *files, **params)
    assert x.dtype == np.uint8 and np.array_equal(x, X.reshape(60, 72))
    assert y == [str(label) for label in Y]


def test_formats_give_the_same_bytes(tmp_path: Path) -> None:
    named = ["jsonl", "idx", "parquet"]
    digests = {facts(tmp_path / name, *IMAGES[name]).digest for name in named}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([[0, 255]]), "uint8"),
        (np.array([[0, 256]]), "int32"),
        (np.array([[-1, 3]]), "int32"),
        (np.array([[0, 2**40]]), "float32"),
        (np.array([[0, 65535]], dtype=np.uint16), "uint16"),
        (np.array([[0, 1]], dtype=np.int8), "int8"),
        (np.array([[0.0, 1.0]]), "float32"),
        (np.array([[0.0, 1.0]], dtype=np.float16), "float32"),
    ],
)
def test_types_of_arrays(tmp_path: Path, values: Array, dtype: str) -> None:
    column = facts(tmp_path / "run", ("a.npz", npz(x=values))).columns["x"]
    assert (column.dtype, column.low, column.high) == (dtype, values.min(), values.max())


@pytest.mark.parametrize(
    ("rows", "dtype"),
    [([[0.5, 1]], "float32"), ([[0, 1.0]], "uint8"), ([[1, 2], [0.25, 300]], "float32"), ([[1, 2], [3, 300]], "int32")],
)
def test_types_of_text_formats_hold_all_rows(tmp_path: Path, rows: list[list[float]], dtype: str) -> None:
    x, _ = read(tmp_path / "run", ("a.jsonl", jsonl(*({"x": row} for row in rows))))
    assert x.dtype == dtype and np.allclose(x, rows)


def test_a_type_is_one_over_all_splits_and_batches(tmp_path: Path) -> None:
    lines = [{"x": [i % 200], "split": "s"} for i in range(9_000)]
    found = facts(
        tmp_path / "run",
        ("a.jsonl", jsonl(*lines)),
        ("b.jsonl", jsonl({"x": [0.5], "split": "s"}), {"split": "test"}),
    )
    assert found.columns["x"].dtype == "float32" and found.splits["train"].rows == 9_000
    train, test = (Rows.open(tmp_path / f"run/outputs/{name}.arrow").inputs for name in ("train", "test"))
    assert train.dtype == test.dtype == np.float32
    assert np.array_equal(train[:, 0], [i % 200 for i in range(9_000)]) and test[0, 0] == 0.5


def test_names_in_an_npz_say_splits(tmp_path: Path) -> None:
    content = npz(x_train=X[:40], y_train=Y[:40], x_test=X[40:], y_test=Y[40:])
    found = facts(tmp_path / "run", ("mnist.npz", content))
    assert {name: split.rows for name, split in found.splits.items()} == {"train": 40, "test": 20}
    assert np.array_equal(Rows.open(tmp_path / "run/outputs/test.arrow").inputs, X[40:])


def test_a_quoted_text_may_hold_lines_and_marks(tmp_path: Path) -> None:
    content = 'text,label\nplain,a\n"two\nlines, ""quoted""",b\nlast,a\n'
    found = facts(tmp_path / "run", ("a.csv", content))
    rows = Rows.open(tmp_path / "run/outputs/train.arrow")
    assert found.columns["text"].kind == "text" and rows.labels == ["a", "b", "a"]
    assert rows.texts("text").to_pylist() == ["plain", 'two\nlines, "quoted"', "last"]


def test_a_quoted_text_keeps_its_blank_lines_and_ends(tmp_path: Path) -> None:
    texts = ["para one\n\npara two", "of\r\n\r\nWindows", "of\ran old Mac", "\nplain", "plain"]
    rows = [{"text": text, "label": "ab"[i % 2]} for i, text in enumerate(texts)]
    content = "text,label\n" + "\n\r\n".join(f'"{row["text"]}",{row["label"]}' for row in rows)
    stored = {
        name: facts(tmp_path / name, (name, written)).splits["train"].digest
        for name, written in (("a.csv", b"\n\n" + content.encode()), ("a.jsonl", jsonl(*rows)))
    }
    assert Rows.open(tmp_path / "a.csv/outputs/train.arrow").texts("text").to_pylist() == texts
    assert stored["a.csv"] == stored["a.jsonl"]


def test_blank_lines_outside_of_quotes_are_no_rows(tmp_path: Path) -> None:
    for name, label in (("plain", "a"), ("quoted", '"a"')):
        found = facts(tmp_path / name, ("a.csv", f"\r\ntext,label\n\r\n\none,{label}\r\n\r\ntwo,b\n\n"))
        assert found.splits["train"].rows == 2 and found.splits["train"].labels == {"a": 1, "b": 1}


def test_parquet_with_nulls_and_ragged_lists_falls_back_to_rows(tmp_path: Path) -> None:
    table = {"x": [[1.0, 2.0], None, [3.0], [4.0, 5.0]], "y": [1, 2, 3, None]}
    found = facts(tmp_path / "run", ("a.parquet", parquet(table)), allow_bad_rows=True)
    assert found.splits["train"].rows == 2 and found.splits["train"].labels == {"1": 1}
    assert [problem.line for problem in found.bad_rows] == [2, 3]


def test_many_parquet_batches_are_all_rows_in_order(tmp_path: Path) -> None:
    values = np.arange(30_000, dtype=np.int64)
    facts(tmp_path / "run", ("a.parquet", parquet({"x": pa.FixedSizeListArray.from_arrays(pa.array(values), 1)})))
    assert np.array_equal(Rows.open(tmp_path / "run/outputs/train.arrow").inputs[:, 0], values)


def test_npz_written_by_a_zip_of_npy(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        for name, values in (("x", X), ("y", Y)):
            one = io.BytesIO()
            np.save(one, values)
            archive.writestr(f"{name}.npy", one.getvalue())
    x, _ = read(tmp_path / "run", ("a.npz", buffer.getvalue()))
    assert np.array_equal(x, X)
