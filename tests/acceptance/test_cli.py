"""`stillhouse` on the command line, as its own process."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from standalone.stack import Stack
from tests.acceptance import digits
from tests.acceptance.tenant import Tenant, tenant

Run = Callable[..., subprocess.CompletedProcess[str]]
JOB = {
    "name": "cli",
    "data": {"train": "ds_x", "heldout": 0.3},
    "student": {"type": "mlp", "hidden_sizes": [16]},
    "objective": [{"type": "labels"}],
    "training": {"steps": 100, "batch_size": 32},
}


@pytest.fixture(scope="module")
def typist(stack: Stack) -> Tenant:
    return tenant(stack, "typist")


@pytest.fixture(scope="module")
def command(stack: Stack, typist: Tenant) -> list[str]:
    return [str(Path(sys.executable).with_name("stillhouse")), "--url", stack.url, "--api-key", typist.key]


@pytest.fixture(scope="module")
def run(command: list[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def dataset(run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    x, y = digits.rows(300)
    path = tmp_path_factory.mktemp("cli") / "rows.npz"
    np.savez(path, allow_pickle=False, x=x, y=y)
    found = json.loads(run("datasets", "create", str(path), "--input", "x", "--label", "y", "--json").stdout)
    assert found["facts"]["splits"]["train"]["rows"] == 300
    id: str = found["id"]
    told = run("datasets", "create", str(path), "--input", "x", "--label", "y").stdout
    assert "ds_" in told.splitlines()[0] and "train  300" in told and len(told) < 1000, "for people: no fact by fact"
    return id


@pytest.fixture(scope="module")
def job_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("job") / "job.json"
    path.write_text(json.dumps(JOB))
    return path


def test_distill_watches_to_the_end(run: Run, dataset: str, job_file: Path, tmp_path: Path) -> None:
    done = run("distill", str(job_file), "--watch", "--set", f"data.train={dataset}")
    assert "student" in done.stdout and "accuracy" in done.stdout
    listed = json.loads(run("distillations", "list", "--json").stdout)
    id = listed[0]["id"]
    assert listed[0]["state"] == "succeeded"
    assert id in done.stdout
    assert "accuracy" in run("distillations", "report", id).stdout
    run("distillations", "report", id, "--html", str(tmp_path / "report.html"))
    assert (tmp_path / "report.html").read_text().startswith("<!")
    run("models", "download", listed[0]["student"]["model"], str(tmp_path / "student"))
    assert (tmp_path / "student" / "model.safetensors").exists()
    events = run("distillations", "events", id, "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in events] == list(range(1, len(events) + 1))
    assert "loss" in run("distillations", "metrics", id).stdout
    assert "succeeded" in run("watch", id).stderr
    by_step = run("usage", "--by", "step", "--limit", "1")
    assert id in by_step.stdout and "cached_tokens" in by_step.stdout
    last = by_step.stderr.rpartition("--after ")[2].strip()
    rest = run("usage", "--by", "step", "--after", last).stdout
    assert last in by_step.stdout and last not in rest
    assert all(name in by_step.stdout + rest for name in ("train", "grade", "package"))
    run("distillations", "delete", id)
    assert "No such" in run("distillations", "get", id, code=1).stderr


def test_leaving_does_not_stop_the_job(command: list[str], run: Run, dataset: str, job_file: Path) -> None:
    changes = [f"data.train={dataset}", "training.steps=200000", "name=long"]
    arguments = [part for change in changes for part in ("--set", change)]
    with subprocess.Popen(
        [*command, "distill", str(job_file), "--watch", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stderr is not None
        assert watching.stderr.readline()
        watching.send_signal(signal.SIGINT)
        said, _ = watching.communicate(timeout=60)
    assert watching.returncode == 130
    id = said.split()[0]
    assert f"stillhouse watch {id}" in said
    assert json.loads(run("distillations", "get", id, "--json").stdout)["state"] in ("queued", "running")
    assert "cancel" in run("distillations", "cancel", id, "--json").stdout
    assert "cancelled" in run("watch", id, code=3).stderr


def test_a_refused_job_says_all(run: Run, dataset: str, job_file: Path) -> None:
    changes = ["--set", f"data.train={dataset}", "--set", "training.seed=-1", "--set", "student.hiden_sizes=[3]"]
    refused = run("distill", str(job_file), *changes, code=1)
    assert refused.stderr.startswith("2 refusals\n") and refused.stdout == ""
    assert "training.seed" in refused.stderr and "student.hiden_sizes" in refused.stderr
    assert run("distillations", "validate", str(job_file), *changes, code=1).stdout.strip() == refused.stderr.strip()
    both = ["--set", f"data.train={dataset}", "--set", "data.heldout=0.05", "--set", "objective.0.type=soft_targets"]
    refusals, warnings = run("distillations", "validate", str(job_file), *both, code=1).stdout.strip().split("\n\n")
    assert refusals.startswith("1 refusal\n") and "few_heldout" not in refusals
    assert warnings.startswith("1 warning\n") and "few_heldout" in warnings
    plan = run("distillations", "validate", str(job_file), "--set", f"data.train={dataset}").stdout
    assert "train" in plan and "gpu" in plan and "about" in plan and " s" in plan


def test_keys_and_projects(stack: Stack, run: Run, typist: Tenant) -> None:
    assert "scope" in run("keys", "create", "mine", code=1).stderr
    assert typist.project in run("projects", "list").stdout
    assert json.loads(run("usage", "--json").stdout)["object"] == "usage"
    assert "one@" in run("workers").stdout


def test_wrong_usage_and_nobody_there(command: list[str]) -> None:
    wrong = subprocess.run([*command, "files", "frobnicate"], capture_output=True, check=False)
    assert wrong.returncode == 2
    away = [command[0], "--url", "http://127.0.0.1:9", "--api-key", "x", "files", "list"]
    assert subprocess.run(away, capture_output=True, check=False).returncode == 4
