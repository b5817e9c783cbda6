"""Label columns of lists of names: how they are inspected, stored, read, and what is told of lists that are none."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from distill.data.draw import divide
from distill.data.rows import Rows, seen
from spec.facts import Roles
from tests.distill.runs import read, selection
from tests.distill.uploads import code, facts, inspect, jsonl

LISTS = [["sea", "salt"], [], None, ["salt"], ["salt", "sea", "salt"], ["7"], ["land"]]
STORED = [["sea", "salt"], [], None, ["salt"], ["salt", "sea"], ["7"], ["land"]]
COUNTS = {"salt": 3, "sea": 2, "7": 1, "land": 1}


def rows(lists: list[object]) -> bytes:
    return jsonl(*({"text": f"text {i}", "label": names} for i, names in enumerate(lists)))


def parquet(path: Path) -> None:
    kind = pa.list_(pa.dictionary(pa.int32(), pa.string()))
    texts = [f"text {i}" for i in range(len(LISTS))]
    pq.write_table(pa.table({"text": texts, "label": pa.array(LISTS, pa.list_(pa.string())).cast(kind)}), path)


@pytest.mark.parametrize("upload", [("a.jsonl", rows(LISTS)), ("a.parquet", parquet)])
def test_lists_of_names_are_classes(tmp_path: Path, upload: tuple[str, bytes]) -> None:
    found = facts(tmp_path / "a", upload)
    column = found.columns["label"]
    assert (column.kind, column.dtype, column.missing, column.values) == ("classes", "str", 1, COUNTS)
    split = found.splits["train"]
    assert (split.labels, split.labelled, split.rows) == (COUNTS, 6, 7)
    assert "label" not in split.text_bytes
    path = tmp_path / "a/outputs/train.arrow"
    assert pa.ipc.open_file(path).read_all()["label"].to_pylist() == STORED
    assert [row["label"] for row in read(tmp_path / "a/outputs/preview.json")["train"]] == STORED


def test_targets_are_zeros_and_ones_by_name(tmp_path: Path) -> None:
    facts(tmp_path / "a", ("a.jsonl", rows(LISTS)))
    stored = Rows.open(tmp_path / "a/outputs/train.arrow")
    targets = stored.targets(("land", "salt", "sea"))
    none = [-1, -1, -1]
    assert targets.tolist() == [[0, 1, 1], [0, 0, 0], none, [0, 1, 0], [0, 1, 1], none, [1, 0, 0]]
    assert seen(targets).tolist() == [True, True, False, True, True, False, True]
    assert stored.labelled.tolist() == [True, True, False, True, True, True, True]
    division = divide(stored, selection(roles=Roles(input="text", label="label")))
    assert division.labelled.tolist() == [0, 1, 3, 4, 5, 6], "an empty list is a label, and none is not"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("salt", "column 'label' is no list of names: 'salt'"),
        (["salt", None], "column 'label' is no list of names"),
        (["salt", ["sea"]], "column 'label' is no list of names"),
        (["salt", ""], "column 'label' is no list of names"),
        (["x" * 257], "a label is longer than 256 characters"),
    ],
)
def test_a_row_whose_label_is_no_list_is_told_by_line(tmp_path: Path, bad: object, reason: str) -> None:
    error = inspect(tmp_path / "a", [("a.jsonl", rows([["sea"], [], bad]))]).error
    assert error is not None
    assert (error.code, error.line) == ("bad_rows", 3)
    assert reason in error.message


def test_a_list_among_single_labels_is_told_too(tmp_path: Path) -> None:
    error = inspect(tmp_path / "a", [("a.jsonl", rows(["sea", "salt", "sea", ["salt", "sea"]]))]).error
    assert error is not None
    assert error.line == 4 and "most rows have no list" in error.message


def test_lists_are_no_groups_and_arrays_no_lists(tmp_path: Path) -> None:
    groups = jsonl(*({"text": f"t{i}", "tags": ["a", "b"]} for i in range(3)))
    assert code(tmp_path / "a", ("a.jsonl", groups), columns={"group": "tags"}) == "group_is_array"
    hot = jsonl(*({"text": f"t{i}", "label": [0, 1, 1]} for i in range(3)))
    assert code(tmp_path / "b", ("a.jsonl", hot)) == "label_is_array"
    assert facts(tmp_path / "c", ("a.jsonl", groups)).columns["tags"].kind == "classes"
    mixed = jsonl({"text": "a", "tags": ["a"]}, {"text": "b", "tags": "a"}, {"text": "c", "tags": [{}]})
    assert facts(tmp_path / "d", ("a.jsonl", mixed)).columns["tags"].kind == "string"


def test_more_names_than_are_counted_are_kept(tmp_path: Path) -> None:
    lists = [[f"name {i}", "all"] for i in range(1200)]
    found = facts(tmp_path / "a", ("a.jsonl", rows(lists)))
    assert found.columns["label"].values is None and found.splits["train"].labelled == 1200
    targets = Rows.open(tmp_path / "a/outputs/train.arrow").targets([*(f"name {i}" for i in range(1200)), "all"])
    assert np.array_equal(targets, np.hstack([np.eye(1200, dtype=np.int8), np.ones((1200, 1), np.int8)]))
