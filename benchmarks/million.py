"""A million rows labelled by a teacher behind an endpoint: how much memory that takes, and how many open files.

The endpoint answers from a table and does not wait. What is sampled, once a second, is our side alone: the api, the worker and the child that asks
(proportional set sizes, so that what processes share is counted once), without PostgreSQL, Valkey and the endpoint, and without anybody else's.

    python -m benchmarks.million --rows 1000000
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stack import stillhouse, table, teacher

MODEL = "minilm-docstrings"
NAMES = ("even", "odd")
OURS = ("uvicorn", "celery", "distill", "leash.py")
GIB = 2**30


@dataclass
class Most:
    """Over all samples."""

    memory: int = 0
    """Bytes, of all of our processes together."""
    child: int = 0
    """Bytes, of the largest child."""
    files: int = 0
    """Open files of one process."""


def descendants(pid: int) -> Iterator[int]:
    """All processes below `pid`, by the kernel's lists. A process that ends meanwhile has none."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in map(int, " ".join(lists).split()):
        yield child
        yield from descendants(child)


def sample(most: Most) -> None:
    total = 0
    for pid in descendants(os.getpid()):
        folder = Path(f"/proc/{pid}")
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace")
            if not any(name in words for name in OURS):
                continue
            line = next(line for line in (folder / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
            files = len(list((folder / "fd").iterdir()))
        except (OSError, StopIteration):
            continue
        size = int(line.split()[1]) * 1024
        total += size
        most.files = max(most.files, files)
        if "distill" in words:
            most.child = max(most.child, size)
    most.memory = max(most.memory, total)


def watch(most: Most, done: threading.Event) -> None:
    while not done.wait(1.0):
        sample(most)


def text(number: int) -> str:
    return f"the number {number} stands in row {number} of this table"


def run(rows: int, folder: Path, most: Most) -> tuple[Any, float]:
    """The job's report, and the seconds from the first to the last call in the endpoint's ledger."""
    answers = table(folder / "table.jsonl", ((text(i), NAMES[i % 2]) for i in range(rows)))
    ledger = folder / "ledger.jsonl"
    done = threading.Event()
    with teacher("--table", answers, "--ledger", ledger, "--model", MODEL) as url, stillhouse() as client:
        watcher = threading.Thread(target=watch, args=(most, done), daemon=True)
        watcher.start()
        client.endpoints.create(
            name="table", url=url, model=MODEL, price={"input": 0.4, "output": 1.6}, allow_private=True,
            limits={"concurrency": 64},
        )  # fmt: skip
        file = client.files.upload(answers)["id"]
        dataset = client.datasets.create(files=[file], columns={"input": "text", "label": "label"})["id"]
        client.datasets.wait(dataset)
        asked: Any = {"type": "teacher", "sampling": {"temperature": 0.0, "max_tokens": 4}, "read": "text"}
        job = client.distillations.create(
            {
                "name": "million",
                "teacher": {"models": [f"ep_table/{MODEL}"]},
                "data": {"train": dataset, "heldout": 0.001, "responses": asked},
                "student": {"type": "text_classifier", "width": 8, "buckets": 1000},
                "objective": [{"type": "labels"}],
                "training": {"steps": 200, "batch_size": 64},
                "evaluation": {"baselines": []},
                "budget": {"usd": 1_000.0},
            }
        )
        report = job.wait(progress=True).report()
        done.set()
        watcher.join()
    first, last = None, 0.0
    with ledger.open() as calls:
        for line in calls:
            at = json.loads(line)["at"]
            first, last = at if first is None else first, at
    return report, last - (first or last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows: int = parser.parse_args().rows
    most, began = Most(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report, seconds = run(rows, Path(folder), most)
    asked = report["answers"]["parts"]
    answered = sum(part["kinds"].get("answered", 0) for part in asked.values())
    print(
        f"{answered:,} of {rows:,} rows answered in {seconds:,.0f} s ({rows / max(seconds, 1):,.0f}/s); all in {time.monotonic() - began:,.0f} s"
    )
    print(
        f"memory of api, worker and child: {most.memory / GIB:.2f} GiB at most (goal: under 2); the largest child {most.child / GIB:.2f}"
    )
    print(f"open files of one process: {most.files} at most")


if __name__ == "__main__":
    main()
