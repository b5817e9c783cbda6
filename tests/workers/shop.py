"""Real workers on real PostgreSQL and Valkey, with a home of their own; jobs are submitted as in tests/models."""

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from models.worker import Worker
from standalone import services
from standalone.valkey import Valkey
from storage import LocalStorage
from tests.models.world import Planned, World
from tests.workers.leashed import until

LEASE = 3.0
SETTINGS = {
    "lease_seconds": LEASE,
    "heartbeat_seconds": 0.3,
    "sweep_seconds": 0.4,
    "linger_seconds": 0.5,
    "stop_seconds": 1.5,
}


class Shop:
    """Workers by name; `world` sees their database."""

    def __init__(self, home: Path, database_url: str, valkey: Valkey) -> None:
        self.home, self.database_url, self.valkey = home, database_url, valkey
        self.world = World(database_url)
        self.storage = LocalStorage(str(home / "blobs"))
        self.workers: dict[str, services.CeleryWorker] = {}

    def hire(
        self,
        name: str = "one",
        *,
        slots: int = 2,
        wrapper: Sequence[str] = (),
        path: Path | None = None,
        **settings: object,
    ) -> services.CeleryWorker:
        """Starts a worker and waits until it is registered. `path`: the only folder in which it finds programs."""
        given = {**SETTINGS, **settings}
        environment = {f"STILLHOUSE_{key.upper()}": str(value) for key, value in given.items()} | {
            "STILLHOUSE_DATABASE_URL": self.database_url,
            "STILLHOUSE_BROKER_URL": self.valkey.url,
            "STILLHOUSE_STORAGE": str(self.home / "blobs"),
            "STILLHOUSE_SCRATCH": str(self.home / "scratch"),
        }
        worker = services.CeleryWorker(
            services.Worker(name=name, slots=slots),
            {**os.environ, **environment, **({"PATH": str(path)} if path else {})},
            self.home,
        )
        worker.argv = [*wrapper, *(part.replace("workers.app", "tests.workers.station") for part in worker.argv)]
        self.workers[name] = worker
        worker.start()
        until(lambda: "worker_arrived" in worker.log.read_text())
        return worker

    def holder(self, job: str, step: str = "train") -> services.CeleryWorker:
        """The worker that runs a step."""
        held = self.world(lambda session: session.get(Worker, self.world.steps(job)[step].owner))
        assert held is not None
        return self.workers[held.name.partition("@")[0]]

    def state(self, job: str) -> str:
        return self.world.job(job).state

    def wait(self, job: str, *states: str, seconds: float = 90.0) -> str:
        """Until the job is in one of these states."""
        until(lambda: self.state(job) in states, seconds)
        return self.state(job)

    def output(self, job: str, step: str = "train") -> bytes:
        """The bytes that a step made, out of storage."""
        file = self.world.steps(job)[step].outputs["model.bin"]
        return b"".join(self.storage.read(file["digest"]))

    def messages(self, job: str) -> list[str]:
        return [event.message for event in self.world.events(job) if event.type == "message"]

    def checkpointed(self, job: str, step: str = "train") -> int:
        """The step of the newest checkpoint that counts; 0 for none."""
        kept = self.world.steps(job)[step].checkpoints
        return int(kept[0]["step"]) if kept else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers.values():
            if worker.running():
                worker.thaw()
                worker.ask()
        for worker in self.workers.values():
            worker.stop()
            if kind is not None:
                print(worker.log.read_text()[-6000:])
        self.world.close()


def train(steps: int = 60, *, pace: float = 0.02, name: str = "train", **params: object) -> Planned:
    """One step of so many hashes."""
    return Planned(name=name, divisible=True, params={"steps": steps, "pace": pace, **params})


def unbroken(steps: int, seed: int = 0) -> bytes:
    """What `train` makes when nothing happens to it, computed here."""
    state = sha256(b"start" + str(seed).encode()).hexdigest()
    for _ in range(steps):
        state = sha256(state.encode()).hexdigest()
    return state.encode()
