"""The whole stack as one object: the command `up` runs it, and so do acceptance tests, the chaos campaign and benchmarks."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from standalone import secret
from standalone.home import Home
from standalone.postgres import Postgres
from standalone.process import Process
from standalone.services import Api, CeleryWorker, Worker, first_key, migrate
from standalone.valkey import Valkey


class Stack:
    """PostgreSQL, Valkey, api and workers in one home folder.

        with Stack(tmp_path, durable=False, settings={"STILLHOUSE_LEASE_SECONDS": "2"}) as stack:
            stack["worker"].kill()
            stack["worker"].start()
            client = Stillhouse(base_url=stack.url, api_key=stack.key)

    Start it from a thread that lives on. `settings` go to api and workers, `api_settings` to the api alone.
    """

    def __init__(
        self, home: Path, *, port: int = 0, workers: Sequence[Worker] = (Worker(),), durable: bool = True,
        settings: Mapping[str, str] | None = None, api_settings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """`durable=False`: PostgreSQL does without fsync. Raises Occupied, PortTaken."""
        self.home = Home(home)
        self._lock = self.home.lock()
        self.postgres = Postgres(self.home.path, durable=durable)
        self.valkey = Valkey(self.home.path)
        own = self.home.variables(self.postgres.url, self.valkey.url)
        self.environment = {**os.environ, **own, **(settings or {})}
        """What api and workers see; give it to `python -m api.admin` and the like."""
        self.api = Api(port, {**self.environment, **(api_settings or {})}, self.home.logs)
        self.workers = [CeleryWorker(worker, self.environment, self.home.logs) for worker in workers]
        self.made_key = False
        """Whether this start made the first key."""

    @property
    def processes(self) -> list[Process]:
        """In the order in which they start."""
        return [self.postgres, self.valkey, self.api, *self.workers]

    def __getitem__(self, name: str) -> Process:
        """`postgres`, `valkey`, `api`, or a worker's name."""
        return next(process for process in self.processes if process.name == name)

    @property
    def url(self) -> str:
        return self.api.url

    @property
    def key(self) -> str:
        """The first admin key. Raises FileNotFoundError where somebody took it away."""
        return self.home.key_file.read_text().strip()

    def start(self) -> None:
        """Everything, side by side where it can be. Raises NotReady; what had started is stopped then."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self.postgres.start()
        self.valkey.start()
        self.postgres.wait_ready()
        migrate(self.environment)
        for process in (self.api, *self.workers):
            process.start()
        self.valkey.wait_ready()
        if not self.home.key_file.exists() and (key := first_key(self.environment)):
            secret.write(self.home.key_file, key)
            self.made_key = True
        self.api.wait_ready()
        for worker in self.workers:
            worker.wait_ready(ready=partial(self._arrived, worker))

    def _arrived(self, worker: CeleryWorker) -> bool:
        """Whether it has announced itself; without a key nobody can be asked, and it is taken to be ready when it runs."""
        if not self.home.key_file.exists():
            return worker.running()
        listed = self.api.get("/v1/workers?limit=100", self.key)
        return listed is not None and worker.arrived(listed["data"])

    def stop(self) -> None:
        """Api and workers first, then what they stand on. The home is free for others afterwards."""
        above: Iterable[Process] = (self.api, *self.workers)
        for process in above:
            process.ask()
        for process in (*above, self.valkey, self.postgres):
            process.stop()
        self.api.listener.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
