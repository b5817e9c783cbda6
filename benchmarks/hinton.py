"""`make bench-hinton`: the MNIST experiments of Hinton, Vinyals and Dean (2015, section 3), every arm a job through the public API.

One tuning for all students, soft or hard: 9,376 steps (40 passes over all rows) of 256 rows at 4e-3, however few the rows; the jittered teacher with
dropout has 14,064 steps at 1e-3. Each hard figure is the baseline of its soft arm: same bytes, batches and steps. The bias is tuned on
validation rows, never on the test images reported here.
MNIST comes from the folder STILLHOUSE_MNIST (four idx files, gzipped or not). The server is the one that STILLHOUSE_URL and
STILLHOUSE_API_KEY name, else a stack of its own.

    python -m benchmarks.hinton --only soft seven_eight --seed 1

What ran before on a named server is answered by its cache.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from standalone.services import Worker
from standalone.stack import Stack
from stillhouse import Stillhouse
from stillhouse.job import Job

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
TUNING = {"batch_size": 256, "learning_rate": 4e-3, "schedule": "one_cycle", "steps": 9376}
TEACHER = {"learning_rate": 1e-3, "steps": 14064}
JITTER = {"augment": {"type": "jitter", "pixels": 2.0}}
LABELS = [{"type": "labels"}]
Line = tuple[str, str, str, str]
"""What, ours, the paper's, the goal."""


def soft(temperature: float) -> list[dict[str, Any]]:
    return [{"type": "soft_targets", "temperature": temperature}]


class Errors:
    """Wrong answers on the test images, counted from a report's confusion matrices."""

    def __init__(self, report: dict[str, Any]) -> None:
        self.classes = list(report["grade"]["classes"])
        self.confusions = {role["role"]: role["confusion"] for role in report["grade"]["roles"]}
        self.bias = report["grade"]["bias_correction"]

    def of(self, role: str = "student", label: str | None = None) -> int:
        rows = enumerate(self.confusions[role])
        return sum(sum(row) - row[i] for i, row in rows if label in (None, self.classes[i]))

    def share(self, role: str = "student") -> str:
        return f"{self.of(role) / sum(map(sum, self.confusions[role])):.1%}"


class Bench:
    """Posts every job at once (a student's id exists before it is trained), then reads the reports as they come."""

    def __init__(self, client: Stillhouse, seed: int) -> None:
        self.client, self.seed = client, seed
        self.dataset = self._upload(Path(os.environ["STILLHOUSE_MNIST"]))
        self.teacher = self._train_teacher()

    def _upload(self, folder: Path) -> str:
        sources: list[Any] = []
        for split, names in FILES.items():
            for name, column in zip(names, ("image", "label"), strict=True):
                path = next(p for p in (folder / f"{name}.gz", folder / name) if p.exists())
                sources.append({"file": self.client.files.upload(path)["id"], "split": split, "column": column})
        columns: Any = {"input": "image", "label": "label"}
        return self.client.datasets.create(name="mnist", files=sources, columns=columns)["id"]

    def job(self, name: str, **parts: Any) -> Job:
        training = {**TUNING, "seed": self.seed, **parts.pop("training", {})}
        data = {"train": f"{self.dataset}/train", "heldout": f"{self.dataset}/test", **parts.pop("data", {})}
        body: Any = {"name": name, "data": data, "training": training, **parts}
        return self.client.distillations.create(body)

    def _train_teacher(self) -> Job:
        """2x1200, dropout, jitter of two pixels."""
        return self.job(
            "teacher 2x1200",
            student={"type": "mlp", "hidden_sizes": [1200, 1200], "dropout": 0.25},
            objective=LABELS,
            data=JITTER,
            training=TEACHER,
        )

    def student(self, name: str, temperature: float = 20.0, hidden: int = 800, **parts: Any) -> Job:
        parts.setdefault("teacher", {"models": [self.teacher.student]})
        mlp = {"type": "mlp", "hidden_sizes": [hidden, hidden]}
        return self.job(name, student=mlp, objective=soft(temperature), **parts)


def errors(job: Job) -> Errors:
    return Errors(job.wait(progress=False).report())


def part_soft(bench: Bench) -> Iterator[Line]:
    """The luck of a seed is some errors: three students of the one teacher, and their mean."""
    seeds = [bench.seed + further for further in range(3)]
    jobs = [bench.student(f"2x800, T=20, seed {seed}", training={"seed": seed}) for seed in seeds]
    yield "teacher 2x1200, dropout, jitter", str(errors(bench.teacher).of()), "67", "<= 82"
    found = [errors(job) for job in jobs]
    yield "student 2x800, hard", several([each.of("no_teacher") for each in found]), "146", "(151)"
    yield "student 2x800, soft, T=20", several([each.of() for each in found]), "74", "<= 93"


def several(numbers: list[int]) -> str:
    return f"{mean(numbers):.1f} ({', '.join(map(str, numbers))})"


def _biased(bench: Bench, name: str, where: dict[str, Any]) -> tuple[Job, Job]:
    """The same transfer set, before and after the bias correction."""
    data = {"where": [{"column": "label", **where}], "validation": 0.1}
    plain = bench.student(name, data=data, evaluation={"baselines": []})
    mended = bench.student(f"{name}, bias", data=data, training={"bias_correction": True}, evaluation={"baselines": []})
    return plain, mended


def part_no_threes(bench: Bench) -> Iterator[Line]:
    before, after = map(errors, _biased(bench, "no 3s", {"not_among": ["3"]}))
    yield "no 3s in the transfer set", f"{before.of()} ({before.of(label='3')} on 3s)", "206 (133)", "<= 193"
    yield "  with the bias corrected", f"{after.of()} ({after.of(label='3')} on 3s)", "109 (14)", "<= 140"


def part_seven_eight(bench: Bench) -> Iterator[Line]:
    before, after = map(errors, _biased(bench, "only 7s and 8s", {"among": ["7", "8"]}))
    yield "only 7s and 8s", before.share(), "47.3%", "<= 32%"
    yield "  with the bias corrected", after.share(), "13.2%", "<= 9%"


def part_three_percent(bench: Bench) -> Iterator[Line]:
    found = errors(bench.student("3% of the data", data={"share": 0.03}))
    yield "3% of the data, hard", str(found.of("no_teacher")), "-", "(802)"
    yield "3% of the data, soft", str(found.of()), "-", "<= 440"


def part_thirty_units(bench: Bench) -> Iterator[Line]:
    jobs = {t: bench.student(f"2x30, T={t}", float(t), hidden=30) for t in (1, 3, 8, 20)}
    found = {t: errors(job) for t, job in jobs.items()}
    yield "2x30 units, hard", str(found[1].of("no_teacher")), "-", "(428)"
    yield "2x30 units, T = 1, 3, 8, 20", ", ".join(str(e.of()) for e in found.values()), "best 2.5-4", "T=3 beats 20"


def part_ensemble(bench: Bench) -> Iterator[Line]:
    mlp = {"type": "mlp", "hidden_sizes": [300, 300]}
    singles = [
        bench.job(f"2x300, seed {s}", student=mlp, objective=LABELS, data=JITTER, training={"seed": s})
        for s in range(11, 16)
    ]
    job = bench.student("2x300 of five", hidden=300, teacher={"models": [single.student for single in singles]})
    found = errors(job)
    yield "five 2x300, jitter, each", ", ".join(str(errors(single).of()) for single in singles), "-", "(133)"
    yield "  as an ensemble", str(found.of("ensemble")), "-", "(116)"
    yield "student 2x300, hard", str(found.of("no_teacher")), "-", "(180)"
    yield "student 2x300, soft from the ensemble", str(found.of()), "-", "<= 145"


PARTS: dict[str, Callable[[Bench], Iterator[Line]]] = {
    "soft": part_soft,
    "no_threes": part_no_threes,
    "seven_eight": part_seven_eight,
    "three_percent": part_three_percent,
    "thirty_units": part_thirty_units,
    "ensemble": part_ensemble,
}


@contextmanager
def server() -> Iterator[Stillhouse]:
    """The one that STILLHOUSE_URL names, else a stack of our own that goes with us."""
    if "STILLHOUSE_URL" in os.environ:
        yield Stillhouse()
        return
    slots = Worker(slots=os.cpu_count() or 1)
    with TemporaryDirectory() as folder, Stack(Path(folder) / "home", workers=[slots]) as stack:
        yield Stillhouse(stack.url, stack.key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if "STILLHOUSE_MNIST" not in os.environ:
        parser.error("STILLHOUSE_MNIST must name the folder of MNIST's four idx files")
    began = time.monotonic()
    with server() as client:
        bench = Bench(client, arguments.seed)
        print(f"errors of 10,000, seed {arguments.seed}\n{'':38} {'ours':>26} {'paper':>12} {'goal':>14}", flush=True)
        with ThreadPoolExecutor(len(PARTS)) as pool:
            for lines in [pool.submit(list[Line], PARTS[name](bench)) for name in arguments.only]:
                for what, ours, paper, goal in lines.result():
                    print(f"{what:38} {ours:>26} {paper:>12} {goal:>14}", flush=True)
    print(
        f"{time.monotonic() - began:.0f} s; in brackets: a prototype's figure, where the paper has none or it is no goal"
    )


if __name__ == "__main__":
    main()
