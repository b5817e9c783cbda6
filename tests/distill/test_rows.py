"""The canonical rows file, read back."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from distill.data.canonical import Heading, digest_array, digests, list_array, text_digests, write
from distill.data.rows import Rows
from spec.facts import ColumnFacts, Roles
from spec.problem import Refused

X = np.arange(3 * 2 * 4, dtype=np.uint8).reshape(3, 2, 4)
OTHER = np.linspace(0, 1, 9, dtype=np.float32).reshape(3, 3)


def written(path: Path, roles: Roles) -> Path:
    facts = {
        "x": ColumnFacts(kind="image", shape=(2, 4), dtype="uint8"),
        "e": ColumnFacts(kind="array", shape=(3,), dtype="float32"),
        "y": ColumnFacts(kind="class", dtype="str"),
        "n": ColumnFacts(kind="number", dtype="int64"),
        "i": ColumnFacts(kind="string", dtype="str"),
    }
    columns = {
        "x": list_array(X),
        "e": list_array(OTHER),
        "y": pa.array(["7", None, "no such"], pa.large_string()),
        "n": pa.array([7, None, -1], pa.int64()),
        "i": pa.array(["a", "b", None], pa.large_string()),
    }
    write(path, columns, digest_array(digests(X)), Heading(columns=facts, roles=roles))
    return path


def test_inputs_are_the_file_itself(tmp_path: Path) -> None:
    rows = Rows.open(written(tmp_path / "a.arrow", Roles(input="x", label="y")))
    assert rows.count == 3 and rows.inputs.dtype == np.uint8 and np.array_equal(rows.inputs, X)
    assert not rows.inputs.flags.owndata and not rows.inputs.flags.writeable


def test_labels_become_places_in_the_classes(tmp_path: Path) -> None:
    rows = Rows.open(written(tmp_path / "a.arrow", Roles(input="x", label="y")))
    assert rows.labels == ["7", None, "no such"]
    assert list(rows.targets(["3", "7"])) == [1, -1, -1]
    assert list(rows.targets(["no such", "7"])) == [1, -1, 0]


def test_roles_of_a_job_go_first(tmp_path: Path) -> None:
    path = written(tmp_path / "a.arrow", Roles(input="x", label="y"))
    rows = Rows.open(path, Roles(input="e", label="n", id="i"))
    assert np.array_equal(rows.inputs, OTHER)
    assert rows.labels == ["7", None, "-1"]
    assert np.array_equal(rows.digests, digests(OTHER).view(np.uint64))
    assert np.array_equal(Rows.open(path).digests, digests(X).view(np.uint64))
    assert Rows.open(path, Roles(input="x")).labels == [None] * 3


def test_a_label_or_group_of_another_file_of_the_job_is_no_role_here(tmp_path: Path) -> None:
    path = written(tmp_path / "a.arrow", Roles(input="x", label="y", group="i"))
    rows = Rows.open(path, Roles(input="x", label="intent", group="writer"))
    assert rows.labelled.tolist() == [False] * 3 and rows.targets(("7", "8")).tolist() == [-1, -1, -1]
    assert rows.labels == [None] * 3 and rows.groups is None
    assert Rows.open(path, Roles(input="x", label="y", group="i")).groups == ["a", "b", None]


def test_text_may_be_the_input(tmp_path: Path) -> None:
    rows = Rows.open(written(tmp_path / "a.arrow", Roles(input="x")), Roles(input="y"))
    assert np.array_equal(rows.digests, text_digests(["7", "", "no such"]).view(np.uint64))


def test_ids_are_the_column_or_the_digest(tmp_path: Path) -> None:
    path = written(tmp_path / "a.arrow", Roles(input="x", id="i"))
    hexadecimal = [row.tobytes().hex() for row in digests(X)]
    assert Rows.open(path).ids == ["a", "b", hexadecimal[2]]
    assert Rows.open(path, Roles(input="x")).ids == hexadecimal


def test_rows_find_their_places(tmp_path: Path) -> None:
    named = Rows.open(written(tmp_path / "a.arrow", Roles(input="x", id="i")))
    unnamed = Rows.open(tmp_path / "a.arrow", Roles(input="x"))
    assert list(named.places_in(named)) == [0, 1, 2]
    assert list(unnamed.places_in(unnamed)) == [0, 1, 2]
    assert list(unnamed.places_in(named)) == [-1, -1, 2]


def test_digests_see_what_models_see() -> None:
    values = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, 2.0]])
    found = digests(values)
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])
    assert np.array_equal(digests(np.array([[0, 1]], dtype=np.uint8))[0], found[0])
    assert not np.array_equal(digests(values.reshape(3, 2, 1))[0], found[0])


@pytest.mark.parametrize(
    ("roles", "ask", "code"),
    [
        (Roles(input=None), lambda rows: rows.inputs, "input_missing"),
        (Roles(input="x"), lambda rows: rows.scores, "signal_missing"),
        (Roles(input="y"), lambda rows: rows.inputs, "not_an_array"),
        (Roles(input="x"), lambda rows: rows.texts("x"), "not_a_scalar"),
        (Roles(input="x"), lambda rows: rows.column("z"), "unknown_column"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, roles: Roles, ask: object, code: str) -> None:
    rows = Rows.open(written(tmp_path / "a.arrow", Roles(input="x")), roles)
    with pytest.raises(Refused) as refused:
        ask(rows)  # type: ignore[operator]  # a table of questions
    assert refused.value.problems[0].code == code
