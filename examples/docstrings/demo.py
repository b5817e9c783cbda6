"""The demo's second job: a teacher behind an endpoint labels docstrings of installed libraries for a small classifier, under a cap in dollars."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import httpx

from examples.docstrings.texts import ROWS, Row, rows
from examples.service import ROOT, console, heading
from stillhouse import Job, Stillhouse, figures
from stillhouse.types import Distillation, NewPrice

RESULTS = ROOT / "build" / "docstrings"
MODEL = "minilm-docstrings"
PRICE: NewPrice = {"input": 0.40, "output": 1.60}
CAP = 0.50
"""US dollars."""
TEXTS = int(os.environ.get("DEMO_TEXTS", ROWS))
"""Of a library, at most: fewer make a quicker demo, and a worse teacher and student."""


def run(client: Stillhouse, seed: int) -> None:
    """The teacher's start, its endpoint, the job, its figures and its bill."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    made = rows(seed, limit=TEXTS)
    path = RESULTS / "docstrings.jsonl"
    path.write_text("".join(json.dumps(asdict(row)) + "\n" for row in made))
    names = sorted({row.label for row in made})
    heading(f"A teacher behind an endpoint: MiniLM, which learned to tell the docstrings of {len(names)} libraries")
    key = secrets.token_hex(16)
    console.print(f"{len(made):,} docstrings; the teacher learns from them first, for about a minute")
    with teacher(path, key) as url:
        dataset = upload(client, made)
        console.print(f"uploaded as {dataset}; the teacher listens at {url}")
        name = f"teacher-{secrets.token_hex(3)}"
        client.endpoints.create(name=name, url=url, key=key, price=PRICE, model=MODEL, allow_private=True)
        heading(
            f"The job: the teacher labels {split(made, 'train'):,} texts for a small student, for ${CAP:.2f} at most"
        )
        job = client.distillations.create(recipe(dataset, f"ep_{name}/{MODEL}", seed))
        console.print(f"started as {job.id}")
        show(client, job.wait(), split(made, "heldout"))
        bill = httpx.get(url.removesuffix("/v1") + "/ledger", headers={"Authorization": f"Bearer {key}"}).json()
        console.print(
            f"The endpoint's own ledger says ${float(bill['usd']):.4f} for all its calls, those of the probe among them, which no job is billed for."
        )


@contextmanager
def teacher(data: Path, key: str) -> Iterator[str]:
    """The URL of a teacher that serves until the block ends."""
    argv = [
        sys.executable, "-m", "examples.teacher_server", "--data", str(data), "--cache", str(RESULTS), "--key", key,
        "--price", f"{PRICE['input']}/{PRICE['output']}", "--model", MODEL,
    ]  # fmt: skip
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        try:
            url = serving.stdout.readline().strip()
            if not url:
                sys.exit("the teacher did not start")
            yield url
        finally:
            serving.terminate()


def upload(client: Stillhouse, made: list[Row]) -> str:
    """Training rows first, held-out rows after them; validation rows are the teacher's own."""
    used = [row for name in ("train", "heldout") for row in made if row.split == name]
    spans = {"train": (0, split(made, "train")), "test": (split(made, "train"), len(used))}
    texts, labels = [row.text for row in used], [row.label for row in used]
    made_of = client.datasets.from_texts(texts, labels, name="docstrings", splits=spans)
    return client.datasets.wait(made_of["id"])["id"]


def split(made: list[Row], name: str) -> int:
    return sum(row.split == name for row in made)


def recipe(dataset: str, model: str, seed: int) -> Distillation:
    """recipes/intents.json with our ids, seed and cap."""
    job: Distillation = json.loads((ROOT / "recipes" / "intents.json").read_text())
    job["name"] = "docstrings"
    job["teacher"] = {"models": [model]}
    job["data"] = {**job["data"], "train": dataset, "seed": seed}
    job["training"] = {**job["training"], "seed": seed}
    job["budget"] = {"usd": CAP}
    return job


def show(client: Stillhouse, job: Job, heldout: int) -> None:
    """The table, the bill and the files."""
    heading(f"What came of it, on {heldout:,} held-out texts")
    report = job.report()
    console.print(figures.summary(report))
    bill = report["bill"]
    console.print(
        f"\n${bill['expected']:.4f} [{bill['low']:.4f}, {bill['high']:.4f}] were expected. "
        "Another student of the same answers would cost nothing."
    )
    page = job.save_report(RESULTS / "report.html")
    client.models.download(job.student, RESULTS / "student")
    console.print(f"The whole report: {page}\nThe student, ready to load: {RESULTS / 'student'}", soft_wrap=True)
