"""`make demo`: three real teachers, one small student, and the proof, on a service that runs on this machine.

From the first upload on, only the public API is used.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import teachers
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stillhouse import Job, Stillhouse, figures
from stillhouse.types import Distillation

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("STILLHOUSE_HOME", ROOT / "data"))
RESULTS = ROOT / "build" / "digits"
JOB = Path(__file__).with_name("job.sh")
GIVEN = bool(os.environ.get("STILLHOUSE_API_KEY"))
"""The environment names a server."""
console = Console(highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of teachers, student, batches and labelled rows")
    parser.add_argument("--shuffle-teacher", action="store_true", help="teachers that learned shuffled labels")
    asked = parser.parse_args()
    began = time.monotonic()
    torch.set_num_threads(1)
    RESULTS.mkdir(parents=True, exist_ok=True)
    with service(), Stillhouse() as client:
        dataset, models = material(client, asked.seed, asked.shuffle_teacher)
        heading("The job: a student of 2,506 parameters, the teachers' soft targets, a fifth of the labels")
        job = client.distillations.create(recipe(dataset, models, asked.seed))
        console.print(f"started as {job.id}")
        show(client, job.wait(), shuffled=asked.shuffle_teacher)
        heading("The same job by curl" + ("" if GIVEN else " (with `make up` in another terminal)"))
        print(by_curl(client.base_url, models, asked.seed))
    console.print(f"\nAll of it took {time.monotonic() - began:.0f} s.")


@contextmanager
def service() -> Iterator[None]:
    """The server that the environment names; else one of our own, for as long as the demo runs."""
    if GIVEN:
        yield
        return
    heading("PostgreSQL, Valkey, api and a worker (this is `make up`)")
    # The launcher ends the stack should this process be killed.
    launch = [
        sys.executable,
        str(ROOT / "standalone" / "launch.py"),
        str(os.getpid()),
        str(int(signal.SIGTERM)),
        "self",
        "--",
    ]
    up = [sys.executable, "-m", "standalone", "--home", str(HOME), "up"]
    stack = subprocess.Popen([*launch, *up], cwd=ROOT, stdout=subprocess.PIPE, text=True, process_group=0)
    assert stack.stdout is not None
    try:
        ready = stack.stdout.readline().strip()
        if not ready:
            sys.exit(
                "the stack did not start; if another one runs here, stop it, or set STILLHOUSE_URL and STILLHOUSE_API_KEY"
            )
        console.print(ready, soft_wrap=True)
        os.environ["STILLHOUSE_URL"] = next(word for word in ready.split() if word.startswith("http"))
        os.environ["STILLHOUSE_API_KEY"] = (HOME / "admin-key").read_text().strip()
        yield
    finally:
        stack.terminate()
        stack.wait()


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


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


if __name__ == "__main__":
    main()
