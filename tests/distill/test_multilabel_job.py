"""Texts with any number of topics, end to end: two teachers by labels alone, a student by their soft targets, and what is delivered."""

import json
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save
from sklearn.metrics import f1_score, precision_score, recall_score

from distill.data.rows import Rows
from distill.export.contenders import Network
from distill.export.engines import in_turn, onnx_call, torch_ensemble
from distill.export.onnx_writer import write_ensemble
from distill.graders.decisions import sigmoid
from distill.students.ngrams import Ngrams, padded
from spec.facts import ModelFacts, OutputSignature
from spec.student import Mlp
from tests.distill import topics
from tests.distill.library import Library
from tests.distill.runs import random_teacher, read, signature
from tests.distill.test_models import MLP, accepted, flat_state, refused
from tests.distill.test_students import linear_onnx, onnx_input, scores, weights

NAMES = ("animals", "plants", "stones", "weather")
BAG = {"type": "text_classifier", "width": 16, "buckets": 1024, "word_ngrams": 1, "byte_ngrams": []}
LABELS = {
    "name": "topics",
    "data": {"train": "ds_text"},
    "student": BAG,
    "objective": [{"type": "labels"}],
    "training": {"steps": 150, "batch_size": 32, "learning_rate": 0.05, "seed": 1},
}
SOFT = LABELS | {
    "teacher": {"models": ["mdl_one", "mdl_two"], "combine": "arithmetic", "weights": [1.0, 2.0]},
    "data": {"train": "ds_text", "labelled": 0.1},
    "objective": [{"type": "soft_targets", "temperature": 2.0, "weight": 0.9}, {"type": "labels", "weight": 0.1}],
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    torch.set_num_threads(1)
    made = Library(tmp_path_factory.mktemp("topics"), topics.write, columns={"label": "topics"})
    balanced = [{"type": "labels", "balance": "inverse_frequency"}]
    made.job("one", LABELS)
    made.job(
        "two",
        LABELS
        | {
            "objective": balanced,
            "training": {"steps": 150, "batch_size": 32, "seed": 2, "learning_rate": 0.05, "select": "best"},
        },
    )
    made.job("student", SOFT)
    return made


def report(library: Library, job: str = "student") -> Any:
    return read(library.root / job / "package/outputs/report.json")


def test_labels_alone_are_learned_and_the_student_keeps_most_of_it(library: Library) -> None:
    found = report(library)["grade"]
    level = {role["role"]: role["metrics"]["f1_micro"]["value"] for role in found["roles"]}
    assert found["headline"]["metric"] == "f1_micro" and found["output"] == "multilabel"
    assert level["teacher.0"] > 0.9 and level["ensemble"] > 0.9
    assert level["student"] > level["no_teacher"] + 0.1, "a tenth of the labels is not enough without the teachers"
    assert found["headline"]["retention"]["value"] > 0.9
    assert [role["labels_seen"] for role in found["roles"] if role["role"] in ("student", "no_teacher")] == [60, 60]


def test_prompts_without_labels_are_taught_by_weights_too(library: Library) -> None:
    """Only held-out rows have topics, and a dataset of their own."""
    lines = (library.root / "train.jsonl").read_text().splitlines()
    (library.root / "prompts").mkdir()
    path = library.root / "prompts/train.jsonl"
    path.write_text("".join(json.dumps({"text": json.loads(line)["text"]}) + "\n" for line in lines))
    library.add("ds_prompts", path)
    soft = [{"type": "soft_targets", "temperature": 2.0}]
    library.job("taught", SOFT | {"data": {"train": "ds_prompts", "heldout": "ds_text/test"}, "objective": soft})
    found = report(library, "taught")
    level = {role["role"]: role["metrics"]["f1_micro"]["value"] for role in found["grade"]["roles"]}
    assert level.keys() == {"teacher.0", "teacher.1", "ensemble", "student"} and level["student"] > 0.8
    assert (found["grade"]["labels_seen"], found["grade"]["rows"]) == (0, 200)
    assert '(column "topics" is not there)' in found["baseline_reasons"]["no_teacher"]


def test_figures_are_those_of_the_predictions_and_the_rows(library: Library) -> None:
    """Recomputed by scikit-learn from predictions.npz and the texts' own topics."""
    grade = report(library)["grade"]
    stored = Rows.open(library.rows("test"))
    truth = np.array([[name in own for name in NAMES] for own in stored.column("topics").to_pylist()])
    with np.load(library.root / "student/grade/outputs/predictions.npz", allow_pickle=False) as kept:
        predictions = dict(kept)
    assert np.array_equal(predictions["truth"], truth)
    for role in grade["roles"]:
        said = predictions[role["role"].replace(".", "_")] > 0.5
        assert role["metrics"]["f1_micro"]["value"] == pytest.approx(f1_score(truth, said, average="micro"))
        assert role["metrics"]["accuracy"]["value"] == pytest.approx((said == truth).all(axis=1).mean())
        assert role["confusion"] == []
        for name, measure in (("named", precision_score), ("there", recall_score)):
            own = [one["hits"] / max(one[name], 1) for one in role["by_class"]]
            assert own == pytest.approx(measure(truth, said, average=None, zero_division=0))
    one, two = predictions["teacher_0"], predictions["teacher_1"]
    np.testing.assert_allclose(predictions["ensemble"], (one + 2 * two) / 3, atol=1e-6)
    student, both = (predictions[name] > 0.5 for name in ("student", "ensemble"))
    assert grade["disagreements"] == (student != both).any(axis=1).sum()


def test_what_belongs_to_rows_with_one_class_is_not_there(library: Library) -> None:
    grade = report(library)["grade"]
    assert grade["dark_knowledge"] is None and grade["mistakes"] == []
    page = (library.root / "student/package/outputs/report.html").read_text()
    assert "Class by class" in page and "are of rows that have one class, and not here" in page
    assert "What the teacher knows besides" not in page and "is taken for" not in page
    first = grade["side_by_side"][0]
    assert isinstance(first["truth"], list) and escape(", ".join(first["truth"]) or "none") in page
    assert "Held-out micro F1, %" in page
    balanced = report(library, "two")
    assert "Yes and no of a class counted by their inverse frequency" in balanced["verdict"]["labels"]
    counts = library.dataset.splits["train"].labels
    seen = balanced["grade"]["labels_seen"]
    assert (
        balanced["grade"]["class_weights"][3]
        == max(balanced["grade"]["class_weights"])
        > 600 / 2 / counts["weather"] * seen / 800
    )
    assert "log-odds" in (library.root / "student/package/outputs/README.md").read_text()


def test_the_delivered_files_say_what_the_report_says(library: Library, tmp_path: Path) -> None:
    """In a process of its own, without this project on its path."""
    folder = library.root / "student/package/outputs"
    lines = Rows.open(library.rows("test")).texts("text").to_pylist()
    (tmp_path / "texts.txt").write_text("\n".join(lines))
    (tmp_path / "ask.py").write_text(
        "import json, pathlib, runpy, sys\nfolder = sys.argv[1]\nsys.path.insert(0, folder)\nfrom load import load\n"
        "names, p = load(folder).predict(pathlib.Path('texts.txt').read_text().splitlines())\n"
        "print(json.dumps([names, p.tolist()]))\n"
        "sys.argv[1:] = ['texts.txt']\nrunpy.run_path(folder + '/load.py', run_name='__main__')\n"
    )
    alone = [sys.executable, "-I", "ask.py", str(folder)]
    asked = subprocess.run(alone, capture_output=True, text=True, check=True, cwd=tmp_path)
    first, *typed = asked.stdout.split("\n")[:-1]
    names, probabilities = json.loads(first)
    with np.load(library.root / "student/grade/outputs/predictions.npz", allow_pickle=False) as predictions:
        reported = predictions["student"]
    np.testing.assert_allclose(probabilities, reported, atol=1e-6)
    assert names == [[NAMES[i] for i in np.flatnonzero(row > 0.5)] for row in reported]
    assert typed == [", ".join(each) for each in names]
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    given = Ngrams(1024, 1, (), 1024)(padded(lines))
    np.testing.assert_allclose(sigmoid(session.run(None, {"input": given})[0]), reported, atol=1e-6)
    assert json.loads(onnx.load(folder / "model.onnx").metadata_props[0].value)["output"]["kind"] == "multilabel"


def test_a_teacher_of_probabilities_gives_log_odds(tmp_path: Path) -> None:
    given = signature((6,), scores="probabilities")
    given = given.model_copy(update={"output": given.output.model_copy(update={"kind": "multilabel"})})
    path = linear_onnx(tmp_path)
    model = onnx.load(path / "model.onnx")
    model.graph.node.append(onnx.helper.make_node("Sigmoid", ["z"], ["p"]))
    model.graph.output[0].name = "p"
    onnx.save(model, path / "model.onnx")
    raw = np.random.default_rng(2).normal(0, 1, (5, 6)).astype(np.float32)
    weight, bias = weights()
    found = scores(path, onnx_input(given), raw, given.output.classes)
    np.testing.assert_allclose(found, raw @ weight + bias, rtol=1e-3, atol=1e-3)
    assert np.isfinite(scores(path, onnx_input(given), raw * 1e4, given.output.classes)).all()


def test_uploads_of_several_classes_are_probed_by_themselves(tmp_path: Path) -> None:
    """Probabilities need not sum to one, but lie between 0 and 1."""
    said = {"architecture": MLP.model_dump(mode="json"), "signature": {"input": {"kind": "array", "shape": [3]}}}
    said["signature"] |= {"output": {"kind": "multilabel", "classes": ["cat", "dog", "owl"]}}
    found: ModelFacts = accepted(tmp_path / "a", ("m.safetensors", save(flat_state())), **said)
    assert found.signature.output.kind == "multilabel"
    said["signature"]["output"]["scores"] = "probabilities"
    assert refused(tmp_path / "b", ("m.safetensors", save(flat_state())), **said)[0] == "not_probabilities"


@pytest.mark.parametrize("combine", ["geometric", "arithmetic"])
def test_an_ensemble_is_one_graph(tmp_path: Path, combine: str) -> None:
    """By all three ways of combining, with classes in another order."""
    student, one = Mlp(type="mlp", hidden_sizes=(5,)), signature((4,), ("a", "b", "c"))
    one = one.model_copy(update={"output": OutputSignature(kind="multilabel", classes=("a", "b", "c"))})
    turned = one.model_copy(update={"output": OutputSignature(kind="multilabel", classes=("c", "a", "b"))})
    members = [
        Network(student=student, signature=given, module=random_teacher(tmp_path / str(i), student, given, i))
        for i, given in enumerate((one, turned))
    ]
    raw = np.random.default_rng(0).normal(0, 2, (7, 4)).astype(np.float32)
    z = [member.module(torch.from_numpy(raw)).detach().numpy() for member in members]
    z[1] = z[1][:, [1, 2, 0]]
    each = z if combine == "geometric" else [sigmoid(one) for one in z]
    expected = 0.25 * each[0] + 0.75 * each[1]
    graph = write_ensemble([(m.student, m.signature, m.tensors) for m in members], [1.0, 3.0], combine)
    np.testing.assert_allclose(onnx_call(graph.SerializeToString(), 1)(raw), expected, atol=1e-5)
    np.testing.assert_allclose(
        in_turn([lambda _: z[0], lambda _: z[1]], [1.0, 3.0], combine, several=True)(raw), expected, atol=1e-5
    )
    same = [(member.module, one.input) for member in (members[0], members[0])]
    alike = torch_ensemble(same, [1.0, 3.0], combine, several=True)(raw)
    np.testing.assert_allclose(alike, each[0], atol=1e-5)
