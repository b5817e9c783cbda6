"""Label columns of lists of names: how they are inspected, stored, read, and what is told of lists that are none."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from distill.data.draw import divide
from distill.data.rows import Rows, seen
from distill.material import transfer_set
from distill.run import RunFolder
from spec.facts import InputSignature, OutputSignature, Roles, Signature
from spec.grader import Accuracy
from spec.params import TrainParams
from spec.student import Mlp
from tests.distill.runs import read, run_folder, selection
from tests.distill.uploads import code, facts, inspect, jsonl

LISTS = [["sea", "salt"], [], None, ["salt"], ["salt", "sea", "salt"], ["7"], ["land"]]
STORED = [["sea", "salt"], [], None, ["salt"], ["salt", "sea"], ["7"], ["land"]]
COUNTS = {"salt": 3, "sea": 2, "7": 1, "land": 1}


def rows(lists: Sequence[object]) -> bytes:
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
    assert error.line == 4 and "the label is no single name: ['salt', 'sea']" in error.message


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


@pytest.fixture
def answered(tmp_path: Path) -> Iterator[RunFolder]:
    """A run folder of a training whose teacher has answered the first, third and fourth of the rows."""
    facts(tmp_path / "a", ("a.jsonl", rows(LISTS)))
    given = {"train/rows.arrow": tmp_path / "a/outputs/train.arrow", "scores": tmp_path / "scores"}
    (tmp_path / "scores/teacher.0/train").mkdir(parents=True)
    (tmp_path / "scores/train").mkdir()
    np.save(
        tmp_path / "scores/teacher.0/train/00000.npy", np.array([[3.0, -1.0], [-2.0, -0.5], [0.1, 7.0]], np.float32)
    )
    np.save(tmp_path / "scores/train/rows.npy", np.array([0, 2, 3]))
    params = TrainParams(
        selection=selection(roles=Roles(input="text", label="label")), student=Mlp(type="mlp", hidden_sizes=(2,)), objective=(),
        signature=Signature(input=InputSignature(kind="text", shape=()), output=OutputSignature(kind="multilabel", classes=("salt", "sea"))),
        steps=1, batch_size=1, learning_rate=1.0, optimizer="adamw", schedule="constant", weight_decay=0.0, seed=0, precision="float32",
        select="last", bias_correction=False, headline=Accuracy(type="accuracy"), answers="labels", teachers=1,
    )  # fmt: skip
    with closing(RunFolder(run_folder(tmp_path / "train", "train", params, given))) as folder:
        yield folder


def test_a_teachers_lists_are_the_labels_of_the_rows_that_it_answered(answered: RunFolder) -> None:
    params = TrainParams.model_validate(answered.run.params)
    stored = Rows.open(answered.input("train/rows.arrow"), params.selection.roles)
    found = transfer_set(answered, params, stored, divide(stored, params.selection))
    assert found.rows.tolist() == [0, 2, 3]
    assert found.labels.tolist() == [[1, 0], [0, 0], [1, 1]]
    assert not len(found.absent)
    own = transfer_set(
        answered, params.model_copy(update={"answers": "rows"}), stored, divide(stored, params.selection)
    )
    assert own.labels.tolist() == [[1, 1], [-1, -1], [1, 0]]
