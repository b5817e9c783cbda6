"""The training step against a bare torch loop that does the same arithmetic: two layers of 800 units, soft targets at T=20, batches of 256.

The bare loop has scaled float32 images, log-probabilities of the teacher and its batches' row numbers in memory, and does nothing else:
forward, T²·KL, backward, fused AdamW. Ours reads a memory-mapped rows file of bytes, gathers scores, sets the schedule, checks the loss and
tells its journal. Both take turns in one process; the ratio is of medians over rounds, its spread that of single pairs of rounds.
That both do the same arithmetic is checked on the first batch. MNIST's training images come from the folder STILLHOUSE_MNIST; without it,
random bytes of the same shape.

    python -m benchmarks.step --rounds 12 --steps 40 --threads 1 2
"""

import argparse
import gzip
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch.nn import functional

from distill import loop
from distill.data.canonical import Heading, digest_array, digests, list_array, write
from distill.data.draw import divide
from distill.data.rows import Rows
from distill.journal import Journal
from distill.material import transfer_set
from distill.run import RunFolder
from distill.signals.scores import SHARD, shard_path
from distill.students import initialised
from distill.verbs.train import beginning
from spec.facts import ColumnFacts, InputSignature, OutputSignature, Roles, Signature
from spec.grader import Accuracy
from spec.objective import SoftTargets
from spec.params import Selection, TrainParams
from spec.run import Run
from spec.student import Mlp

TEMPERATURE, BATCH, RATE = 20.0, 256, 1e-3
CLASSES = tuple("0123456789")
ROLES = Roles(input="image", label="label")
SIGNATURE = Signature(
    input=InputSignature(kind="image", shape=(28, 28), dtype="uint8", scale=1 / 255),
    output=OutputSignature(kind="classes", classes=CLASSES),
)
STUDENT = Mlp(type="mlp", hidden_sizes=(800, 800))
OPERATIONS = 6 * BATCH * (784 * 800 + 800 * 800 + 800 * 10)
"""Of a step: two a weight forward, four backward."""
TOLERANCE = 1e-3
Segment = Callable[[], None]


def images() -> tuple[npt.NDArray[np.uint8], str]:
    """(60000, 28, 28), and where they are from."""
    folder = os.environ.get("STILLHOUSE_MNIST")
    if not folder:
        return np.random.default_rng(0).integers(0, 256, (60_000, 28, 28), dtype=np.uint8), "random bytes"
    path = next(Path(folder).glob("train-images-idx3-ubyte*"))
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28), "MNIST"


def inputs(folder: Path, pixels: npt.NDArray[np.uint8], logits: npt.NDArray[np.float32]) -> None:
    """The files that a train step is given."""
    facts = {
        "image": ColumnFacts(kind="image", shape=(28, 28), dtype="uint8", low=0, high=255),
        "label": ColumnFacts(kind="class", dtype="str"),
    }
    columns: dict[str, pa.Array] = {"image": list_array(pixels), "label": pa.nulls(len(pixels), pa.string())}
    target = folder / "inputs" / "train" / "rows.arrow"
    target.parent.mkdir(parents=True)
    write(target, columns, digest_array(digests(pixels)), Heading(columns=facts, roles=ROLES))
    for first in range(0, len(logits), SHARD):
        shard = folder / "inputs" / "scores" / shard_path(0, "train", first // SHARD)
        shard.parent.mkdir(parents=True, exist_ok=True)
        np.save(shard, logits[first : first + SHARD])


def ours(folder: Path, device: str) -> tuple[loop.Course, Journal]:
    """A train run before its first step, journal and all."""
    params = TrainParams(
        selection=Selection(roles=ROLES), student=STUDENT, signature=SIGNATURE, teachers=1,
        objective=(SoftTargets(type="soft_targets", temperature=TEMPERATURE),), steps=1_000_000, batch_size=BATCH,
        learning_rate=RATE, optimizer="adamw", schedule="constant", weight_decay=0.01, seed=1, precision="float32",
        select="last", bias_correction=False, headline=Accuracy(type="accuracy"),
    )  # fmt: skip
    spec = Run(
        verb="train",
        step="train",
        params=params.model_dump(mode="json"),
        threads=torch.get_num_threads(),
        device=device,
    )
    (folder / "spec.json").write_text(spec.model_dump_json())
    run = RunFolder(folder)
    rows = Rows.open(run.input("train/rows.arrow"), ROLES)
    course = beginning(run, params, transfer_set(run, params, rows, divide(rows, params.selection)))
    return course, Journal(run, course, ())


def segment_of(course: loop.Course, journal: Journal, steps: int) -> Segment:
    """Does the next `steps` steps."""

    def segment() -> None:
        loop.run(course, journal.step, journal.step + steps, journal.after)
        journal.settle()

    return segment


def bare(pixels: npt.NDArray[np.uint8], logits: npt.NDArray[np.float32], steps: int, device: str) -> Segment:
    """The same arithmetic with nothing around it: all of it on the device from the beginning."""
    images_N = torch.from_numpy(pixels.astype(np.float32) / 255).to(device)
    teacher_NV = torch.log_softmax(torch.from_numpy(logits).to(device) / TEMPERATURE, dim=-1)
    order = torch.from_numpy(np.random.default_rng(1).permutation(len(pixels))).to(device)
    module = initialised(STUDENT, SIGNATURE, 1).to(device)
    adamw = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=0.01, fused=True)
    place = 0

    def segment() -> None:
        nonlocal place
        for _ in range(steps):
            batch = order[place : place + BATCH]
            place = (place + BATCH) % (len(order) - BATCH)
            adamw.zero_grad(set_to_none=True)
            student_BV = torch.log_softmax(module(images_N[batch]) / TEMPERATURE, dim=-1)
            loss = functional.kl_div(student_BV, teacher_NV[batch], reduction="batchmean", log_target=True)
            torch.autograd.backward(loss * TEMPERATURE**2)
            adamw.step()
        settle(device)

    return segment


def settle(device: str) -> None:
    """Waits until the device has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()


def check_same(course: loop.Course, pixels: npt.NDArray[np.uint8], logits: npt.NDArray[np.float32]) -> float:
    """How far the two losses of the first batch are apart, as a share. Exits where it is more than 1e-3."""
    items, _ = course.batches.items(0)
    batch = course.batches.take(0)
    with torch.no_grad():
        mine = float(course.objective(course.module(course.scaling(batch.raw)), batch.targets))
        images_B = torch.from_numpy(pixels[items].astype(np.float32) / 255)
        teacher_BV = torch.log_softmax(torch.from_numpy(logits[items]) / TEMPERATURE, dim=-1)
        student_BV = torch.log_softmax(initialised(STUDENT, SIGNATURE, 1)(images_B) / TEMPERATURE, dim=-1)
        divergence = functional.kl_div(student_BV, teacher_BV, reduction="batchmean", log_target=True)
    apart = abs(mine / (float(divergence) * TEMPERATURE**2) - 1)
    if apart > TOLERANCE:
        raise SystemExit(f"the two do not compute the same: their first losses differ by {apart:.1e}")
    return apart


def peak(device: str) -> float:
    """Floating-point operations a second of one large product of matrices."""
    a = torch.rand(2048, 2048, device=device)
    seconds = []
    for _ in range(6):
        settle(device)
        began = time.perf_counter()
        torch.mm(a, a)
        settle(device)
        seconds.append(time.perf_counter() - began)
    return 2 * 2048**3 / min(seconds)


def timed(segment: Segment) -> tuple[float, float]:
    """Seconds on the wall, and of the processor: the first is what a user waits for, the second is quiet beside other work."""
    began = time.perf_counter(), time.process_time()
    segment()
    return time.perf_counter() - began[0], time.process_time() - began[1]


def measure(rounds: int, steps: int, device: str) -> tuple[str, float, list[Any]]:
    """Where rows are from; how far first losses are apart; and of each round (ours, bare), each (wall, processor) seconds."""
    pixels, source = images()
    logits = np.random.default_rng(2).normal(0, 4, (len(pixels), len(CLASSES))).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs(folder, pixels, logits)
        course, journal = ours(folder, device)
        apart = check_same(course, pixels, logits)
        segments = segment_of(course, journal, steps), bare(pixels, logits, steps, device)
        for segment in segments:
            segment()
        return source, apart, [(timed(segments[0]), timed(segments[1])) for _ in range(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=40, help="steps of one turn")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    given = parser.parse_args()
    for threads in given.threads:
        show(given.rounds, given.steps, threads, given.device)


def show(rounds: int, steps: int, threads: int, device: str) -> None:
    torch.set_num_threads(threads)
    source, apart, found = measure(rounds, steps, device)
    most = peak(device)
    where = "" if device == "cpu" else f" and {torch.cuda.get_device_name()}"
    print(
        f"{source}, {threads} thread(s){where}, {rounds} rounds of {steps} steps of {BATCH} rows; first losses {apart:.0e} apart"
    )
    for j, who in enumerate(("ours", "bare loop")):
        speed = OPERATIONS / (median(pair[j][0] for pair in found) / steps)
        print(f"{who:>9}: {speed / 1e9:.0f} GFLOP/s, {speed / most:.0%} of what one large matrix product reaches")
    for i, clock in enumerate(("wall", "processor")):
        ours_s, bare_s = (median(pair[j][i] for pair in found) / steps for j in (0, 1))
        spread = sorted(pair[1][i] / pair[0][i] for pair in found)
        print(
            f"{clock:>9}: ours {ours_s * 1e3:.2f} ms a step, bare loop {bare_s * 1e3:.2f} ms: ours has {bare_s / ours_s:.1%} "
            f"of its speed [{spread[0]:.1%}, {spread[-1]:.1%}]; goal 95%"
        )


if __name__ == "__main__":
    main()
