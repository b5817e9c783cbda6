"""Real PostgreSQL for tests: one server a session, migrated once, and a database of its own for whoever asks."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Self

import psycopg

from standalone import postgres
from standalone.services import migrate

TEMPLATE = "stillhouse"


class Server:
    """A server, without fsync unless it is to be killed, and its databases."""

    def __init__(self, home: Path, *, durable: bool = False) -> None:
        self.process = postgres.start(home, durable=durable)
        self._numbers = count()

    def __enter__(self) -> Self:
        migrate({**os.environ, "STILLHOUSE_DATABASE_URL": self.process.url})
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    @contextmanager
    def database(self) -> Iterator[str]:
        """The SQLAlchemy URL of a new, migrated database."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield self.process.url_of(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def freeze(self) -> None:
        """The whole server: its backends answer nobody."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def _execute(self, statement: str) -> None:
        admin = self.process.url_of("postgres").replace("+psycopg", "")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(statement)
