"""Our own processes: migrations, the first key, api and workers."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standalone.process import ROOT, Process

HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One worker process: a stable name, the queues it drains, and how many steps it runs at once."""

    name: str = "worker"
    queues: str = "gpu,cpu,io"
    slots: int = 2
    settings: Mapping[str, str] = field(default_factory=dict)


class PortTaken(RuntimeError):
    """Another program listens there."""


def listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=512)
    except OSError as error:
        other = f'make up ARGS="--port {port + 1}" (of make demo: STILLHOUSE_PORT={port + 1} make demo)'
        raise PortTaken(f"cannot listen on {HOST}:{port}: {error.strerror}; choose another port: {other}") from error


class Api(Process):
    """The web process on a socket that we listen on: while it is away, connections wait for its return."""

    def __init__(self, port: int, environment: Mapping[str, str], logs: Path) -> None:
        """Port 0: any. Raises PortTaken."""
        self.listener = listen(port)
        self.port: int = self.listener.getsockname()[1]
        descriptor = self.listener.fileno()
        argv = [sys.executable, "-m", "uvicorn", "api.main:create_app", "--factory", "--fd", str(descriptor)]
        argv += ["--timeout-graceful-shutdown", "2", "--no-access-log"]
        super().__init__("api", argv, log=logs / "api.log", environment=environment, descriptors=[descriptor])

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def ready(self) -> bool:
        return self.get("/readyz") is not None

    def get(self, path: str, key: str = "") -> Any:
        """JSON of a good reply; None: there was none within a second."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=1)
        try:
            connection.request("GET", path, headers={"authorization": f"Bearer {key}"} if key else {})
            response = connection.getresponse()
            return json.loads(response.read()) if response.status == http.client.OK else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class CeleryWorker(Process):
    """A supervisor of children. Warm shutdown on SIGTERM: running steps write a checkpoint and are given back."""

    death_signal = signal.SIGTERM

    def __init__(self, worker: Worker, environment: Mapping[str, str], logs: Path) -> None:
        argv = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-P", "threads", "-c", str(worker.slots)]
        argv += ["-Q", worker.queues, "-n", f"{worker.name}@%h"]
        argv += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        log = logs / f"{worker.name}.log"
        super().__init__(worker.name, argv, log=log, environment={**environment, **worker.settings})

    def arrived(self, listed: list[dict[str, Any]]) -> bool:
        """Whether `GET /v1/workers` knows of this start of ours."""
        mine = (each for each in listed if each["name"].partition("@")[0] == self.name)
        return any(each["connected"] and each["started_at"] >= int(self.started_at) for each in mine)


def migrate(environment: Mapping[str, str]) -> None:
    """Brings the tables up to date."""
    _once(["alembic", "upgrade", "head"], environment)


def first_key(environment: Mapping[str, str]) -> str | None:
    """The admin key, if there was no key at all."""
    found = re.search(r"sh_live_\w+", _once(["api.admin", "first-key"], environment))
    return found[0] if found else None


def _once(module: list[str], environment: Mapping[str, str]) -> str:
    argv = [sys.executable, "-m", *module]
    done = subprocess.run(
        argv, env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True, check=False, process_group=0
    )
    if done.returncode:
        raise RuntimeError(f"`python -m {' '.join(module)}` failed:\n{done.stderr[-4000:]}")
    return done.stdout
