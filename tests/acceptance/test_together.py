"""Two workers, two projects, three jobs at once."""

from standalone.stack import Stack
from stillhouse import Job, Stillhouse
from tests.acceptance import digits
from tests.acceptance.tenant import tenant


def job(client: Stillhouse, seed: int) -> Job:
    x, y = digits.rows(300, seed)
    dataset = client.datasets.from_arrays(x, y)
    return client.distillations.create(
        {
            "name": f"together-{seed}",
            "data": {"train": dataset["id"], "heldout": 0.3},
            "student": {"type": "mlp", "hidden_sizes": [16]},
            "objective": [{"type": "labels"}],
            "training": {"steps": 200, "batch_size": 32, "seed": seed},
            "metadata": {"seed": str(seed)},
        }
    )


def test_three_jobs_of_two_projects_at_once(stack: Stack) -> None:
    keys = [tenant(stack, name).key for name in ("first", "second")]
    with Stillhouse(stack.url, keys[0]) as first, Stillhouse(stack.url, keys[1]) as second:
        jobs = [job(first, 1), job(second, 2), job(first, 3)]
        for each in jobs:
            each.wait(progress=False)
            assert each.report()["grade"]["rows"] > 50
        assert {found.id for found in first.distillations.list()} == {jobs[0].id, jobs[2].id}
        assert [found.id for found in second.distillations.list(metadata={"seed": "2"})] == [jobs[1].id]
        assert not list(second.distillations.list(metadata={"seed": "1"}))
        used = first.usage.get()
        assert {row["id"] for row in used["data"]} >= {jobs[0].id, jobs[2].id}
        assert used["device_seconds"] > 0
        connected = {worker["name"].partition("@")[0] for worker in first.workers.list() if worker["connected"]}
        assert connected == {"one", "two"}
