"""Uploads that only inspection can judge, and jobs that only a comparison of uploads can: tables, each row with its whole error.

All are only ever opened in a child. Whatever is wrong with one, no worker is lost over it, and the next good one is read.
"""

from typing import Any

import pytest

from tests.acceptance.bad import Bad, named
from tests.acceptance.bad_datasets import DATASETS, SCORES
from tests.acceptance.bad_jobs import DATASETS as UPLOADS
from tests.acceptance.bad_jobs import GOOD, JOBS
from tests.acceptance.bad_models import MODELS
from tests.acceptance.tenant import Tenant, good
from tests.acceptance.uploads import ASKED, SIGNATURE, csv, model_of, safetensors


@pytest.fixture(scope="module")
def models(owner: Tenant) -> dict[str, str]:
    """All bad models, on their way at once."""
    return {name: owner.model(bad.filename, bad.content, **bad.asked)["id"] for name, bad in MODELS.items()}


@pytest.fixture(scope="module")
def datasets(owner: Tenant) -> dict[str, str]:
    return {name: owner.dataset(bad.filename, bad.content, **bad.asked)["id"] for name, bad in DATASETS.items()}


def check(found: dict[str, Any], bad: Bad) -> None:
    assert (found["state"], found["error"], found["facts"]) == ("failed", bad.error, None)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_refused(owner: Tenant, models: dict[str, str], name: str) -> None:
    check(owner.settled("models", models[name]), MODELS[name])


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_is_refused(owner: Tenant, datasets: dict[str, str], name: str) -> None:
    check(owner.settled("datasets", datasets[name]), DATASETS[name])


@pytest.fixture(scope="module")
def known(owner: Tenant) -> dict[str, str]:
    """Ids of good uploads, by the names that jobs have for them: all inspected, none compared with another."""
    made = {
        name: ("datasets", owner.dataset(f"{name}.npz", content, **asked)) for name, (content, asked) in UPLOADS.items()
    }
    made["teacher"] = ("models", owner.model("m.safetensors", safetensors(), **ASKED))
    found = {name: owner.settled(noun, one["id"]) for name, (noun, one) in made.items()}
    assert {one["state"] for one in found.values()} == {"ready"}, found
    return {name: one["id"] for name, one in found.items()}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_refused(owner: Tenant, known: dict[str, str], name: str) -> None:
    """At once where its uploads are known; else when they have been compared, before anything is paid for."""
    spec = named(GOOD | JOBS[name].changes, known)
    reply = owner.client.post("/v1/distillations", json=spec)
    if reply.status_code == 400:
        (error,) = reply.json()["error"]["problems"]
    else:
        job = owner.settled("distillations", good(reply)["id"])
        error = job["error"]
        assert (job["state"], job["steps"], job["usage"]["device_seconds"]) == ("failed", [], 0)
    assert error == named(JOBS[name].error, known)


def test_the_good_ones_are_read(owner: Tenant) -> None:
    """What every bad one was made of."""
    made = [
        ("models", owner.model("m.safetensors", safetensors(), **ASKED)),
        ("models", owner.model("m.onnx", model_of(), signature=SIGNATURE)),
        ("datasets", owner.dataset("rows.csv", csv("1,2,a", "3,4,b"))),
        ("datasets", owner.dataset("signals.csv", SCORES, signal="x", classes=["a", "b"])),
        ("datasets", owner.dataset("ragged.csv", csv("1,2,a", "3,4", "5,6,b"), allow_bad_rows=True)),
    ]
    found = [owner.settled(noun, one["id"]) for noun, one in made]
    assert [one["state"] for one in found] == ["ready"] * 5, [one["error"] for one in found]
    facts = found[-1]["facts"]
    assert facts["splits"]["train"]["rows"] == 2 and facts["bad_rows_total"] == 1
    assert [(row["file"], row["line"]) for row in facts["bad_rows"]] == [("ragged.csv", 3)]
