"""A script as a user would write it: tests/sdk/test_types.py has it checked by type checkers at their strictest."""

from pathlib import Path

import numpy as np

from stillhouse import APIError, Job, JobFailed, Stillhouse
from stillhouse.types import Dataset, Distillation, Model, NewSignature, Student

CLASSES = [str(digit) for digit in range(10)]
ARCHITECTURE: Student = {"type": "mlp", "hidden_sizes": [64]}
SIGNATURE: NewSignature = {
    "input": {"kind": "image", "shape": [8, 8], "dtype": "uint8", "scale": 1 / 16},
    "output": {"kind": "classes", "classes": CLASSES},
}


def job_of(teacher: Model, rows: Dataset) -> Distillation:
    return {
        "name": "digits",
        "teacher": {"models": [teacher["id"]]},
        "data": {"train": f"{rows['id']}/train", "heldout": f"{rows['id']}/test", "labelled": 0.2},
        "student": {"type": "convnet", "channels": [8, 16], "hidden": 16, "norm": "batch"},
        "objective": [{"type": "soft_targets", "temperature": 4.0, "weight": 0.9}, {"type": "labels", "weight": 0.1}],
        "training": {"steps": 1500, "batch_size": 64, "learning_rate": 5e-3},
        "evaluation": {"baselines": ["no_teacher"]},
    }


def distil(client: Stillhouse, folder: Path) -> Job:
    x, y = np.zeros((100, 8, 8), np.uint8), np.zeros(100, np.int64)
    rows = client.datasets.from_arrays(x, y, splits={"train": (0, 80), "test": (80, 100)})
    again = client.datasets.create(files=[rows["source"]["files"][0]["file"]], columns={"input": "x", "label": "y"})
    state = {"output.weight": np.zeros((10, 64), np.float32)}
    teacher = client.models.upload(state, architecture=ARCHITECTURE, signature=SIGNATURE, name="teacher")
    spec = job_of(teacher, again)
    told = client.distillations.validate(spec)
    for problem in told["problems"]:
        print(problem["param"], problem["message"])
    job = client.distillations.create(spec).wait(timeout=3600)
    client.models.download(job.student, folder / "student")
    job.save_report(folder / "report.html")
    return job


def look(client: Stillhouse) -> None:
    for job in client.distillations.list(state="running", metadata={"team": "vision"}):
        for step in job.data["steps"]:
            print(job.id, step["name"], step["state"], step["seconds"])
        for event in job.events(after=3):
            print(event["id"], event["type"], event["message"])
    for model in client.models.list(order="asc"):
        print(model["id"], model["facts"] and model["facts"]["parameters"])
    print(client.usage.get()["device_seconds"], [worker["name"] for worker in client.workers.list()])


def main() -> None:
    with Stillhouse(timeout=30.0) as client:
        try:
            report = distil(client, Path("build")).report()
            print(report["verdict"]["sentence"])
        except JobFailed as error:
            print(error.id, error.state, error.problem and error.problem["message"])
        except APIError as error:
            print(error.status, error.code, error.param, error.hint, [problem["message"] for problem in error.problems])
        look(client)


if __name__ == "__main__":
    main()
