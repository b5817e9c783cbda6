"""The API as it is deployed: its own process, on real PostgreSQL and Valkey."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from standalone import services
from standalone.home import Home
from standalone.postgres import Postgres
from standalone.valkey import Valkey


@dataclass
class Service:
    """Processes and how to reach them. `admin` is an administrator's client."""

    home: Path
    postgres: Postgres
    valkey: Valkey
    environment: dict[str, str]
    api: services.Api
    admin: httpx.Client
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, key: str | None) -> httpx.Client:
        """A client that says who it is with every request."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        client = httpx.Client(base_url=self.api.url, headers=headers, timeout=30, verify=False)  # noqa: S501  # plain HTTP: certificates would only be loaded
        self.clients.append(client)
        return client

    def tenant(self, name: str = "tenant", **project: Any) -> "Tenant":
        """A new project and a key of it that reads and writes."""
        made = good(self.admin.post("/v1/projects", json={"name": name, **project}))
        return Tenant(self, made["id"], self.key(made["id"], "read", "write"))

    def key(self, project: str, *scopes: str) -> str:
        body = {"name": "test", "project": project, "scopes": list(scopes)}
        key: str = good(self.admin.post("/v1/keys", json=body))["key"]
        return key

    @contextmanager
    def another(self, wrapper: Sequence[str] = (), **settings: str) -> Iterator[services.Api]:
        """A second api process on the same PostgreSQL, with other settings; `wrapper` is a command that runs it."""
        changed = {f"STILLHOUSE_{name.upper()}": value for name, value in settings.items()}
        api = services.Api(0, {**self.environment, **changed}, self.home / "logs" / "another")
        api.argv = [*wrapper, *api.argv]
        with serving(api):
            yield api


@dataclass
class Tenant:
    """A project with a client of its own."""

    service: Service
    project: str
    key: str

    def __post_init__(self) -> None:
        self.client = self.service.client(self.key)

    def upload(self, content: bytes = b"bytes", filename: str = "some.bin", purpose: str = "test") -> dict[str, Any]:
        files = {"file": (filename, content)}
        return good(self.client.post("/v1/files", files=files, data={"purpose": purpose}))


@contextmanager
def running(home: Path, **settings: str) -> Iterator[Service]:
    """A whole service below `home`, migrated, with its first key."""
    postgres, valkey = Postgres(home, durable=False), Valkey(home)
    try:
        for process in (postgres, valkey):
            process.start()
        for process in (postgres, valkey):
            process.wait_ready()
        changed = {f"STILLHOUSE_{name.upper()}": value for name, value in settings.items()}
        environment = {**os.environ, **Home(home).variables(postgres.url, valkey.url), **changed}
        services.migrate(environment)
        key = services.first_key(environment)
        api = services.Api(0, environment, home / "logs")
        headers = {"authorization": f"Bearer {key}"}
        with serving(api), httpx.Client(base_url=api.url, headers=headers, timeout=30) as admin:
            service = Service(home, postgres, valkey, environment, api, admin)
            try:
                yield service
            finally:
                for client in service.clients:
                    client.close()
    finally:
        for process in (valkey, postgres):
            process.stop()


@contextmanager
def serving(api: services.Api) -> Iterator[None]:
    """From the first good answer on, until it is stopped again."""
    try:
        api.start()
        api.wait_ready()
        yield
    finally:
        api.stop()
        api.listener.close()


@contextmanager
def frozen(postgres: Postgres) -> Iterator[None]:
    """Stops the server with all its backends, as a machine that hangs does: sockets stay open, nothing answers."""
    everyone = [postgres.pid, *children(postgres.pid)]
    for pid in everyone:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in everyone:
            os.kill(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def good(reply: httpx.Response) -> dict[str, Any]:
    """The body of a reply that is not an error."""
    assert reply.is_success, f"{reply.status_code} {reply.text}"
    body: dict[str, Any] = reply.json()
    return body


def refused(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error of a reply that must be one, in the envelope, with its request's id."""
    assert reply.status_code == status, f"{reply.status_code} {reply.text}"
    error: dict[str, Any] = reply.json()["error"]
    assert error["code"] == code, error
    assert error["message"] and error["type"] and reply.headers["x-request-id"].startswith("req_")
    return error


def turned_away(reply: httpx.Response, status: int, code: str) -> None:
    """The same of a reply in whichever dialect its route speaks: ours, Amazon's or Google's."""
    if (kind := reply.headers.get("x-amzn-errortype")) is not None:
        assert (reply.status_code, kind) == (403, "AccessDeniedException"), reply.text
        assert f"[{code}" in reply.json()["message"], reply.text
    elif "details" in reply.json()["error"]:
        error = reply.json()["error"]
        assert (reply.status_code, error["details"][0]["reason"]) == (status, code), reply.text
    else:
        refused(reply, status, code)


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
