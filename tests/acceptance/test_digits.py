"""The demo's job through the SDK, with teachers that know something and teachers that know nothing, and its student at work."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from examples.digits import teachers
from standalone.process import ROOT
from standalone.stack import Stack
from stillhouse import InvalidRequest, Job, Stillhouse
from tests.acceptance.tenant import tenant

pytestmark = pytest.mark.timeout(600)
TEACHER_STEPS = 300
STEPS = 600


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Stillhouse]:
    with Stillhouse(stack.url, tenant(stack, "digits").key) as found:
        yield found


@pytest.fixture(scope="module")
def jobs(client: Stillhouse) -> dict[str, Job]:
    """`true`: two teachers trained on the labels; `shuffled`: on the labels in another order. Started together."""
    torch.set_num_threads(1)
    images, labels = teachers.digits()
    spans = {"train": (0, teachers.TRAIN), "test": (teachers.TRAIN, teachers.ROWS)}
    dataset = client.datasets.from_arrays(images.numpy(), labels.numpy(), name="digits", splits=spans)
    x, y = images[: teachers.TRAIN], labels[: teachers.TRAIN]
    orders = {"true": y, "shuffled": y[torch.randperm(len(y), generator=torch.Generator().manual_seed(1))]}
    return {name: start(client, dataset["id"], x, order) for name, order in orders.items()}


def start(client: Stillhouse, dataset: str, x: torch.Tensor, y: torch.Tensor) -> Job:
    models = [teachers.upload(client, teachers.train(x, y, seed, TEACHER_STEPS), f"teacher-{seed}") for seed in (1, 2)]
    spec: Any = json.loads((ROOT / "recipes" / "digits.json").read_text())
    spec["teacher"] = {"models": models}
    spec["data"]["train"] = dataset
    spec["training"]["steps"] = STEPS
    return client.distillations.create(spec)


def test_real_teachers_help(jobs: dict[str, Job]) -> None:
    """The margin is wide: five points, where the interval is about two points to each side."""
    report = jobs["true"].wait(progress=False).report()
    assert report["verdict"]["helped"] == "helped", report["verdict"]
    assert report["grade"]["headline"]["lift"]["low"] > 0
    roles = {role["role"]: role for role in report["grade"]["roles"]}
    assert set(roles) == {"ensemble", "teacher.0", "teacher.1", "student", "no_teacher", "all_labels"}
    assert report["sizes"]["student"]["parameters"] == 2506
    assert report["ratios"]["parameters_of_all"] == pytest.approx(2 * 13802 / 2506)
    assert roles["student"]["labels_seen"] == roles["no_teacher"]["labels_seen"] == report["grade"]["labels_seen"]
    assert 150 < report["grade"]["labels_seen"] < 260, "a fifth of 1,029, by hash"
    assert roles["all_labels"]["labels_seen"] == 1029


def test_teachers_of_noise_do_not(jobs: dict[str, Job]) -> None:
    verdict = jobs["shuffled"].wait(progress=False).report()["verdict"]
    assert verdict["helped"] in ("did not help", "hurt"), verdict
    assert "distillation did not help" in verdict["sentence"] or "distillation hurt" in verdict["sentence"]


def test_the_baseline_was_trained_once(jobs: dict[str, Job]) -> None:
    """Both jobs have the same baselines: whoever came second took the first one's."""
    both = [{step["name"]: step for step in job.wait(progress=False).data["steps"]} for job in jobs.values()]
    for name in ("train.no_teacher", "train.all_labels"):
        assert sorted(steps[name]["cached"] for steps in both) == [False, True]
    assert not any(steps["train"]["cached"] for steps in both)


def test_the_student_answers_as_the_report_says(client: Stillhouse, jobs: dict[str, Job], tmp_path: Path) -> None:
    job = jobs["true"].wait(progress=False)
    folder = client.models.download(job.student, tmp_path / "student")
    images, labels = teachers.digits()
    heldout, truth = images[teachers.TRAIN :], labels[teachers.TRAIN :].numpy()

    answers, _ = loader(folder).load(folder).predict(heldout)
    accuracy = float(np.mean([int(answer) for answer in answers] == truth))
    student = next(role for role in job.report()["grade"]["roles"] if role["role"] == "student")
    assert accuracy == pytest.approx(student["metrics"]["accuracy"]["value"])

    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {session.get_inputs()[0].name: heldout.numpy()})
    assert [str(answer) for answer in np.asarray(logits).argmax(1)] == answers


def loader(folder: Path) -> ModuleType:
    """The load.py that came with the student."""
    spec = importlib.util.spec_from_file_location("student_load", folder / "load.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_needs_nothing_else(jobs: dict[str, Job], tmp_path: Path) -> None:
    page = jobs["true"].wait(progress=False).save_report(tmp_path / "report.html").read_text()
    assert "<script" not in page and "http://" not in page.replace("http://www.w3.org/", "")
    assert "Kept" in page


def test_events_have_no_gap(jobs: dict[str, Job]) -> None:
    job = jobs["true"].wait(progress=False)
    listed = [event["id"] for event in job.events()]
    assert listed == list(range(1, len(listed) + 1))
    assert [event["id"] for event in job.events(after=3, follow=True)] == listed[3:]


def test_a_student_may_teach_before_it_is_there(client: Stillhouse, jobs: dict[str, Job]) -> None:
    spec: Any = {**jobs["true"].data["spec"], "name": "grandchild", "teacher": {"models": [jobs["true"].student]}}
    spec["training"] = {**spec["training"], "steps": 20}
    report = client.distillations.create(spec).wait(progress=False).report()
    assert report["ratios"]["parameters_of_one"] == 1


def test_all_that_is_wrong_is_said_at_once(client: Stillhouse, jobs: dict[str, Job]) -> None:
    spec: Any = {**jobs["true"].data["spec"], "objective": [{"type": "soft_targets", "temperature": 0}], "nmae": "x"}
    with pytest.raises(InvalidRequest) as refused:
        client.distillations.create(spec)
    assert {problem["param"] for problem in refused.value.problems} == {"objective[0].temperature", "nmae"}
