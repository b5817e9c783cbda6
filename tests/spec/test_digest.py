"""Canonical JSON: one spelling for equal values."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.digest import canonical, digest, output_digest
from spec.facts import StoredFile

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_the_spelling() -> None:
    assert canonical({"b": (1, 2.0), "a": None, "é": True}) == '{"a":null,"b":[1,2.0],"é":true}'.encode()


def test_minus_zero_is_zero_and_a_whole_float_is_no_integer() -> None:
    assert canonical(-0.0) == canonical(0.0) == b"0.0"
    assert canonical(1) != canonical(1.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_what_json_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical(value)


@given(value=PLAIN)
def test_canonical_json_reads_back_as_itself(value: object) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)
    assert digest(value) == hashlib.sha256(canonical(value)).hexdigest()


def test_outputs_are_known_by_paths_and_digests() -> None:
    files = {"model.safetensors": StoredFile(digest="a", bytes=3), "train.json": StoredFile(digest="b", bytes=4)}
    rows = {path: file.model_dump() for path, file in reversed(files.items())}
    assert output_digest(files) == output_digest(rows)
    assert output_digest(files) != output_digest(files | {"train.json": StoredFile(digest="c", bytes=4)})
    assert output_digest(files) != output_digest(
        {"weights": files["model.safetensors"], "train.json": files["train.json"]}
    )
