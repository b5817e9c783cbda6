"""The demo's first job: three real teachers of handwritten digits, one small student, and the proof."""

import json
import shlex
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from examples.digits import teachers
from examples.service import GIVEN, HOME, ROOT, console, heading
from stillhouse import Job, Stillhouse, figures
from stillhouse.types import Distillation

RESULTS = ROOT / "build" / "digits"
JOB = Path(__file__).with_name("job.sh")


def run(client: Stillhouse, seed: int, *, shuffle: bool) -> None:
    """Data and teachers, the job, its figures, and how to do the same by curl."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    dataset, models = material(client, seed, shuffle)
    heading("The job: a student of 2,506 parameters, the teachers' soft targets, a fifth of the labels")
    job = client.distillations.create(recipe(dataset, models, seed))
    console.print(f"started as {job.id}")
    show(client, job.wait(), shuffled=shuffle)
    heading("The same job by curl" + ("" if GIVEN else " (with `make up` in another terminal)"))
    print(by_curl(client.base_url, models, seed))


def material(client: Stillhouse, seed: int, shuffle: bool) -> tuple[str, list[str]]:
    """Ids of the dataset and of three teachers."""
    images, labels = teachers.digits()
    np.savez(RESULTS / "digits.npz", x=images.numpy(), y=labels.numpy())

    heading("Handwritten digits: forms 1 to 8 to learn from, forms 9 to 14 held out")
    spans = {"train": (0, teachers.TRAIN), "test": (teachers.TRAIN, teachers.ROWS)}
    dataset = client.datasets.from_arrays(images.numpy(), labels.numpy(), name="digits", splits=spans)
    console.print(f"uploaded as {dataset['id']}")

    heading(
        "Three teachers, trained here in plain torch" + (" on shuffled labels" if shuffle else " on all 1,029 labels")
    )
    seen = labels[: teachers.TRAIN]
    if shuffle:
        seen = seen[torch.randperm(len(seen), generator=torch.Generator().manual_seed(seed))]
    return dataset["id"], [upload(client, images[: teachers.TRAIN], seen, seed, number) for number in (1, 2, 3)]


def upload(client: Stillhouse, images: torch.Tensor, labels: torch.Tensor, seed: int, number: int) -> str:
    """Trains and uploads one teacher, with a bar."""
    columns = TextColumn("{task.description}"), BarColumn(28), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task(f"teacher {number}", total=teachers.STEPS)
        model = teachers.train(images, labels, seed * 10 + number, said=lambda step: bars.update(bar, completed=step))
    return teachers.upload(client, model, f"digits-teacher-{number}")


def recipe(dataset: str, models: list[str], seed: int) -> Distillation:
    """recipes/digits.json with our ids and seed."""
    job: Distillation = json.loads((ROOT / "recipes" / "digits.json").read_text())
    job["teacher"] = {"models": models}
    job["data"] = {**job["data"], "train": dataset, "seed": seed}
    job["training"] = {**job["training"], "seed": seed}
    return job


def show(client: Stillhouse, job: Job, *, shuffled: bool) -> None:
    """The table and the files."""
    heading("What came of it, on 768 held-out rows")
    console.print(figures.summary(job.report()))
    if shuffled:
        console.print("(These teachers learned from shuffled labels: they know nothing.)")
    page = job.save_report(RESULTS / "report.html")
    client.models.download(job.student, RESULTS / "student")
    console.print(f"\nThe whole report: {page}\nThe student, ready to load: {RESULTS / 'student'}", soft_wrap=True)


def by_curl(url: str, models: list[str], seed: int) -> str:
    """The same job as four commands that can be pasted in this folder. All but the report was computed before."""
    key = (
        ""
        if GIVEN
        else f"export STILLHOUSE_URL={url} STILLHOUSE_API_KEY=$(cat {shlex.quote(str(HOME / 'admin-key'))})\n"
    )
    return f"{key}teachers='{json.dumps(models)}' seed={seed}\n{JOB.read_text()}"
