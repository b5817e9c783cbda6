"""What `package` makes of a whole small job."""

import hashlib
import json
import subprocess
import sys
from math import sqrt
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file

from distill.data.rows import Rows
from distill.export.engines import torch_call
from distill.report.figures import Grade, Report
from distill.students import loaded
from spec.digest import model_digest
from spec.distillation import Distillation
from spec.facts import ModelFacts, StoredFile
from spec.params import PackageParams
from spec.terms import of_licence
from tests.distill.jobs import CLASSES, SPEC, Job
from tests.distill.runs import read


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    made = Job(tmp_path_factory.mktemp("job"), SPEC)
    made.run()
    return made


@pytest.fixture(scope="module")
def report(job: Job) -> Report:
    return Report.model_validate_json((job.outputs("package") / "report.json").read_bytes())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_delivers_everything(job: Job) -> None:
    assert sorted(job.results["package"].outputs) == [
        "README.md", "config.json", "load.py", "manifest.json", "model.onnx", "model.safetensors", "report.html", "report.json",
    ]  # fmt: skip
    same = (job.outputs("package") / "model.safetensors").read_bytes()
    assert same == (job.outputs("train") / "model.safetensors").read_bytes()


def test_onnx_answers_as_torch_on_heldout_rows(job: Job, report: Report) -> None:
    package = job.outputs("package")
    rows = Rows.open(job.files["heldout/rows.arrow"]).inputs.copy()
    session = onnxruntime.InferenceSession(package / "model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"input": np.ascontiguousarray(rows)})
    given = PackageParams.model_validate(job.steps["package"].params)
    expected = torch_call(loaded(given.student, given.signature, package / "model.safetensors"), given.signature.input)(
        rows
    )
    assert report.conversion is not None
    assert report.conversion.rows == 60
    assert np.abs(logits - expected).max() == pytest.approx(report.conversion.largest_difference)
    assert report.conversion.largest_difference <= report.conversion.tolerance


def test_the_loader_needs_nothing_of_ours(job: Job, tmp_path: Path) -> None:
    package, rows = job.outputs("package"), Rows.open(job.files["heldout/rows.arrow"]).inputs
    np.save(tmp_path / "rows.npy", rows)
    look = (
        "import runpy, sys\n"
        "package, rows = sys.argv[1:]\n"
        "sys.argv = ['load.py', rows]\n"
        "runpy.run_path(package + '/load.py', run_name='__main__')\n"
        "ours = {'distill', 'spec', 'pydantic', 'onnx'} & set(sys.modules)\n"
        "assert not ours, ours\n"
    )
    command = [sys.executable, "-I", "-c", look, str(package), str(tmp_path / "rows.npy")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    probabilities = np.load(job.outputs("grade") / "predictions.npz")["student"]
    assert [name for name, _ in lines] == [CLASSES[i] for i in probabilities.argmax(1)]
    np.testing.assert_allclose([float(value) for _, value in lines], probabilities.max(1), atol=1e-4)


def test_figures_are_those_of_the_predictions(job: Job, report: Report) -> None:
    """Computed again from predictions.npz by other means than the graders'."""
    held = np.load(job.outputs("grade") / "predictions.npz")
    truth = held["truth"]
    right = {role: held[role].argmax(1) == truth for role in ("ensemble", "student", "no_teacher", "all_labels")}
    html = (job.outputs("package") / "report.html").read_text()
    for role, correct in right.items():
        figures = report.grade.role(role)
        assert figures is not None
        low, high = wilson(int(correct.sum()), len(correct))
        value = figures.metrics["accuracy"]
        assert (value.value, value.low, value.high) == pytest.approx((correct.mean(), low, high))
        assert f'{100 * correct.mean():.1f} <span class="iv">[' in html
        likelihood = -np.log(held[role][np.arange(len(truth)), truth]).mean()
        assert figures.metrics["nll"].value == pytest.approx(likelihood, rel=1e-4)
        assert sum(map(sum, figures.confusion)) == 60
    headline = report.grade.headline
    assert headline.lift is not None and headline.retention is not None
    assert headline.lift.value == pytest.approx(right["student"].mean() - right["no_teacher"].mean())
    assert headline.retention.value == pytest.approx(right["student"].mean() / right["ensemble"].mean())
    assert f"{100 * headline.retention.value:.1f}%" in report.verdict.sentence
    assert report.grade.disagreements == int((held["student"].argmax(1) != held["ensemble"].argmax(1)).sum())


def wilson(right: int, rows: int) -> tuple[float, float]:
    """Where (share - p)^2 = z^2 p (1 - p) / rows."""
    z, share = 1.959963984540054, right / rows
    a, b, c = 1 + z * z / rows, -(2 * share + z * z / rows), share * share
    root = sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def test_sizes_and_speeds(job: Job, report: Report) -> None:
    tensors = load_file(job.outputs("package") / "model.safetensors")
    learned = sum(
        tensor.size for name, tensor in tensors.items() if "running" not in name and "num_batches" not in name
    )
    assert report.sizes["student"].parameters == learned
    assert report.sizes["student"].bytes == sum(tensor.nbytes for tensor in tensors.values())
    assert report.sizes["ensemble"].parameters == 2 * report.sizes["teacher.0"].parameters
    assert report.ratios.parameters_of_all == report.sizes["ensemble"].parameters / learned
    for role in ("ensemble", "teacher.0", "student", "no_teacher", "all_labels"):
        assert [latency.engine for latency in report.latencies[role]] == ["onnxruntime", "torch"]
    first = {role: latencies[0].p50 for role, latencies in report.latencies.items()}
    assert report.ratios.speed_of_all == first["ensemble"] / first["student"]
    assert [cost.step for cost in report.costs] == [
        "score",
        "train",
        "train.no_teacher",
        "train.all_labels",
        "grade",
        "package",
    ]


def test_manifest_names_every_byte(job: Job) -> None:
    manifest = read(job.outputs("package") / "manifest.json")
    folder = job.root / "package"
    for kind in ("inputs", "outputs"):
        there = {path.relative_to(folder / kind).as_posix() for path in (folder / kind).rglob("*") if path.is_file()}
        assert set(manifest[kind]) == there - {"manifest.json"}
        for path, file in manifest[kind].items():
            assert (file["digest"], file["bytes"]) == (
                sha256(folder / kind / path),
                (folder / kind / path).stat().st_size,
            )
    assert Distillation.model_validate_json(json.dumps(manifest["spec"])).name == "insects"
    assert manifest["seeds"] == {"training": 1, "rows": 0, "bootstrap": 0}
    assert [(one["model"], one["licence"]) for one in manifest["teachers"]] == [("mdl_a", None), ("mdl_b", "gemma")]


def test_facts_are_those_of_an_uploaded_model(job: Job) -> None:
    package = job.outputs("package")
    facts = ModelFacts.model_validate(job.results["package"].facts)
    weights = sha256(package / "model.safetensors")
    assert facts.files == {
        "model.safetensors": StoredFile(digest=weights, bytes=(package / "model.safetensors").stat().st_size)
    }
    assert facts.digest == model_digest(weights, facts.architecture, facts.signature)
    assert facts.signature.output.classes == CLASSES
    assert facts.licence is None and facts.taught_under == of_licence("gemma"), "it inherits nothing silently"
    assert (
        facts.labels_seen == Grade.model_validate_json((job.outputs("grade") / "grade.json").read_bytes()).labels_seen
    )
    assert {name: tensor.shape for name, tensor in load_file(package / "model.safetensors").items()} == facts.tensors


def test_summary_is_the_headline(job: Job, report: Report) -> None:
    summary = json.loads(job.results["package"].model_dump_json())["summary"]
    assert summary["verdict"] == report.verdict.sentence
    assert summary["compression"] == report.ratios.parameters_of_all
    assert report.grade.headline.retention is not None
    assert summary["retention"] == report.grade.headline.retention.model_dump()
    rows = {row["role"]: row for row in summary["rows"]}
    assert list(rows) == ["ensemble", "teacher.0", "student", "no_teacher", "all_labels"]
    assert rows["student"]["p50_us"] == pytest.approx(report.latencies["student"][0].p50 * 1e6)
    assert rows["student"]["labels_seen"] == 45
    assert rows["all_labels"]["labels_seen"] == 90


def test_a_baseline_that_failed_is_left_out_with_its_reason(job: Job, tmp_path: Path) -> None:
    other = Job(tmp_path, SPEC | {"training": {"steps": 4, "batch_size": 16}})
    other.run(without=("train.no_teacher",))
    made = Report.model_validate_json((other.outputs("package") / "report.json").read_bytes())
    assert set(made.baseline_reasons) == {"no_teacher"}
    assert made.verdict.helped is None
    assert "no_teacher" not in made.latencies
    (cost,) = (one for one in made.costs if one.step == "train.no_teacher")
    assert (cost.seconds, cost.ended) == (1.0, "failed"), "it took its time all the same"
    page = (other.outputs("package") / "report.html").read_text()
    assert "failed" in page.partition("What it cost")[2]


def test_labels_alone_with_a_share_held_out(tmp_path: Path) -> None:
    data = {"train": "ds_train", "heldout": 0.3}
    alone = {name: part for name, part in SPEC.items() if name not in ("teacher", "evaluation")}
    made = Job(
        tmp_path, alone | {"data": data, "objective": [{"type": "labels"}], "training": {"steps": 4, "batch_size": 16}}
    )
    made.run()
    assert list(made.steps) == ["train", "grade", "package"]
    report = Report.model_validate_json((made.outputs("package") / "report.json").read_bytes())
    assert report.conversion is not None
    assert report.conversion.rows == report.grade.rows < 60
    assert report.grade.teacher is None and report.ratios.parameters_of_all is None
    assert report.verdict.sentence.startswith("Accuracy of ")
    assert "held-out" in (made.outputs("package") / "README.md").read_text()


def test_teachers_in_onnx_run_as_they_are(job: Job, tmp_path: Path) -> None:
    made = Job(tmp_path, SPEC | {"training": {"steps": 4, "batch_size": 16}}, onnx=True)
    made.run()
    report = Report.model_validate_json((made.outputs("package") / "report.json").read_bytes())
    for role in ("ensemble", "teacher.0"):
        assert [latency.engine for latency in report.latencies[role]] == ["onnxruntime"]
        expected, found = (
            np.load(one.outputs("grade") / "predictions.npz")[role.replace(".", "_")] for one in (job, made)
        )
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(report.latencies["student"]) == 2
    assert "With torch the student takes" in (made.outputs("package") / "report.html").read_text()
