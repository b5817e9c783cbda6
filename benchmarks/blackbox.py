"""`make bench-blackbox`: students of a teacher that is only asked, beside the same students on gold labels.

Sets: docstrings of installed libraries; SST-2 and TREC from the directory in STILLHOUSE_TEXTS (`sst2/` and `trec/`, as their authors ship them).
The teacher is MiniLM with a head fitted on the training labels, behind a real endpoint. Every arm is a job through the API, all of a set with one tuning:

gold 10%   the student on a tenth of the gold labels (the soft job's own baseline)
hard       on the teacher's labels, for every training text
soft       on the teacher's distributions (top_logprobs), for every training text
gold 100%  on all gold labels
"""

import argparse
import gzip
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import torch
from scipy.stats import t

from benchmarks.stack import stillhouse, teacher
from examples.docstrings.texts import rows as docstrings
from examples.teacher_server.__main__ import teacher as fitted
from stillhouse import Stillhouse

MODEL = "minilm-docstrings"
PRICE = {"input": 0.40, "output": 1.60}
CORE = 0.05
"""US dollars an hour of one core, for the price of a student's predictions: said, not measured."""
BATCH = 64
SINGLE, ROUNDS = 30, 5
Rows = list[tuple[str, str, str]]
"""(text, label, split)."""


@dataclass(frozen=True)
class Found:
    """Accuracies of one seed, the bill, and the soft arm's student."""

    arms: dict[str, float]
    bill: float
    model: str


@dataclass(frozen=True)
class Speed:
    """Of one model: seconds of a single text, median; texts a second in batches of BATCH."""

    one: float
    rate: float


def of_docstrings(_: Path) -> Rows:
    return [(row.text, row.label, row.split) for row in docstrings() if row.split != "validation"]


def of_sst2(folder: Path) -> Rows:
    """The training sentences, each once, and the 1,821 of the test set but for those that are training sentences, too."""
    with gzip.open(folder / "sst2" / "train.tsv.gz", "rt") as file:
        train = sorted({line.rstrip("\n") for line in file})
    known = {line.rsplit("\t", 1)[0] for line in train}
    lines = (folder / "sst2" / "test.tsv").read_text().splitlines()
    test = [line for line in lines if line.rsplit("\t", 1)[0] not in known]
    named = [(*line.rsplit("\t", 1), split) for lines, split in ((train, "train"), (test, "heldout")) for line in lines]
    return [(text, "positive" if label == "1" else "negative", split) for text, label, split in named]


def of_trec(folder: Path) -> Rows:
    """Six kinds of questions: 5,452 to learn from, 500 held out."""
    kinds = ("description", "entity", "abbreviation", "human", "number", "location")
    found: Rows = []
    for name, split in (("TREC.train.all", "train"), ("TREC.test.all", "heldout")):
        lines = (folder / "trec" / name).read_text(encoding="latin-1").splitlines()
        found += [(text, kinds[int(kind)], split) for kind, text in (line.split(" ", 1) for line in lines)]
    held = {text for text, _, split in found if split == "heldout"}
    once = dict.fromkeys(row for row in found if row[2] == "heldout" or row[0] not in held)
    return list({text: (text, label, split) for text, label, split in once}.values())


SETS: dict[str, Callable[[Path], Rows]] = {"docstrings": of_docstrings, "sst2": of_sst2, "trec": of_trec}


@dataclass(frozen=True)
class Tuning:
    """Of all arms of a set."""

    epochs: int
    student: dict[str, Any] = field(default_factory=dict)
    decay: float = 0.0


REGULAR: dict[str, Any] = {"pooling": "sqrt", "dropout": 0.5, "buckets": 65536}
TUNINGS = {"docstrings": Tuning(20), "sst2": Tuning(6, REGULAR, decay=3.0), "trec": Tuning(20)}
"""Of SST-2 and TREC chosen on 15% of the training texts, which that teacher had not seen (docs/benchmarks.md)."""


def accuracy(report: dict[str, Any], role: str) -> float:
    (found,) = (one for one in report["grade"]["roles"] if one["role"] == role)
    return float(found["metrics"]["accuracy"]["value"])


def run(client: Stillhouse, dataset: str, tuning: Tuning, seed: int) -> Found:
    """All arms of one seed."""
    base: dict[str, Any] = {
        "name": "blackbox",
        "data": {"train": dataset, "labelled": 0.1, "seed": seed},
        "student": {"type": "text_classifier", "width": 64, **tuning.student},
        "training": {"epochs": tuning.epochs, "weight_decay": tuning.decay, "seed": seed},
        "evaluation": {"graders": [{"type": "accuracy"}], "baselines": []},
    }
    asked = {"type": "teacher", "sampling": {"temperature": 0.0, "max_tokens": 8}}
    taught = {"teacher": {"models": [f"ep_teacher/{MODEL}"]}, "data": {**base["data"], "responses": asked}}
    compared = {**base["evaluation"], "baselines": ["no_teacher"]}
    soft: Any = base | taught | {"objective": [{"type": "soft_targets"}], "evaluation": compared}
    hard: Any = base | taught | {"objective": [{"type": "labels"}]}
    hard["data"] = {key: value for key, value in hard["data"].items() if key != "labelled"}
    gold: Any = base | {"objective": [{"type": "labels"}], "data": {"train": dataset, "seed": seed}}
    jobs = [client.distillations.create(spec).wait(progress=False) for spec in (soft, hard, gold)]
    reports = [job.report() for job in jobs]
    arms = {
        "teacher": accuracy(reports[0], "teacher.0"),
        "gold 10%": accuracy(reports[0], "no_teacher"),
        "hard": accuracy(reports[1], "student"),
        "soft": accuracy(reports[0], "student"),
        "gold 100%": accuracy(reports[2], "student"),
    }
    return Found(arms, sum(report["bill"]["usd"] for report in reports[:2]), jobs[0].student)


def speeds(data: Path, cache: Path, student: Path, texts: list[str]) -> tuple[Speed, Speed]:
    """Of the teacher and of the delivered student, by its own `load.py`: rounds of SINGLE texts and a batch, in turns, so that a noisy minute hits both
    and neither begins with the other's caches at each text; one thread, every text once."""
    torch.set_num_threads(1)
    calls = (fitted(data, cache).logprobs, delivered(student).predict)
    ones: tuple[list[float], list[float]] = ([], [])
    many: tuple[list[float], list[float]] = ([], [])
    for at in range(0, ROUNDS * (SINGLE + BATCH), SINGLE + BATCH):
        for call, one, batch in zip(calls, ones, many, strict=True):
            one.append(median(took(call, [text]) for text in texts[at : at + SINGLE]))
            batch.append(took(call, texts[at + SINGLE : at + SINGLE + BATCH]))
    first, second = (Speed(median(one), BATCH / median(batch)) for one, batch in zip(ones, many, strict=True))
    return first, second


def delivered(folder: Path) -> Any:
    """What the `load.py` of a downloaded student loads."""
    spec = spec_from_file_location("delivered", folder / "load.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load(folder)


def took(call: Callable[[list[str]], Any], batch: list[str]) -> float:
    began = time.perf_counter()
    call(batch)
    return time.perf_counter() - began


def told(name: str, found: list[Found], rows: Rows, speed: tuple[Speed, Speed]) -> Iterator[str]:
    """The set's lines."""
    heldout = sum(split == "heldout" for *_, split in rows)
    train = len(rows) - heldout
    yield f"== {name}: {len({label for _, label, _ in rows})} classes, {train:,} training texts, {heldout:,} held out, {len(found)} seeds"
    for arm in found[0].arms:
        values = [100 * one.arms[arm] for one in found]
        spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
        yield f"  {arm:10} {mean(values):5.1f}{spread}"
    for arm in ("soft", "hard"):
        gains = [100 * (one.arms[arm] - one.arms["gold 10%"]) for one in found]
        kept = mean(one.arms[arm] / one.arms["teacher"] for one in found)
        few = len(gains) - 1
        half = float(t.ppf(0.975, few)) * stdev(gains) / len(gains) ** 0.5 if few else float("nan")
        yield f"  {arm} keeps {kept:.1%} of the teacher (reach: 98%); over 10% gold {mean(gains):+.1f} [{mean(gains) - half:+.1f}, {mean(gains) + half:+.1f}] points"
    slow, quick = speed
    yield f"  teacher: one text {slow.one * 1e3:.1f} ms, {slow.rate:,.0f} texts/s in batches; student: {quick.one * 1e3:.2f} ms, {quick.rate:,.0f} texts/s"
    yield f"  one text {slow.one / quick.one:,.0f}x faster, batches {quick.rate / slow.rate:,.0f}x (reach: 50x; Bedrock advertises 5x)"
    million = 1e6 * mean(one.bill for one in found if one.bill) / max(len(rows), 1)
    own = 1e6 / quick.rate / 3600 * CORE
    yield (
        f"  a million predictions: teacher ${million:,.2f} at ${PRICE['input']:.2f}/{PRICE['output']:.2f}, student ${own:.4f} on a core at ${CORE:.2f} an hour "
        f"({1 - own / million:.2%} cheaper; Bedrock advertises 75%)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(SETS), default=list(SETS))
    asked = parser.parse_args()
    folder = os.environ.get("STILLHOUSE_TEXTS", "")
    for name in asked.only:
        if name != "docstrings" and not folder:
            print(f"== {name}: skipped, for STILLHOUSE_TEXTS names no directory")
            continue
        with tempfile.TemporaryDirectory() as made:
            measure(name, SETS[name](Path(folder)), Path(made), asked.seeds)


def measure(name: str, rows: Rows, folder: Path, seeds: int) -> None:
    data = folder / "rows.jsonl"
    lines = [json.dumps({"text": text, "label": label, "split": split}) for text, label, split in rows]
    data.write_text("\n".join(lines) + "\n")
    with teacher("--data", data, "--cache", folder, "--model", MODEL) as url, stillhouse() as client:
        client.endpoints.create(
            name="teacher",
            url=url,
            model=MODEL,
            price={"input": PRICE["input"], "output": PRICE["output"]},
            allow_private=True,
        )
        ordered = [row for split in ("train", "heldout") for row in rows if row[2] == split]
        first = sum(split == "train" for *_, split in ordered)
        spans = {"train": (0, first), "test": (first, len(ordered))}
        dataset = client.datasets.from_texts([row[0] for row in ordered], [row[1] for row in ordered], splits=spans)[
            "id"
        ]
        client.datasets.wait(dataset)
        found = [run(client, dataset, TUNINGS[name], seed) for seed in range(1, seeds + 1)]
        student = client.models.download(found[0].model, folder / "student")
    held = [text for text, _, split in rows if split == "heldout"]
    for line in told(name, found, rows, speeds(data, folder, student, held)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
