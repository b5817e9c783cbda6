"""Two workers, two projects, three jobs at once, one of them with a teacher."""

from itertools import product
from typing import Any

from standalone.stack import Stack
from stillhouse import Job, Stillhouse
from stillhouse.types import Distillation
from tests.acceptance import digits
from tests.acceptance.tenant import tenant


def job(client: Stillhouse, seed: int, teacher: str | None = None) -> Job:
    x, y = digits.rows(300, seed)
    dataset = client.datasets.from_arrays(x, y)
    spec: Distillation = {
        "name": f"together-{seed}",
        "data": {"train": dataset["id"], "heldout": 0.3},
        "student": {"type": "mlp", "hidden_sizes": [16]},
        "objective": [{"type": "labels"}],
        "training": {"steps": 4_000, "batch_size": 32, "seed": seed},
        "metadata": {"seed": str(seed)},
    }
    if teacher is not None:
        spec |= {"teacher": {"models": [teacher]}, "objective": [{"type": "soft_targets", "temperature": 4.0}]}
    return client.distillations.create(spec)


def busy(job: Job) -> list[tuple[int, int]]:
    """When a worker held one of its steps: whole seconds, from and to."""
    found, began = [], dict[str, int]()
    for event in job.events():
        if event["type"] != "step" or event["step"] is None:
            continue
        if event["data"]["state"] == "running":
            began[event["step"]] = event["created_at"]
        elif event["step"] in began:
            found.append((began.pop(event["step"]), event["created_at"]))
    return found


def at_once(one: Job, other: Job) -> bool:
    return any(a < d and c < b for (a, b), (c, d) in product(busy(one), busy(other)))


def test_three_jobs_of_two_projects_at_once(stack: Stack) -> None:
    keys = [tenant(stack, name).key for name in ("first", "second")]
    signature: Any = digits.SIGNATURE
    with Stillhouse(stack.url, keys[0]) as first, Stillhouse(stack.url, keys[1]) as second:
        teacher = first.models.upload(
            digits.weights(64), architecture={"type": "mlp", "hidden_sizes": [64]}, signature=signature
        )
        jobs = [job(first, 1, teacher["id"]), job(second, 2), job(first, 3)]
        for each in jobs:
            each.wait(progress=False)
            assert each.report()["grade"]["rows"] > 50
        assert at_once(jobs[0], jobs[1]) or at_once(jobs[1], jobs[2]), "the projects were served one after the other"
        assert {found.id for found in first.distillations.list()} == {jobs[0].id, jobs[2].id}
        assert [found.id for found in second.distillations.list(metadata={"seed": "2"})] == [jobs[1].id]
        assert not list(second.distillations.list(metadata={"seed": "1"}))
        used = first.usage.get()
        assert {row["id"] for row in used["data"]} >= {jobs[0].id, jobs[2].id}
        assert used["device_seconds"] > 0
        connected = {worker["name"].partition("@")[0] for worker in first.workers.list() if worker["connected"]}
        assert connected == {"one", "two"}
