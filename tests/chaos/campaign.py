"""`make chaos`: jobs are posted while an outside process kills and freezes; then the API is asked whether anything was lost.

python -m tests.chaos.campaign --jobs 100 --faults 24 --seed 1
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from gateway.purse import LOT
from spec.call import MESSAGE
from standalone import supervisor
from standalone.services import Worker
from standalone.stack import Stack
from tests.acceptance.teacher import served
from tests.chaos import work
from tests.chaos.batcher import Words, batching
from tests.chaos.checker import Findings, billed, check, lost, recovery, same_posts, twice
from tests.chaos.client import Client
from tests.chaos.killer import descendants, words

SETTINGS = {
    "LEASE_SECONDS": "6", "HEARTBEAT_SECONDS": "2", "SWEEP_SECONDS": "2", "BATCH_SECONDS": "0.5", "LOG_FORMAT": "console",
}  # fmt: skip
PROJECTS = 4
EVERY, ASKS, POSTS = 5, 4, 2  # of so many jobs this one asks an endpoint call by call, and that one by batches
PRICE = {"input": 1.0, "output": 2.0}
BATCH = 0.5  # share of it that a call in a batch costs
TOKENS = 4  # a word of a job counts as so many; for the probe it was one, so small caps end the asking
TIGHT = 1.2  # times the least cap that is taken: every other asking job's
AMPLE = 1.0  # dollars: the others'
FREEZE = 9.0  # longer than the lease


@dataclass
class Plan:
    jobs: int
    faults: int
    seed: int
    seconds: float
    patience: float


class Campaign(threading.Thread):
    """The user's side. The stack's supervisor keeps the main thread, since children die with the thread that started them."""

    def __init__(self, stack: Stack, plan: Plan, folder: Path) -> None:
        super().__init__(name="campaign", daemon=True)
        self.stack, self.plan, self.folder = stack, plan, folder
        self.findings = Findings()
        self.faults: list[dict[str, float]] = []
        self.error: BaseException | None = None
        self.posted = self.again = self.left = 0
        self.least: dict[bool, float] = {}
        self.killer: int | None = None

    def run(self) -> None:
        try:
            self._campaign()
        except BaseException as error:  # noqa: BLE001  # the main thread shows it, and stops the stack
            self.error = error
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def _campaign(self) -> None:
        words = Words()
        price = f"{PRICE['input']}/{PRICE['output']}"
        with served(latency=0.05) as self.teacher, batching(price, words) as self.batcher:
            self._tried(words)

    def _tried(self, words: Words) -> None:
        while not self.stack.api.running() or not self.stack.api.ready() or not self.stack.home.key_file.exists():
            time.sleep(0.1)
        admin = Client(self.stack.url, self.stack.key)
        users = [self._user(admin, i) for i in range(PROJECTS)]
        self.least = {batch: self._least(*users[0][:2], batch) for batch in (False, True)}
        self.teacher.forget()
        self.teacher.tokens_factor = words.factor = TOKENS
        began = time.monotonic()
        with self._killer() as killer:
            posted = {project: list[str]() for project in range(PROJECTS)}
            for number in range(self.plan.jobs):
                project = number % PROJECTS
                client, key, teacher = users[project]
                body = self._body(key, teacher, number)
                posted[project].append(client.post("/distillations", json=body)["id"])
            self._wait(users, posted, killer, began)
            self.killer = killer.wait()
        self.posted = sum(map(len, posted.values()))
        self.seconds = time.monotonic() - began
        log = self.folder / "faults.jsonl"
        self.faults = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        self._check(users, posted)

    def _body(self, key: str, teacher: str, number: int) -> dict[str, Any]:
        """Two of five jobs ask a teacher behind an endpoint, one of them by batches; the others score."""
        seed = self.plan.seed * 10_000
        if number % EVERY in (ASKS, POSTS):
            file = work.sentences_of(self.stack.url, key, number, self.plan.seed)
            tight, batch = number // EVERY % 2 == 0, number % EVERY == POSTS
            return work.asking(file, number, seed, TIGHT * self.least[batch] if tight else AMPLE, batch)
        return work.job(work.dataset(self.stack.url, key, number, self.plan.seed), teacher, number, seed)

    def _user(self, admin: Client, number: int) -> tuple[Client, str, str]:
        project = admin.post("/projects", json={"name": f"chaos-{number}"})["id"]
        key = admin.post("/keys", json={"project": project, "name": "chaos", "scopes": ["read", "write", "admin"]})[
            "key"
        ]
        client = Client(self.stack.url, key)
        for name, url in (("words", self.teacher.url), ("batches", self.batcher.url)):
            body = {"name": name, "url": url, "price": PRICE | {"batch": BATCH}, "allow_private": True}
            assert client.post("/endpoints", json=body)["state"] == "ready"
        return client, key, work.teacher(client, self.stack.url, key, number)

    def _least(self, client: Client, key: str, batch: bool) -> float:
        """Dollars: the smallest cap that is taken, once such rows were looked at. Those of each job are others, and about as long."""
        file = work.sentences_of(self.stack.url, key, self.plan.jobs, self.plan.seed)
        body = work.asking(file, 0, self.plan.seed, AMPLE, batch)
        while (said := client.post("/distillations/validate", json=body)["estimate"]) is None:
            time.sleep(0.2)
        return float(said["usd"]["minimum"])

    def _killer(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                sys.executable, "-m", "tests.chaos.killer", "--root", str(os.getpid()), "--seed", str(self.plan.seed),
                "--faults", str(self.plan.faults), "--seconds", str(self.plan.seconds), "--freeze", str(FREEZE),
                "--log", str(self.folder / "faults.jsonl"),
            ]
        )  # fmt: skip

    def _wait(
        self,
        users: list[tuple[Client, str, str]],
        posted: dict[int, list[str]],
        killer: subprocess.Popen[bytes],
        began: float,
    ) -> None:
        """Until every job has ended and the killer has done its work, or patience is over."""
        open_jobs = {(project, id) for project, ids in posted.items() for id in ids}
        while (open_jobs or killer.poll() is None) and time.monotonic() - began < self.plan.patience:
            for project, id in sorted(open_jobs):
                if users[project][0].get(f"/distillations/{id}")["state"] in ("succeeded", "failed", "cancelled"):
                    open_jobs.discard((project, id))
                    break
            print(
                f"\r{time.monotonic() - began:6.0f} s  {len(open_jobs):4} jobs left",
                end="",
                file=sys.stderr,
                flush=True,
            )
            time.sleep(0.2)
        killer.terminate()

    def _check(self, users: list[tuple[Client, str, str]], posted: dict[int, list[str]]) -> None:
        bills, bound = self._bills()
        for project, ids in posted.items():
            client = users[project][0]
            same_posts(self.findings, client.all("/distillations"), ids)
            for id in ids:
                events = list(client.all(f"/distillations/{id}/events"))
                job = client.get(f"/distillations/{id}")
                check(self.findings, job, events)
                if job["spec"]["budget"]["usd"] is not None:
                    batch = job["spec"]["teacher"]["batch"]
                    self.left += batch * lost(job)
                    billed(self.findings, job, bills[job["metadata"]["number"]], 0.0 if batch else LOT * bound)
                recovery(self.findings, events, self.faults)
        self.again = sum(self.teacher.asked.values()) - len(self.teacher.asked)
        twice(self.findings, self.batcher.asked)
        listed = httpx.get(f"{self.batcher.url}/batches", params={"limit": 10_000}).json()["data"]
        self.batches = Counter(one["status"] for one in listed)

    def _bills(self) -> tuple[dict[str, float], float]:
        """Dollars by the number of a job, which its questions end with, as the endpoint counts; and what a call can cost at most."""
        found, most = defaultdict[str, float](float), 0
        for _, messages in self.teacher.heard:
            said = [message["content"] for message in messages]
            words = TOKENS * sum(len(one.split()) for one in said)
            found[said[-1].rpartition(" ")[2]] += (words * PRICE["input"] + PRICE["output"]) / 1e6
            most = max(most, sum(len(one.encode()) for one in said) + MESSAGE * (len(said) + 1))
        return found | self.batcher.bills, (most * PRICE["input"] + work.LONGEST * PRICE["output"]) / 1e6


def orphans(home: Path) -> list[int]:
    """Processes of this campaign that are still there after the stack was stopped."""
    mine = set(descendants(os.getpid()))
    everybody = {int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()}
    return [
        pid
        for pid in everybody
        if pid in mine or (any(str(home) in word for word in words(pid)) and pid != os.getpid())
    ]


def spread(values: list[float]) -> str:
    if not values:
        return "no case"
    p99 = quantiles(values, n=100)[98] if len(values) > 1 else values[0]
    return f"n {len(values)}, p50 {median(values):.1f} s, p99 {p99:.1f} s, longest {max(values):.1f} s"


def report(campaign: Campaign, left: list[int]) -> int:
    found, faults = campaign.findings, campaign.faults
    kinds = sorted({(f["target"], f["action"]) for f in faults})
    print(f"\n{campaign.plan.jobs} jobs in {PROJECTS} projects, seed {campaign.plan.seed}, {campaign.seconds:.0f} s")
    print(
        f"{len(faults)} faults: "
        + ", ".join(f"{sum((f['target'], f['action']) == k for f in faults)} {k[0]} {k[1]}" for k in kinds)
    )
    for name in (
        "lost",
        "doubled",
        "unfinished",
        "not_succeeded",
        "gaps",
        "cache_hits",
        "unbooked",
        "overbooked",
        "above_cap",
        "paid_twice",
    ):
        print(f"{name.replace('_', ' '):14} {getattr(found, name)}")
    print(f"{'orphans':14} {len(left)}")
    print(f"{found.starved} small caps were used up by what was in flight at faults")
    print(f"{campaign.teacher.calls} answers were billed, {campaign.again} of them a second time")
    ends = ", ".join(f"{number} {status}" for status, number in sorted(campaign.batches.items()))
    print(
        f"{campaign.batcher.asked.total()} more in {campaign.batches.total()} batches: {ends or 'none'}; of attempts at them {campaign.left} were lost"
    )
    for whose, took in (("worker", found.workers), ("child", found.children)):
        print(f"a dead {whose}'s step is claimable after: {spread(took.claimable)}")
        print(f"{' ' * len(whose)}                 and resumes after: {spread(took.resumed)}")
    print("\n".join([*found.reasons, *(thin := thinner(campaign))]))
    return 1 if found.bad() or left or thin else 0


def thinner(campaign: Campaign) -> list[str]:
    """What the campaign did not do of what it was to do: nothing is proved by faults that did not strike."""
    told = []
    if len(campaign.faults) < campaign.plan.faults:
        told.append(f"only {len(campaign.faults)} of {campaign.plan.faults} faults have struck")
    if campaign.killer not in (0, -signal.SIGTERM):
        told.append(f"the killer ended with {campaign.killer}")
    if campaign.posted < campaign.plan.jobs:
        told.append(f"only {campaign.posted} of {campaign.plan.jobs} jobs were posted")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--faults", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=300.0, help="time over which the faults are spread")
    parser.add_argument(
        "--patience", type=float, default=2400.0, help="time after which what has not ended is unfinished"
    )
    plan = Plan(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        workers = [Worker(name=f"worker-{i}", slots=1) for i in (1, 2)]
        settings = {f"STILLHOUSE_{name}": value for name, value in SETTINGS.items()}
        stack = Stack(Path(folder) / "home", workers=workers, settings=settings)
        campaign = Campaign(stack, plan, Path(folder))
        campaign.start()
        supervisor.run(stack)
        if campaign.error:
            raise campaign.error
        return report(campaign, orphans(Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
