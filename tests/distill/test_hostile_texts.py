"""Texts and students of texts that lie or do harm: each ends in a clear refusal, or works, and costs little."""

import io
import json
import resource
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save

from distill.data.rows import Rows
from distill.students import initialised, tensors
from spec.facts import InputSignature, OutputSignature, Signature
from spec.student import TextClassifier, TextEncoder
from spec.tensors import SINGLE_TOKENS
from tests.distill.library import padded
from tests.distill.test_hostile import MB, measured
from tests.distill.uploads import facts, inspect, run_folder

GOOD = b'{"text": "good", "label": "a"}\n'


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def latin() -> pa.Array:
    """Two strings to Arrow, of which the first is no UTF-8."""
    ends = pa.py_buffer(np.array([0, 2, 4], np.int32))
    return pa.Array.from_buffers(pa.string(), 2, [None, ends, pa.py_buffer(b"a\xffbc")])


def npz(*codes: int, **columns: Any) -> bytes:
    """A text of these code points, whether there are such or not, and another one."""
    text = np.array([*codes, *([98] * len(codes))], "<u4").view(f"<U{len(codes)}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, values in {"text": text, "label": np.array(["a", "b"]), **columns}.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, values)
            archive.writestr(f"{name}.npy", member.getvalue())
    return buffer.getvalue()


def csv_of(columns: int) -> bytes:
    names, values = ["text", "label"], ["a b", "x"]
    return "\n".join(
        ",".join(row) for row in (names + [f"c{i}" for i in range(columns)], values + ["w"] * columns)
    ).encode()


def row(**values: Any) -> bytes:
    return GOOD + json.dumps({"text": "x", "label": "a"} | values, ensure_ascii=False).encode() + b"\n"


TEXTS: dict[str, tuple[str, str, bytes, str]] = {
    "a line that is not UTF-8": ("bad_rows", "a.jsonl", GOOD + '{"text": "grün"}\n'.encode("latin-1"), "line 2: the line is not UTF-8"),
    "half a character in bytes": ("bad_rows", "a.jsonl", GOOD + b'{"text": "\xed\xa0\x80"}\n', "the line is not UTF-8"),
    "half a character as an escape": ("bad_rows", "a.jsonl", GOOD + b'{"text": "\\ud800"}\n', "no Unicode"),
    "half a character as a column": ("bad_rows", "a.jsonl", b'{"text": "b", "\xed\xa0\x80": "a"}\n', "the line is not UTF-8"),
    "half a character as a label": ("bad_rows", "a.jsonl", GOOD + b'{"text": "b", "label": "\\udfff"}\n', "no Unicode"),
    "a line of 16 bits": ("bad_rows", "a.jsonl", GOOD * 200 + '{"text": "b"}'.encode("utf-16-le") + b"\n", "not JSON"),
    "NUL": ("bad_rows", "a.jsonl", GOOD + b'{"text": "a\\u0000b"}\n', "NUL"),
    "NUL in CSV": ("bad_rows", "a.csv", b"text,label\n" + b"a,b\n" * 2000 + b"a\0c,b\n", "line 2002: column 'text' has a NUL"),
    "NUL between quotes": ("bad_rows", "a.csv", b"text,label\n" + b"a,b\n" * 2000 + b'"a\0c",b\n', "has a NUL"),
    "Parquet of Latin letters": ("not_utf8", "a.parquet", parquet(text=latin(), label=["a", "b"]), "not UTF-8"),
    "Parquet with a Latin label": ("not_utf8", "a.parquet", parquet(text=["a", "b"], label=latin()), "not UTF-8"),
    "Parquet with NUL": ("bad_rows", "a.parquet", parquet(text=["a\0b", "b"], label=["a", "b"]), "has a NUL"),
    "NPZ beyond Unicode": ("damaged_file", "a.npz", npz(0x200000, 98), "no Unicode"),
    "NPZ of half a character": ("damaged_file", "a.npz", npz(0xD800), "no Unicode"),
    "NPZ with NUL": ("bad_rows", "a.npz", npz(97, 0, 98), "has a NUL"),
    "an empty text": ("bad_rows", "a.jsonl", row(text=""), "line 2: column 'text' is blank"),
    "an empty cell": ("bad_rows", "a.csv", b"text,label\na,yes\n,no\n", "line 3: column 'text' is blank"),
    "a word of a megabyte": ("bad_rows", "a.jsonl", row(text="x" * MB), "longer than 32,768 bytes"),
    "a word of a megabyte in CSV": ("bad_rows", "a.csv", b"text,label\n" + b"x" * MB + b",a\n", "longer than 32,768 bytes"),
    "a label of a megabyte": ("bad_rows", "a.jsonl", row(label="a" * MB), "longer than 256 characters"),
    "a carriage return alone": ("damaged_file", "a.csv", b"text,label\ra,b\r", "a carriage return stands within a line"),
    "a carriage return among lines": ("damaged_file", "a.csv", b"text,label\na,b\rc,d\n", "line 2: a carriage return"),
    "100,000 columns": ("too_many_columns", "a.csv", csv_of(100_000), "65,536 are allowed"),
    "100,000 keys": ("too_many_columns", "a.jsonl", row(**{f"c{i}": "w" for i in range(100_000)}), "65,536 are allowed"),
    "5,000 columns of words": ("too_many_columns", "a.csv", csv_of(5_000), "4,096 are allowed"),
    "objects that share no key": (
        "too_many_columns", "a.jsonl", b"".join(b"{%s}\n" % b",".join(b'"k%d":1' % (50 * i + j) for j in range(50)) for i in range(4000)), "4,096 are allowed",
    ),
}  # fmt: skip
"""What it is -> (code, file name, content, words of the message)."""


@pytest.mark.parametrize("name", TEXTS)
def test_rows_are_refused(tmp_path: Path, name: str) -> None:
    code, file, content, words = TEXTS[name]
    result = inspect(tmp_path / "run", [(file, content)])
    assert result.error and (result.status, result.retry) == ("failed", "never"), result
    assert result.error.code == code and words in result.error.message, result.error


def test_many_names_cost_little(tmp_path: Path) -> None:
    """As a table they would have 800 million cells."""
    usual, _ = measured(run_folder(tmp_path / "usual", [("a.jsonl", GOOD)]))
    _, file, content, _ = TEXTS["objects that share no key"]
    peak, seconds = measured(run_folder(tmp_path / "run", [(file, content)]))
    assert peak - usual < 200 * MB and seconds < 10, (peak - usual, seconds)


@pytest.fixture
def few_files() -> Iterator[None]:
    """A hundred more than are open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(highest + 100, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_columns_than_files_may_be_open(tmp_path: Path, few_files: None) -> None:
    assert len(facts(tmp_path / "run", ("a.csv", csv_of(300))).columns) == 302


ODD = [
    "\u202eabc",
    "שלום עולם",
    "\u200b",
    "\u200d\u200c",
    "\ufeff",
    "e\u0301",
    "é",
    "\U0010ffff",
    "a\u0300" * 900,
    "x" * 32_768,
]


def test_odd_texts_are_kept_and_read_by_every_student(tmp_path: Path) -> None:
    """From right to left, of no width, of one word; and two that differ only in their normal form, which are two."""
    lines = "".join(json.dumps({"text": text, "label": "a"}, ensure_ascii=False) + "\n" for text in ODD)
    found = facts(tmp_path / "run", ("a.jsonl", lines))
    assert (found.splits["train"].rows, found.splits["train"].duplicates) == (len(ODD), 0)
    rows = Rows.open(tmp_path / "run/outputs/train.arrow")
    assert rows.texts("text").to_pylist() == ODD
    raw = torch.from_numpy(rows.inputs[: len(ODD)])
    assert torch.equal(raw, padded(ODD))
    for student, merges in ((BAG, None), (ENCODER, no_merges())):
        with torch.no_grad():
            logits = initialised(student, GIVEN, 0, merges).eval()(raw)
        assert logits.isfinite().all() and logits.shape == (len(ODD), 2)


BAG = TextClassifier(type="text_classifier", width=2, buckets=16)
ENCODER = TextEncoder(type="text_encoder", width=8, heads=2, layers=1, max_tokens=8, vocabulary=512)
GIVEN = Signature(
    input=InputSignature(kind="text", shape=(), dtype="str"), output=OutputSignature(kind="classes", classes=("a", "b"))
)
A, B = 2 + ord("a"), 2 + ord("b")


def no_merges(*pairs: tuple[int, int]) -> torch.Tensor:
    found = torch.full((512 - SINGLE_TOKENS, 2), -1, dtype=torch.int32)
    found[: len(pairs)] = torch.tensor(pairs, dtype=torch.int32).reshape(-1, 2)
    return found


def weights(student: Any, **changed: torch.Tensor | None) -> bytes:
    merges = no_merges((A, B)) if student is ENCODER else None
    state = tensors(initialised(student, GIVEN, 0, merges)) | {k.replace("__", "."): v for k, v in changed.items()}
    return save({name: tensor for name, tensor in state.items() if tensor is not None})


def config(student: Any, classes: list[str] | None = None, **changed: Any) -> bytes:
    signature = GIVEN.model_dump(mode="json")
    signature["output"]["classes"] = classes or ["a", "b"]
    return json.dumps({"student": student.model_dump() | changed, "signature": signature, "parameters": 1}).encode()


def merged(*pairs: tuple[int, int]) -> bytes:
    return weights(ENCODER, tokens__merges=no_merges(*pairs))


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"student": "')
        file.truncate(100 * MB)


Content = bytes | Callable[[Path], object]
MODELS: dict[str, tuple[str, Content, Content]] = {
    "an embedding of another width": ("tensor_shape", weights(BAG, embedding__weight=torch.zeros(17, 3)), config(BAG)),
    "buckets that lie": ("tensor_shape", weights(BAG), config(BAG, buckets=2**22)),
    "runs of bytes that are none": ("config_invalid", weights(BAG), config(BAG, byte_ngrams=[0])),
    "a vocabulary that lies": ("tensor_shape", weights(ENCODER), config(ENCODER, vocabulary=65_536)),
    "a vocabulary without its bytes": ("config_invalid", weights(ENCODER), config(ENCODER, vocabulary=100)),
    "tokens without an embedding": ("tensor_shape", weights(ENCODER, encoder__token__weight=torch.zeros(100, 8)), config(ENCODER)),
    "heads that do not divide": ("architecture_shape", weights(ENCODER), config(ENCODER, heads=3)),
    "merges out of range": ("merges_invalid", merged((A, 70_000)), config(ENCODER)),
    "merges of no tokens": ("merges_invalid", merged((A, 0)), config(ENCODER)),
    "negative merges": ("merges_invalid", merged((A, -7)), config(ENCODER)),
    "merges that need themselves": ("merges_invalid", merged((258, 259), (258, A)), config(ENCODER)),
    "merges after none": ("merges_invalid", merged((A, B), (-1, -1), (A, A)), config(ENCODER)),
    "merges of fractions": ("dtype_unusable", weights(ENCODER, tokens__merges=torch.zeros(254, 2)), config(ENCODER)),
    "merges that are not there": ("tensor_missing", weights(ENCODER, tokens__merges=None), config(ENCODER)),
    "a tokenizer that is not there": ("tokenizer_missing", weights(ENCODER, tokens__merges=None), config(ENCODER, tokenizer="0" * 64)),
    "a config of a hundred megabytes": ("config_invalid", weights(BAG), large),
    "a config nested deeply": ("config_invalid", weights(BAG), b'{"student": ' + b"[" * 1_000_000),
    "a config that is not UTF-8": ("config_invalid", weights(BAG), b'{"student": "\xff"}'),
    "a class with NUL": ("class_name", weights(BAG), config(BAG, ["a\0", "b"])),
    "a class that is half a character": ("config_invalid", weights(BAG), config(BAG, ["\ud800", "b"])),
    "a class without a name": ("class_name", weights(BAG), config(BAG, ["", "b"])),
    "a class of a megabyte": ("class_name", weights(BAG), config(BAG, ["a" * MB, "b"])),
    "weights that are no numbers": ("weights_not_finite", weights(BAG, output__bias=torch.full((2,), float("nan"))), config(BAG)),
}  # fmt: skip
"""What it is -> (code, model.safetensors, config.json)."""


@pytest.mark.parametrize("name", MODELS)
def test_students_of_texts_are_refused(tmp_path: Path, name: str) -> None:
    code, content, described = MODELS[name]
    result = inspect(tmp_path / "run", [("m.safetensors", content), ("config.json", described)], kind="model")
    assert result.error and (result.status, result.retry) == ("failed", "never"), result
    assert result.error.code == code, result.error


@pytest.mark.parametrize("student", [BAG, ENCODER])
def test_what_they_were_made_of_is_accepted(tmp_path: Path, student: Any) -> None:
    files = [("m.safetensors", weights(student)), ("config.json", config(student))]
    assert inspect(tmp_path / "run", files, kind="model").status == "succeeded"
