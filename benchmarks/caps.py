"""Jobs under caps in dollars, each drawn between the least that `validate` names and the full price: what the endpoint itself has billed.

Every job asks a teacher behind an endpoint the same questions with a seed of its own, so that nothing is answered before; 64 calls are in flight.
The endpoint's own ledger tells the calls of each job by that seed; to them come the job's device-seconds at the worker's price. What is counted: jobs
above their cap, by how much; jobs with work left that spent less than 90% of it; jobs without weights, evaluation, report, or a word about the cut.

    python -m benchmarks.caps --jobs 100
"""

import argparse
import json
import random
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
DEVICE = 0.36
"""Dollars an hour of the worker's device."""
NAMES = ("even", "odd")
CENT = 0.01
SPENT = 0.9
"""Of a cap, where work remained."""


@dataclass(frozen=True)
class Ended:
    """One job: dollars, and what it left."""

    cap: float
    calls: int
    asked: int
    """Rows that it had to ask about."""
    paid: float
    """By the endpoint's ledger, and its devices."""
    state: str
    whole: bool
    """Weights, an evaluation and a report are there."""
    told: bool
    """The report says that something was cut."""

    @property
    def left(self) -> bool:
        """Work remained that the cap did not allow."""
        return self.calls < self.asked


def spec(dataset: str, seed: int, usd: float) -> Any:
    sampling = {"temperature": 0.0, "max_tokens": 4, "seed": seed}
    return {
        "name": f"cap {seed}",
        "teacher": {"models": [f"ep_table/{MODEL}"]},
        "data": {"train": dataset, "heldout": 0.1, "responses": {"type": "teacher", "sampling": sampling}},
        "student": {"type": "text_classifier", "width": 8, "buckets": 1000},
        "objective": [{"type": "soft_targets"}],
        "training": {"steps": 20},
        "evaluation": {"baselines": []},
        "budget": {"usd": usd},
    }


def bounds(client: Stillhouse, dataset: str) -> tuple[float, float]:
    """Dollars: the least cap that is taken, and the full price."""
    said: Any = client.distillations.validate(spec(dataset, 0, 1000.0))
    assert said["valid"], said["problems"]
    return float(said["estimate"]["usd"]["minimum"]), float(said["estimate"]["usd"]["expected"])


def ended(job: Job, cap: float, asked: int, billed: tuple[int, Decimal]) -> Ended:
    found: Any = job.reload().data
    device = found["usage"]["device_seconds"] * DEVICE / 3600
    whole, told = False, False
    if found["state"] == "succeeded":
        report: Any = job.report()
        whole = bool(report["grade"]["roles"]) and found["student"] is not None
        told = any("cap" in warning or "budget" in warning for warning in report["warnings"])
    return Ended(cap, billed[0], asked, float(billed[1]) + device, found["state"], whole, told)


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
            least, full = bounds(client, dataset)
            print(f"{jobs} jobs of {rows} rows; caps between ${least:.4f} and ${full:.4f}", flush=True)
            draw = random.Random(1)
            caps = {seed: round(draw.uniform(least, full) + 5e-5, 4) for seed in range(1, jobs + 1)}
            started = {seed: client.distillations.create(spec(dataset, seed, cap)) for seed, cap in caps.items()}
            for job in started.values():
                try:
                    job.wait(progress=False)
                except Exception as error:  # noqa: BLE001  # a failed job is one of the results
                    print(f"{job.id}: {error}", flush=True)
            billed = bills(ledger)
            return [ended(job, caps[seed], rows, billed.get(seed, (0, Decimal()))) for seed, job in started.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--latency", type=float, default=0.05)
    given = parser.parse_args()
    began = time.monotonic()
    found = run(given.jobs, given.rows, given.latency)
    over = [one.paid - one.cap for one in found if one.paid > one.cap]
    left = [one for one in found if one.left]
    little = [one for one in left if one.paid < SPENT * one.cap]
    print(f"states: {dict(Counter(one.state for one in found))}; {time.monotonic() - began:.0f} s")
    print(
        f"above their cap: {len(over)}, by ${max(over, default=0.0):.4f} at most; by a cent or more: {sum(by >= CENT for by in over)}"
    )
    print(f"with work left: {len(left)}; of them below {SPENT:.0%} of the cap: {len(little)}")
    if left:
        shares = sorted(one.paid / one.cap for one in left)
        print(f"share of the cap that was spent where work remained: {shares[0]:.1%} to {shares[-1]:.1%}")
    print(f"without weights, evaluation and report: {sum(not one.whole for one in found)}")
    print(f"with work left and no word about it in the report: {sum(not one.told for one in left)}")


if __name__ == "__main__":
    main()
