"""A million rows of text without an endpoint: what each verb takes in memory, and how fast it goes.

Texts are made, inspected, and a `text_classifier` is trained on them for one epoch; then it scores them as a teacher, and is graded. Each verb is
`python -m distill` on a run folder, as a worker would start it; its peak of resident memory is the kernel's figure for that process. Pages of
files that it has mapped are in it: they are the system's to take back.

    python -m benchmarks.texts --rows 1000000
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spec.distillation import Distillation
from spec.facts import DatasetFacts, Facts, InputSignature, ModelFacts, OutputSignature, Signature
from spec.params import GradeParams, InspectDataset, Params, ScoreParams, SourceFile, TeacherInput, TrainParams
from spec.plan import plan
from spec.resolve import resolve
from spec.run import Result, Run, Verb
from spec.student import TextClassifier

WORDS, CLASSES, LOT = 50_000, 10, 10_000
GOAL = 2 * 2**30
"""Bytes of memory, of each verb."""
STUDENT = TextClassifier(type="text_classifier", width=64)
SPEC: dict[str, Any] = {
    "name": "texts",
    "data": {"train": "ds_texts", "heldout": 0.01},
    "student": STUDENT.model_dump(),
    "objective": [{"type": "labels"}],
    "training": {"epochs": 1, "seed": 1},
}


@dataclass(frozen=True)
class Measured:
    """One verb."""

    verb: str
    rows: int
    seconds: float
    """Without imports."""
    peak: int
    """Bytes."""

    def __str__(self) -> str:
        reached = "within" if self.peak <= GOAL else "BEYOND"
        speed = self.rows / self.seconds
        return f"{self.verb:>8}: {self.rows:>9,} rows, {self.seconds:7.1f} s, {speed:>9,.0f} rows/s, peak {self.peak / 2**20:6,.0f} MiB: {reached} 2 GiB"


def write(path: Path, rows: int) -> None:
    """Texts of 5 to 20 words; the rarer a word, the more it says of the class."""
    source = np.random.default_rng(0)
    words = [f"{'bcdfghjklm'[i % 10]}{'aeiou'[i // 10 % 5]}{i:x}" for i in range(WORDS)]
    with path.open("w") as file:
        for first in range(0, rows, LOT):
            count = min(LOT, rows - first)
            labels, lengths = source.integers(0, CLASSES, count), source.integers(5, 21, count)
            drawn = source.zipf(1.3, (count, 20)) % (WORDS // CLASSES)
            for i in range(count):
                text = " ".join(words[CLASSES * word + labels[i] * (word > 50)] for word in drawn[i, : lengths[i]])
                file.write(json.dumps({"text": f"{text} {first + i}", "label": f"class {labels[i]}"}) + "\n")


def run(folder: Path, verb: Verb, params: Params, inputs: Mapping[str, Path], rows: int) -> tuple[Result, Measured]:
    """Does one verb in a process of its own. Exits where it fails."""
    for name, source in inputs.items():
        target = folder / "inputs" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)
    spec = Run(verb=verb, step=verb, params=params.model_dump(mode="json", exclude_defaults=True))
    (folder / "spec.json").write_text(spec.model_dump_json())
    command = [sys.executable, "-m", "distill", str(folder)]
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT)
    child = os.posix_spawn(
        sys.executable,
        command,
        dict(os.environ),
        file_actions=[(os.POSIX_SPAWN_DUP2, log, descriptor) for descriptor in (1, 2)],
    )
    os.close(log)
    _, _, used = os.wait4(child, 0)
    found = Result.model_validate_json((folder / "result.json").read_bytes())
    if found.status != "succeeded":
        raise SystemExit(f"{verb}: {found.error}")
    return found, Measured(verb, rows, found.seconds, used.ru_maxrss * 1024)


def measure(root: Path, rows: int) -> Iterator[Measured]:
    """inspect, train, score, grade."""
    write(root / "texts.jsonl", rows)
    files = (SourceFile(path="0", filename="texts.jsonl"),)
    inspected, first = run(
        root / "inspect", "inspect", InspectDataset(files=files), {"files/0": root / "texts.jsonl"}, rows
    )
    facts = Facts(datasets={"ds_texts": DatasetFacts.model_validate(inspected.facts)})
    arrow = root / "inspect/outputs/train.arrow"
    steps = {step.name: step for step in plan(resolve(Distillation.model_validate(SPEC), facts), facts)}
    yield first
    known: dict[str, type[Params]] = {"train": TrainParams, "grade": GradeParams}
    inputs = {"train/rows.arrow": arrow}
    for name, params in known.items():
        more = {"student": root / "train/outputs"} if name == "grade" else {}
        held = rows if name == "train" else int(rows * SPEC["data"]["heldout"])
        params_of = params.model_validate(steps[name].params)
        yield run(root / name, steps[name].verb, params_of, inputs | more, held)[1]
    yield run(root / "score", "score", scoring(), inputs | teacher_files(root), rows)[1]


def teacher_files(root: Path) -> dict[str, Path]:
    return {"teacher.0/model.safetensors": root / "train/outputs/model.safetensors"}


def scoring() -> ScoreParams:
    """The student as a teacher of the same rows."""
    classes = tuple(f"class {i}" for i in range(CLASSES))
    signature = Signature(
        input=InputSignature(kind="text", shape=(), dtype="str"),
        output=OutputSignature(kind="classes", classes=classes),
    )
    held = ModelFacts(
        digest="0" * 64,
        format="safetensors",
        files={},
        architecture=STUDENT,
        signature=signature,
        parameters=0,
        bytes=0,
    )
    return ScoreParams(teachers=(TeacherInput(path="teacher.0", facts=held),), classes=classes, input="text")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for found in measure(Path(name), given.rows):
            print(found, flush=True)


if __name__ == "__main__":
    main()
