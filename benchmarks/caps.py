"""Jobs under caps in dollars, each drawn between the least that `validate` names and what one without a cap has cost: what the endpoint itself has billed.

Every job asks a teacher behind an endpoint the same questions with a seed of its own, so that nothing is answered before; 64 calls are in flight. Every
other one has a baseline, which is the first to be left out.
The endpoint's own ledger tells the calls of each job by that seed; to them come the job's device-seconds at the worker's price. What is counted: jobs
above their cap, by how much; jobs that were booked other than that; jobs with work left that spent less than 90% of their cap; jobs without weights,
evaluation or report; jobs whose report does not say what was cut, to the row. It ends with 1 where one of these promises is broken.

    make bench-caps ARGS="--jobs 100"
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.stack import stillhouse, table, teacher
from stillhouse import Job, Stillhouse

MODEL = "minilm-docstrings"
PRICE = (40.0, 160.0)
"""Dollars per million tokens: dear enough that a call is far above the rounding of a bill."""
DEVICE = 3.6
"""Dollars an hour of the worker's device: dear enough that a cap which ends the asking leaves too little for some baselines."""
NAMES = ("even", "odd")
CENT = 0.01
PLENTY = 1000.0
"""Dollars: no cap."""
SPENT = 0.9
"""Of a cap, where work remained."""
ROUNDED = 2e-6
"""Dollars: sums and seconds of a reply are rounded to the next micro-dollar, and what an attempt pays for calls up to one beside it."""


@dataclass(frozen=True)
class Ended:
    """One job: dollars, and what it left."""

    cap: float
    calls: int
    asked: int
    """Rows that it had to ask about."""
    paid: float
    """By the endpoint's ledger, and its devices."""
    booked: float
    """By its usage."""
    state: str
    whole: bool
    """Weights, an evaluation and a report are there."""
    told: bool
    """The report says exactly what was cut: after how many training rows, and which baseline."""
    baselines: tuple[int, int]
    """That it wanted, and that were left out."""

    @property
    def left(self) -> bool:
        """Work remained that the cap did not allow."""
        return self.calls < self.asked


def spec(dataset: str, seed: int, usd: float) -> Any:
    """Every other one with a baseline."""
    sampling = {"temperature": 0.0, "max_tokens": 4, "seed": seed}
    return {
        "name": f"cap {seed}",
        "teacher": {"models": [f"ep_table/{MODEL}"]},
        "data": {"train": dataset, "heldout": 0.05, "responses": {"type": "teacher", "sampling": sampling}},
        "student": {"type": "text_classifier", "width": 8, "buckets": 1000},
        "objective": [{"type": "soft_targets"}],
        "training": {"steps": 20},
        "evaluation": {"baselines": ["no_teacher"] if seed % 2 else []},
        "budget": {"usd": usd},
    }


def least(client: Stillhouse, dataset: str) -> float:
    """Dollars: the smallest cap that is taken."""
    said: Any = client.distillations.validate(spec(dataset, 0, PLENTY))
    assert said["valid"], said["problems"]
    return float(said["estimate"]["usd"]["minimum"])


def ended(job: Job, cap: float, asked: int, billed: tuple[int, Decimal]) -> Ended:
    found: Any = job.reload().data
    calls, usd = billed
    paid = float(usd) + found["usage"]["device_seconds"] * DEVICE / 3600
    baselines = [step for step in found["steps"] if step["optional"]]
    dropped = [step for step in baselines if step["state"] == "skipped"]
    whole, told = False, False
    if found["state"] == "succeeded":
        report: Any = job.report()
        whole = bool(report["grade"]["roles"]) and found["student"]["model"] is not None
        told = said(report, calls, asked) and all(is_left_out(step, report) for step in dropped)
        if not told:
            parts = {name: part["asked"] for name, part in report["answers"]["parts"].items()}
            errors = {step["name"]: step["error"] for step in dropped}
            cut = report["answers"]["cut"]
            print(f"{job.id}: {calls} calls billed, {parts} asked, cut {cut}: {report['warnings']}; left out: {errors}")
    counts = (len(baselines), len(dropped))
    return Ended(cap, calls, asked, paid, found["usage"]["usd"], found["state"], whole, told, counts)


def said(report: Any, calls: int, asked: int) -> bool:
    """That asking was cut, if it was, and after how many training rows: by the endpoint's count, all held-out rows come first."""
    parts = report["answers"]["parts"]
    right = parts["heldout"]["asked"] + parts["train"]["asked"] == calls
    words = f"The cap was reached after {parts['train']['asked']:,} training rows: the others were not asked about."
    cut = (report["answers"]["cut"], words in report["warnings"], calls < asked)
    return bool(right) and len(set(cut)) == 1


def is_left_out(step: Any, report: Any) -> bool:
    """A baseline for which there was no money: the job and the report say so."""
    roles = {role["role"] for role in report["grade"]["roles"]}
    return (step["error"]["code"], step["error"]["param"], "no_teacher" in roles) == (
        "over_budget",
        "budget.usd",
        False,
    )


def bills(ledger: Path) -> dict[int, tuple[int, Decimal]]:
    """{seed: (calls, dollars)} of the endpoint's own ledger."""
    calls: Counter[int] = Counter()
    usd: dict[int, Decimal] = {}
    for line in ledger.read_text().splitlines():
        row = json.loads(line)
        if row["seed"] is not None:
            calls[row["seed"]] += 1
            usd[row["seed"]] = usd.get(row["seed"], Decimal()) + Decimal(row["usd"])
    return {seed: (calls[seed], usd[seed]) for seed in calls}


def run(jobs: int, rows: int, latency: float) -> list[Ended]:
    texts = [f"the number {i} stands in row {i} of this table" for i in range(rows)]
    labels = [NAMES[i % 2] for i in range(rows)]
    with tempfile.TemporaryDirectory() as folder:
        answers = table(Path(folder) / "table.jsonl", zip(texts, labels, strict=True))
        ledger = Path(folder) / "ledger.jsonl"
        ledger.touch()
        switches = ("--table", answers, "--ledger", ledger, "--latency", str(latency), "--model", MODEL)
        with (
            teacher(*switches, "--price", f"{PRICE[0]}/{PRICE[1]}") as url,
            stillhouse(slots=2, STILLHOUSE_DEVICE_PRICE_PER_HOUR=str(DEVICE)) as client,
        ):
            client.endpoints.create(
                name="table", url=url, model=MODEL, price={"input": PRICE[0], "output": PRICE[1]}, allow_private=True,
                limits={"concurrency": 64},
            )  # fmt: skip
            dataset = client.datasets.from_texts(texts, labels)["id"]
            client.datasets.wait(dataset)
            low = least(client, dataset)
            whole = client.distillations.create(spec(dataset, 0, PLENTY)).wait(progress=False)
            full = ended(whole, PLENTY, rows, bills(ledger)[0]).paid
            print(f"{jobs} jobs of {rows} rows; caps between ${low:.4f} and ${full:.4f}", flush=True)
            draw = random.Random(1)
            caps = {seed: round(draw.uniform(low, full) + 5e-5, 4) for seed in range(1, jobs + 1)}
            started = {seed: client.distillations.create(spec(dataset, seed, cap)) for seed, cap in caps.items()}
            for job in started.values():
                try:
                    job.wait(progress=False)
                except Exception as error:  # noqa: BLE001  # a failed job is one of the results
                    print(f"{job.id}: {error}", flush=True)
            billed = bills(ledger)
            return [ended(job, caps[seed], rows, billed.get(seed, (0, Decimal()))) for seed, job in started.items()]


def counted(found: list[Ended]) -> int:
    """Prints what became of the jobs; how many promises were broken."""
    over = [one.paid - one.cap for one in found if one.paid > one.cap]
    left = [one for one in found if one.left]
    broken = {
        "above their cap by a cent or more": sum(by >= CENT for by in over),
        "booked at other than that": sum(not -ROUNDED <= one.booked - one.paid <= 1e-6 + ROUNDED for one in found),
        f"with work left, and below {SPENT:.0%} of the cap": sum(one.paid < SPENT * one.cap for one in left),
        "without weights, evaluation and report": sum(not one.whole for one in found),
        "whose report does not say what was cut, or says it wrongly": sum(not one.told for one in found),
    }
    print(f"states: {dict(Counter(one.state for one in found))}")
    print(f"above their cap: {len(over)}, by ${max(over, default=0.0):.4f} at most; with work left: {len(left)}")
    if left:
        shares = sorted(one.paid / one.cap for one in left)
        print(f"share of the cap that was spent where work remained: {shares[0]:.1%} to {shares[-1]:.1%}")
    wanted, dropped = (sum(one.baselines[i] for one in found) for i in (0, 1))
    print(f"baselines left out: {dropped} of {wanted}")
    for words, number in broken.items():
        print(f"{words}: {number}")
    return sum(broken.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--latency", type=float, default=0.05)
    given = parser.parse_args()
    began = time.monotonic()
    found = run(given.jobs, given.rows, given.latency)
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if counted(found) else 0


if __name__ == "__main__":
    sys.exit(main())
