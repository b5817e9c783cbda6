"""What inspection finds out about rows, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest

from distill.data.rows import Rows
from spec.facts import PairFacts
from spec.params import InspectPair
from spec.run import PREVIEW, PREVIEW_BYTES, Result
from tests.distill.runs import here, run_folder
from tests.distill.uploads import Upload, code, facts, inspect, jsonl, npz

X = np.random.default_rng(0).integers(0, 17, (60, 8, 8), dtype=np.uint8)
Y = np.arange(60) % 10
ROWS = npz(x=X, y=Y)


def test_splits_by_ranges(tmp_path: Path) -> None:
    found = facts(tmp_path / "a", ("a.npz", ROWS), splits={"train": [0, 40], "test": [45, 60]})
    assert {name: split.rows for name, split in found.splits.items()} == {"train": 40, "test": 15}
    assert found.splits["test"].labels == {
        str(i % 10): [j % 10 for j in range(45, 60)].count(i % 10) for i in range(45, 60)
    }
    assert np.array_equal(Rows.open(tmp_path / "a/outputs/test.arrow").inputs, X[45:])


def test_splits_by_files_and_overlaps(tmp_path: Path) -> None:
    twice = np.concatenate([X[:40], X[:3]])
    test = np.concatenate([X[38:50], X[38:39]])
    found = facts(tmp_path / "a", ("a.npz", npz(x=twice)), ("b.npz", npz(x=test), {"split": "test"}))
    assert found.overlaps == {"train|test": 3}
    assert (found.splits["train"].duplicates, found.splits["test"].duplicates) == (3, 1)


def test_overlap_is_seen_across_types(tmp_path: Path) -> None:
    floats = jsonl(*({"x": (row + 0.0).tolist()} for row in X[:5]), {"x": (X[0] + 0.5).tolist()})
    found = facts(tmp_path / "a", ("a.npz", npz(x=X)), ("b.jsonl", floats, {"split": "test"}))
    assert found.overlaps == {"train|test": 5}


def test_facts_of_columns(tmp_path: Path) -> None:
    rows = [
        {
            "id": f"r{i}",
            "x": [i, 2],
            "y": "cat" if i % 2 else None,
            "group": i // 3,
            "age": i,
            "zip": f"0{i}",
            "w": i / 2,
            "ok": True,
        }
        for i in range(9)
    ]
    found = facts(tmp_path / "a", ("a.jsonl", jsonl(*rows)))
    assert found.roles.model_dump() == {"input": "x", "label": "y", "group": "group", "id": "id", "signal": None}
    kinds = {name: (column.kind, column.dtype, column.missing) for name, column in found.columns.items()}
    assert kinds == {
        "id": ("string", "str", 0), "x": ("array", "uint8", 0), "y": ("class", "str", 5), "group": ("string", "str", 0),
        "age": ("number", "int64", 0), "zip": ("string", "str", 0), "w": ("number", "float64", 0), "ok": ("string", "str", 0),
    }  # fmt: skip
    assert found.columns["y"].values == {"cat": 4} and found.columns["age"].high == 8
    assert found.splits["train"].labels == {"cat": 4} and found.splits["train"].labelled == 4


def test_values_are_counted_up_to_a_thousand(tmp_path: Path) -> None:
    few = facts(tmp_path / "a", ("a.npz", npz(x=np.zeros((1_000, 2)), y=np.arange(1_000))))
    many = facts(tmp_path / "b", ("a.npz", npz(x=np.zeros((1_001, 2)), y=np.arange(1_001))))
    assert len(few.columns["y"].values or {}) == 1_000
    assert many.columns["y"].values is None and many.splits["train"].labels == {}


def test_without_labels(tmp_path: Path) -> None:
    found = facts(tmp_path / "a", ("a.npz", npz(x=X)))
    assert found.roles.label is None and found.splits["train"].labelled == 0


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((8, 8), "image"), ((3, 8, 8), "image"), ((8, 2), "array"), ((64,), "array"), ((6, 8, 8), "array")],
)
def test_kinds_of_arrays(tmp_path: Path, shape: tuple[int, ...], kind: str) -> None:
    assert facts(tmp_path / "a", ("a.npz", npz(x=np.ones((4, *shape))))).columns["x"].kind == kind


def test_roles_asked_for(tmp_path: Path) -> None:
    rows = [{"picture": [1, 2], "y": 1, "kind": "a", "n": 5}, {"picture": [3, 4], "y": 2, "kind": "b", "n": 6}]
    found = facts(tmp_path / "a", ("a.jsonl", jsonl(*rows)), columns={"input": "picture", "label": "kind", "id": "n"})
    assert found.roles.model_dump(exclude_none=True) == {"input": "picture", "label": "kind", "id": "n"}
    unused = facts(tmp_path / "b", ("a.jsonl", jsonl(*rows)), columns={"label": None})
    assert unused.roles.label is None and unused.columns["y"].kind == "number"


def test_the_digest_hangs_on_rows_and_roles(tmp_path: Path) -> None:
    same = [facts(tmp_path / name, ("a.npz", ROWS)).digest for name in ("a", "b")]
    roles = facts(tmp_path / "c", ("a.npz", ROWS), columns={"label": None}).digest
    rows = facts(tmp_path / "d", ("a.npz", npz(x=X[::-1], y=Y))).digest
    assert same[0] == same[1] and len({same[0], roles, rows}) == 3


def test_the_preview_and_the_content(tmp_path: Path) -> None:
    facts(tmp_path / "a", ("a.npz", npz(x=np.float32(X) / 10, y=Y)))
    preview = json.loads((tmp_path / "a/outputs/preview.json").read_text())
    assert len(preview["train"]) == 60 and preview["train"][3]["y"] == "3"
    assert preview["train"][0]["x"][0][0] == pytest.approx(X[0, 0, 0] / 10)
    table = pa.ipc.open_file(pa.memory_map(str(tmp_path / "a/outputs/train.arrow"))).read_all()
    assert table.column_names == ["x", "y", "__digest__"] and table.num_rows == 60


def test_a_preview_of_large_rows_is_short(tmp_path: Path) -> None:
    facts(tmp_path / "a", ("a.npz", npz(x=np.zeros((20, 100, 400), dtype=np.uint8))))
    assert len(json.loads((tmp_path / "a/outputs/preview.json").read_text())["train"]) == 5


def test_a_preview_is_no_larger_than_the_api_reads(tmp_path: Path) -> None:
    wide = [{f"t{i}": "\U0001f332" * 1000 for i in range(20)}] * 40
    facts(
        tmp_path / "a",
        ("a.jsonl", jsonl(*({"x": [i], **row} for i, row in enumerate(wide)))),
        ("b.jsonl", jsonl({"x": [-1], **wide[0]}), {"split": "test"}),
    )
    written = (tmp_path / "a/outputs" / PREVIEW).read_text()
    assert PREVIEW_BYTES * 0.4 < len(written) <= PREVIEW_BYTES
    assert [len(rows) for rows in json.loads(written).values()] == [17, 1], "each split has its half"


SIGNALS: list[dict[str, Any]] = [{"id": f"r{i}", "s": [0.25, 0.5, 0.25]} for i in range(4)]
CLASSES = ["a", "b", "c"]


def test_signals(tmp_path: Path) -> None:
    found = facts(tmp_path / "a", ("a.jsonl", jsonl(*SIGNALS)), signal="s", classes=CLASSES)
    assert (found.signal, found.classes, found.roles.signal, found.roles.id) == (
        "probabilities",
        ("a", "b", "c"),
        "s",
        "id",
    )
    assert found.roles.input is None
    scores = Rows.open(tmp_path / "a/outputs/train.arrow").scores
    assert scores.dtype == np.float32 and np.allclose(scores, [[0.25, 0.5, 0.25]] * 4)
    logits = facts(
        tmp_path / "b", ("a.jsonl", jsonl(*SIGNALS, {"id": "r4", "s": [1, -1, 1]})), signal="s", classes=CLASSES
    )
    assert logits.signal == "logits"


def test_signals_in_columns_of_a_csv(tmp_path: Path) -> None:
    content = "id,p0,p1,p2\na,0,0,1\nb,0.5,0.5,0\n"
    facts(tmp_path / "a", ("a.csv", content), signal="p", classes=CLASSES)
    rows = Rows.open(tmp_path / "a/outputs/train.arrow")
    assert np.allclose(rows.scores, [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]]) and rows.ids == ["a", "b"]


def test_signals_by_input_find_rows_by_digest(tmp_path: Path) -> None:
    facts(tmp_path / "rows", ("a.npz", ROWS))
    facts(
        tmp_path / "signals",
        ("a.npz", npz(x=X[::-1], s=np.eye(60, 10))),
        signal="s",
        classes=[str(i) for i in range(10)],
    )
    rows, signals = (Rows.open(tmp_path / f"{name}/outputs/train.arrow") for name in ("rows", "signals"))
    assert list(rows.places_in(signals)) == list(range(59, -1, -1))


def pair(folder: Path, first: Path, second: Path, input: str | None = None) -> PairFacts:
    path = run_folder(folder, "inspect", InspectPair(), {"train/rows.arrow": first, "heldout/rows.arrow": second})
    params = json.dumps({"kind": "pair"} | ({"input": input} if input else {}))
    (path / "spec.json").write_text((path / "spec.json").read_text().replace('"params":{}', f'"params":{params}'))
    result: Result = here(path)
    return PairFacts.model_validate(result.facts)


def test_a_pair(tmp_path: Path) -> None:
    facts(tmp_path / "a", ("a.npz", npz(x=X[:40])))
    facts(tmp_path / "b", ("a.npz", npz(x=np.concatenate([X[35:], X[35:36]]))))
    one, other = (tmp_path / f"{name}/outputs/train.arrow" for name in ("a", "b"))
    assert pair(tmp_path / "p", one, other) == PairFacts(overlap=6, unmatched=35)


def test_a_pair_by_another_input_than_a_files_own(tmp_path: Path) -> None:
    """A gold row's own input is its reference answer; its prompt stands among the prompts."""
    facts(tmp_path / "a", ("a.jsonl", jsonl(*({"prompt": f"Why {i}?"} for i in range(6)))))
    gold = ({"prompt": f"Why {i}?", "text": f"Because {i}.", "label": str(i % 2)} for i in range(4, 9))
    facts(tmp_path / "b", ("a.jsonl", jsonl(*gold)))
    one, other = (tmp_path / f"{name}/outputs/train.arrow" for name in ("a", "b"))
    assert pair(tmp_path / "p", one, other).overlap == 0
    assert pair(tmp_path / "q", one, other, "prompt").overlap == 2


def test_a_pair_of_rows_and_signals(tmp_path: Path) -> None:
    facts(tmp_path / "a", ("a.jsonl", jsonl(*({"id": f"r{i}", "x": [i]} for i in range(6)))))
    facts(tmp_path / "b", ("a.jsonl", jsonl(*SIGNALS)), signal="s", classes=CLASSES)
    one, other = (tmp_path / f"{name}/outputs/train.arrow" for name in ("a", "b"))
    assert pair(tmp_path / "p", one, other) == PairFacts(overlap=0, unmatched=2)


A: Upload = ("a.npz", ROWS)
REFUSED: list[tuple[str, list[Upload], dict[str, Any]]] = [
    ("input_missing", [("a.npz", npz(p=X, q=X))], {}),
    ("unknown_column", [A], {"columns": {"label": "yy"}}),
    ("unknown_column", [A], {"columns": {"input": "y", "label": "y"}}),
    ("unknown_column", [A], {"signal": "s", "classes": ["a", "b"]}),
    ("label_is_array", [("a.npz", npz(x=X, y=np.eye(60)))], {}),
    ("group_is_array", [("a.npz", npz(x=X, group=np.eye(60)))], {}),
    ("channels_last", [("a.npz", npz(x=np.zeros((2, 8, 8, 3), dtype=np.uint8)))], {}),
    ("rows_differ", [("a.npz", npz(x=X, y=Y[:59]))], {}),
    ("splits_overlap", [A], {"splits": {"a": [0, 30], "b": [29, 60]}}),
    ("split_empty", [A], {"splits": {"a": [5, 5]}}),
    ("split_out_of_range", [A], {"splits": {"a": [0, 61]}}),
    ("split_name", [A], {"splits": {"../a": [0, 60]}}),
    ("split_name", [("a.npz", ROWS, {"split": "a/b"})], {}),
    ("no_rows", [("a.csv", "x1,x2,y\n")], {}),
    ("column_twice", [("a.csv", "a,a,y\n1,2,3\n")], {}),
    ("column_name", [("a.jsonl", jsonl({"x" * 65: [1]}))], {}),
    ("column_name", [("a.jsonl", jsonl({"__digest__": [1]}))], {}),
    ("classes_missing", [("a.jsonl", jsonl(*SIGNALS))], {"signal": "s"}),
    ("classes_do_not_fit", [("a.jsonl", jsonl(*SIGNALS))], {"signal": "s", "classes": ["a", "b"]}),
    ("class_twice", [("a.jsonl", jsonl(*SIGNALS))], {"signal": "s", "classes": ["a", "b", "b"]}),
    ("classes_unused", [A], {"classes": ["a", "b"]}),
    ("ids_missing", [("a.jsonl", jsonl({"s": [1, 2]}))], {"signal": "s", "classes": ["a", "b"]}),
    ("id_twice", [("a.jsonl", jsonl(*SIGNALS, SIGNALS[0]))], {"signal": "s", "classes": CLASSES}),
    ("bad_rows", [("a.jsonl", b'{"id": "a", "s": [1, Infinity, 2]}\n')], {"signal": "s", "classes": CLASSES}),
    ("bad_rows", [("a.csv", "x1,x2,y\n1,2,a\n3,b\n")], {}),
    ("bad_rows", [("a.csv", "x1,x2,y\n1,2,a\n3,,b\n")], {}),
    ("bad_rows", [("a.csv", "x1,x2,y\n1,2,a\n3,z,b\n5,6,a\n")], {}),
]


@pytest.mark.parametrize(("expected", "files", "params"), REFUSED)
def test_refusals(tmp_path: Path, expected: str, files: list[Upload], params: dict[str, Any]) -> None:
    assert code(tmp_path / "a", *files, **params) == expected


def test_a_near_name_is_offered(tmp_path: Path) -> None:
    result = inspect(tmp_path / "a", [("a.jsonl", jsonl({"image": [1], "label": 1}))], columns={"label": "lable"})
    assert result.error and result.error.param == "columns.label" and result.error.hint == "Did you mean 'label'?"


def test_what_texts_are_made_of(tmp_path: Path) -> None:
    """Of a sample that is spread over all rows, and of the beginning of each: the last half of these is in Russian, and their ends in digits."""
    texts = ["the cat and the dog" if i < 2000 else "мир" * 500 + "7" * 2000 for i in range(4000)]
    lines = ({"text": text, "note": "мир", "size": i, "label": str(i % 2)} for i, text in enumerate(texts))
    found = facts(tmp_path / "a", ("a.jsonl", jsonl(*lines))).splits["train"]
    assert set(found.makeup) == {"text", "note", "label"}, "a number is of digits"
    seen = 19 + 2 * 1000
    assert found.makeup["note"] == {"cyrillic": 1.0} and found.makeup["label"] == {"digits": 1.0}
    assert found.makeup["text"] == pytest.approx({"prose": 15 / seen, "cyrillic": 2000 / seen}, abs=0.005)
