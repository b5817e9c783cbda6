"""Text classifiers end to end: inspected, trained, resumed, distilled, graded, packaged and loaded alone."""

import json
import subprocess
import sys
from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from distill.data.rows import Rows
from distill.students.ngrams import Ngrams, padded
from distill.students.predict import softmax
from spec.facts import DatasetFacts
from tests.distill import docstrings
from tests.distill.jobs import PARAMS
from tests.distill.library import BAG, SPEC, Library, accuracy, inspected
from tests.distill.runs import checkpoints, child, finished, read, resumed, run_folder, until

WITHOUT_TORCH = [{"column": "label", "not_among": ["torch"]}]
WEIGHTS = "outputs/model.safetensors"
ALONE = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__'); assert 'torch' not in sys.modules"
WITHOUT_COMPILER = """
import pathlib, sys
from distill.__main__ import perform
from distill.run import RunFolder
assert [perform(RunFolder(pathlib.Path(path))).status for path in sys.argv[1:]] == ["succeeded"] * 3

import torch
from distill.optim import Sgd
from distill.students import initialised
from spec.student import Convnet, Mlp, TextEncoder
from tests.distill.runs import signature
encoder = TextEncoder(type="text_encoder", width=16, heads=2, vocabulary=512)
for student, shape in (Mlp(type="mlp", hidden_sizes=(4,), norm="batch"), (4,)), (Convnet(type="convnet", channels=(2,), hidden=4), (4, 4)), (encoder, ()):
    merges = torch.zeros(512 - 258, 2, dtype=torch.int32)
    module = initialised(student, signature(shape), 1, merges)
    x = torch.zeros(2, 4, dtype=torch.uint8) if shape == () else torch.zeros(2, *shape)
    module(x).sum().backward()
    Sgd(module.parameters(), 0.0).step(0.1, 0.9)
assert not {"torch._dynamo", "sympy"} & sys.modules.keys()
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    torch.set_num_threads(1)
    return Library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def trained(library: Library) -> Path:
    """Its vectors are sums over a square root, learned with n-grams left out; those of the students it teaches are means."""
    return library.job("large", SPEC | {"student": BAG | {"width": 64, "pooling": "sqrt", "dropout": 0.2}})


def test_a_bag_is_well_above_the_majority(library: Library, trained: Path) -> None:
    counts = library.dataset.splits["test"].labels
    assert len(counts) == len(docstrings.LIBRARIES)
    majority = max(counts.values()) / sum(counts.values())
    assert majority < 0.2 and accuracy(trained) > majority + 0.35


def test_a_bag_learns_from_a_larger_one_to_the_report(library: Library, trained: Path) -> None:
    terms = [{"type": "soft_targets", "temperature": 2.0, "weight": 0.9}, {"type": "labels", "weight": 0.1}]
    data = {"train": "ds_text", "labelled": 0.1}
    baselines = {"baselines": ["no_teacher", "all_labels"]}
    job = library.job(
        "small",
        SPEC | {"teacher": {"models": ["mdl_large"]}, "data": data, "objective": terms, "evaluation": baselines},
    )
    assert accuracy(job, "teacher.0") == accuracy(trained)
    assert accuracy(job) > accuracy(job, "no_teacher") + 0.1
    grade = read(job / "grade/outputs/grade.json")
    texts = set(Rows.open(library.rows("test")).texts("text").to_pylist())
    assert all((row["text"] in texts) or row["text"].endswith("…") for row in grade["side_by_side"])
    assert grade["dark_knowledge"]["richest"][0]["text"]
    page = (job / "package/outputs/report.html").read_text()
    assert escape(grade["side_by_side"][0]["text"], quote=False) in page


def test_no_step_imports_torchs_compiler(library: Library, trained: Path) -> None:
    """Nor the algebra of its shapes: together they take 5 s of processor time, and nothing here is compiled."""
    steps = [str(trained / name) for name in ("train", "grade", "package")]
    subprocess.run([sys.executable, "-c", WITHOUT_COMPILER, *steps], check=True, timeout=60)


def test_copies_of_texts_are_scored_learned_from_and_told(library: Library, trained: Path) -> None:
    augment = {"type": "words", "copies": 1}
    data = {"train": "ds_text", "share": 0.25, "augment": augment}
    taught = {"teacher": {"models": ["mdl_large"]}, "objective": [{"type": "soft_targets"}], "data": data}
    job = library.job("copied", SPEC | taught | {"training": {"epochs": 1}, "evaluation": {"baselines": []}})
    report = read(job / "package/outputs/report.json")
    old = round(0.25 * library.dataset.splits["train"].rows)
    copies = report["copies"]["kept"]
    assert report["copies"]["wanted"] == old and 0.9 * old < copies <= old
    assert report["grade"]["train_rows"] == old + copies
    rows = Rows.open(job / "augment/outputs/rows.arrow")
    held = set(Rows.open(library.rows("test")).texts("text").to_pylist())
    assert rows.count - rows.old == copies and not held & set(rows.texts("text").to_pylist()[rows.old :])
    assert f"{copies:,} of them are copies" in (job / "package/outputs/README.md").read_text()
    assert "Copies of training texts" in (job / "package/outputs/report.html").read_text()


def test_balanced_labels_are_told_in_the_report(library: Library, trained: Path) -> None:
    terms = [{"type": "labels", "balance": "inverse_frequency"}]
    job = library.job("balanced", SPEC | {"objective": terms, "data": {"train": "ds_text", "where": WITHOUT_TORCH}})
    counts = {name: n for name, n in library.dataset.splits["train"].labels.items() if name != "torch"}
    report = read(job / "package/outputs/report.json")
    expected = [
        sum(counts.values()) / 11 / counts[name] if name in counts else 0 for name in report["grade"]["classes"]
    ]
    assert report["grade"]["class_weights"] == pytest.approx(expected)
    low, high = min(filter(None, expected)), max(expected)
    line = f"frequency of their class: {low:.2f} times in the most frequent one, {high:.2f} times in the rarest."
    assert line in report["verdict"]["labels"]
    assert line in (job / "package/outputs/report.html").read_text()
    assert "class_weights" not in read(library.root / "large/grade/outputs/grade.json")


def test_balanced_soft_targets_are_told_in_report_and_card(library: Library, trained: Path) -> None:
    """Their baseline's labels are balanced too, and the report shows in what the two differ."""
    terms = [{"type": "soft_targets", "balance": "inverse_frequency"}]
    taught = {"teacher": {"models": ["mdl_large"]}, "objective": terms, "training": {"epochs": 0.5}}
    job = library.job("evened", SPEC | taught | {"evaluation": {"baselines": ["no_teacher"]}})
    shards = sorted((job / "score/outputs/teacher.0/train").glob("0*.npy"))
    q = softmax(np.concatenate([np.load(shard) for shard in shards]))
    counts, named = q.sum(axis=0), q.argmax(axis=1)
    assert counts.min() > 1
    each = q @ (len(q) / len(counts) / counts)
    expected = [each[named == v].mean() for v in range(len(counts))]
    report = read(job / "package/outputs/report.json")
    assert report["grade"]["soft_weights"] == pytest.approx(expected, rel=1e-4)
    line = f"inverse frequency of the class: between {min(expected):.2f} and {max(expected):.2f} times on average"
    assert line in report["verdict"]["labels"]
    for name in ("report.html", "README.md"):
        assert line in (job / "package/outputs" / name).read_text()
    told = ["- objective: soft_targets T=1 balanced × 1", "+ objective: labels balanced × 1"]
    assert [found for found in report["spec_difference"] if "objective" in found] == told
    assert "class_weights" in read(job / "train.no_teacher/outputs/train.json")
    assert "soft_weights" not in read(library.root / "large/grade/outputs/grade.json")


def test_the_delivered_files_answer_alone_and_alike(library: Library, trained: Path, tmp_path: Path) -> None:
    folder = trained / "package" / "outputs"
    lines = Rows.open(library.rows("test")).texts("text").to_pylist()[:50]
    (tmp_path / "texts.txt").write_text("\n".join(lines))
    command = [sys.executable, "-I", "-c", ALONE, str(folder / "load.py"), str(tmp_path / "texts.txt")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    ngrams = Ngrams(8192, 2, (3, 4, 5), 1024)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    logits = np.asarray(session.run(None, {"input": ngrams(padded(lines))})[0])
    classes = read(folder / "config.json")["signature"]["output"]["classes"]
    assert [line.split("\t")[0] for line in said.splitlines()] == [classes[i] for i in logits.argmax(axis=1)]
    assert read(folder / "report.json")["conversion"]["rows"] > 500


def test_a_killed_training_of_a_bag_ends_in_the_same_bytes(library: Library, trained: Path, tmp_path: Path) -> None:
    run = read(trained / "train/spec.json")
    params = PARAMS["train"].model_validate(run["params"])
    inputs = {"train/rows.arrow": library.rows("train"), "heldout/rows.arrow": library.rows("test")}
    folder = run_folder(tmp_path / "killed", "train", params, inputs, context={"checkpoint_seconds": 0.05})
    with child(folder) as process:
        until(lambda: checkpoints(folder) >= 1)
        process.kill()
        process.wait()
    assert not (folder / "result.json").exists()
    assert resumed(folder)
    assert finished(folder).status == "succeeded"
    assert (folder / WEIGHTS).read_bytes() == (trained / "train" / WEIGHTS).read_bytes()


def hashed(data: bytes, *, run: int = 0) -> int:
    """The bucket of a word, or of a run of bytes, by the sentence of the documentation, in Python's own numbers."""
    prime, base = 2**31 - 1, 1_000_003
    if run:
        h = run
        for c in data:
            h = (h * base + c + 1) % prime
    else:
        h = sum((c + 1) * base**i for i, c in enumerate(data)) % prime
    return h % (prime - 1) + 1


def bucket(h: int, buckets: int) -> int:
    return 1 + h * 1_664_525 % (2**31 - 1) % buckets


@pytest.mark.parametrize("text", ["Ab cd", "naïve_x 7", "a", "--", "x" * 3 + " " + "y" * 9, "日本 語"])
def test_buckets_are_those_of_the_documentation(text: str) -> None:
    lower = bytes(c + 32 if 65 <= c <= 90 else c for c in text.encode())
    words = "".join(chr(c) if (chr(c).isalnum() and c < 128) or c == 95 or c >= 128 else " " for c in lower).split(" ")
    found = [word.encode("latin-1") for word in words if word]
    h = [hashed(word) for word in found]
    pairs = [(a * 1_000_003 + b) % (2**31 - 2) + 1 for a, b in pairwise(h)]
    runs = [
        hashed(edged[i : i + n], run=n)
        for n in (3, 4, 1, 2)
        for edged in (word if n == 1 else b"\0" + word + b"\0" for word in found)
        for i in range(len(edged) - n + 1)
    ]
    expected = [bucket(each, 997) for each in [*h, *pairs, *runs]]
    given = Ngrams(997, 2, (3, 4, 1, 2), 1024)(padded(["a much longer neighbour of it", text, ""]))[1].tolist()
    assert given == expected + [0] * (len(given) - len(expected)), "in this order: sums of floats hang on it"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": 7, "label": "a"}', "not a text"),
        ('{"text": ["x", "y"], "label": "a"}', "not a text"),
        ('{"text": "", "label": "a"}', "is blank"),
        ('{"text": " \\t", "label": "a"}', "blank"),
        ('{"text": "\\ud800", "label": "a"}', "no Unicode"),
        ('{"text": "x\\u0000y", "label": "a"}', "NUL"),
        (json.dumps({"text": "x" * 32769, "label": "a"}), "longer than 32,768 bytes"),
    ],
)
def test_texts_that_cannot_be_used_are_named_by_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"text": "good one", "label": "a"}\n' * 2 + line + "\n")
    error = inspected(tmp_path / "run", path).error
    assert error is not None
    assert (error.code, error.file, error.line) == ("bad_rows", "train.jsonl", 3)
    assert reason in error.message


def test_equal_texts_are_counted_inside_and_across_splits(tmp_path: Path) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text('text,label\n"one, two",a\n"one, two",a\nthree,b\n')
    test.write_text("text,label\nthree,b\nfour,a\n")
    facts = DatasetFacts.model_validate(inspected(tmp_path / "run", train, test).facts)
    assert facts.columns["text"].kind == "text"
    assert facts.splits["train"].duplicates == 1
    assert facts.overlaps == {"train|test": 1}
