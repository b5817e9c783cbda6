"""Fuzz of the safetensors header parser: it agrees with the library on good files, and never does anything but refuse on others."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from distill.inspection.header import read
from spec.problem import Refused

CODES = {"header_too_long", "header_invalid", "damaged_file", "dtype_unknown"}
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(
    lambda n: n != "__metadata__"
)
ARRAYS = st.builds(
    lambda shape, dtype: np.zeros(shape, dtype=dtype),
    st.lists(st.integers(0, 4), max_size=3),
    st.sampled_from(["float32", "float64", "float16", "int64", "uint8", "bool"]),
)
TENSORS = st.dictionaries(NAMES, ARRAYS, min_size=1, max_size=6)
JUNK: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["F32", "I64", "F8"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "a"]), inner, max_size=4)
    ),
    max_leaves=12,
)
FUZZ = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "m.safetensors"


@given(TENSORS)
@FUZZ
def test_what_the_library_writes_is_read(file: Path, tensors: dict[str, np.ndarray]) -> None:
    file.write_bytes(save(tensors, {"some": "metadata"}))
    found = read(file, "m")
    assert {name: one.shape for name, one in found.items()} == {name: array.shape for name, array in tensors.items()}
    assert all(one.bytes == tensors[name].nbytes for name, one in found.items())


@given(TENSORS, st.data())
@FUZZ
def test_changed_bytes_are_refused_or_mean_the_same_to_the_library(
    file: Path, tensors: dict[str, np.ndarray], data: st.DataObject
) -> None:
    content = bytearray(save(tensors))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    agree(file, bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]))


@given(st.dictionaries(NAMES, JUNK, max_size=4) | JUNK, st.integers(0, 64))
@FUZZ
def test_any_header_is_refused_or_means_the_same_to_the_library(file: Path, header: object, length: int) -> None:
    text = json.dumps(header).encode()
    agree(file, struct.pack("<Q", len(text)) + text + bytes(length))


def agree(file: Path, content: bytes) -> None:
    """Ours never raises anything else, and takes nothing that the library refuses or reads otherwise."""
    file.write_bytes(content)
    ours, theirs = by_us(file), by_the_library(file)
    assert ours is None or ours == theirs or theirs is None, (ours, theirs)
    if ours and theirs is None:
        assert b"__metadata__" in content or b"\\u" in content, ours  # it asks more of what we leave unread


def by_us(file: Path) -> dict[str, tuple[int, ...]] | None:
    """Shapes, or None for a refusal, whose code is a known one."""
    codes = set()
    try:
        return {name: one.shape for name, one in read(file, "m").items()}
    except Refused as refused:
        codes = {problem.code for problem in refused.problems}
    assert codes and codes <= CODES
    return None


def by_the_library(file: Path) -> dict[str, tuple[int, ...]] | None:
    try:
        with safe_open(file, "np") as library:
            names = library.keys()
            return {name: tuple(library.get_slice(name).get_shape()) for name in names}
    except SafetensorError:
        return None
