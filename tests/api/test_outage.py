"""PostgreSQL stopped, and frozen, under load: an honest 503 in time, nothing promised that was not kept, recovery."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from standalone.postgres import Postgres
from tests.api.service import Service, eventually, frozen, good, running

PROMISED = 2.0  # seconds to a 503
TRANSPORT = (
    0.5  # seconds more on the clients' clocks: 24 busy ones in one process share two cores with API and PostgreSQL
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("outage")) as started:
        yield started


@dataclass
class Load:
    """What clients that never rest were answered."""

    replies: list["Reply"] = field(default_factory=list)

    def of(self, status: int) -> list["Reply"]:
        return [reply for reply in self.replies if reply.status == status]


CALLS: tuple[Callable[[httpx.Client], httpx.Response], ...] = (
    lambda client: client.post("/v1/projects", json={"name": "load"}),
    lambda client: client.get("/v1/projects?limit=5"),
    lambda client: client.post("/v1/files", files={"file": ("f", b"some rows")}, data={"purpose": "dataset"}),
    lambda client: client.post("/v1/distillations/validate", json={"name": "x"}),
)
NOUNS = {CALLS[0]: "projects", CALLS[2]: "files"}
"""What a call makes."""


class Reply(NamedTuple):
    """`asked` and `answered` are times on one clock."""

    asked: float
    answered: float
    status: int
    retry_after: str | None
    made: tuple[str, str] | None
    """Noun and id."""


@contextmanager
def load(service: Service, clients: int = 24) -> Iterator[Load]:
    """One call after the other by each client, until the block ends: projects are made, listed, files are uploaded, jobs tried out."""
    seen, over = Load(), threading.Event()

    def work(call: Callable[[httpx.Client], httpx.Response]) -> None:
        with httpx.Client(base_url=service.api.url, headers=dict(service.admin.headers), timeout=30) as client:
            while not over.is_set():
                asked = time.monotonic()
                reply = call(client)
                made = (NOUNS[call], reply.json()["id"]) if reply.status_code == 201 else None
                told = reply.status_code, reply.headers.get("retry-after"), made
                seen.replies.append(Reply(asked, time.monotonic(), *told))

    calls = [*CALLS] * (clients // len(CALLS))
    threads = [threading.Thread(target=work, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def stopped(postgres: Postgres) -> Iterator[None]:
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()
        postgres.wait_ready()


@pytest.mark.parametrize("outage", [frozen, stopped])
def test_postgres_is_away_under_load(
    service: Service, outage: Callable[[Postgres], AbstractContextManager[None]]
) -> None:
    with load(service) as seen:
        eventually(lambda: len(seen.of(201)) > 20)
        with outage(service.postgres):
            began = time.monotonic()
            already = len(seen.of(503))
            eventually(lambda: len(seen.of(503)) > already + 100, 30)
            assert service.admin.get("/healthz").status_code == 200
        recovered, before = time.monotonic(), len(seen.of(201))
        eventually(lambda: len(seen.of(201)) > before + 20, 10)
        recovered = time.monotonic() - recovered
    slowest = max(reply.answered - max(reply.asked, began) for reply in seen.of(503))
    print(f"{len(seen.of(503))} times 503, slowest {slowest:.2f} s; served again {recovered:.2f} s after the end")
    assert {reply.status for reply in seen.replies} == {200, 201, 503}
    assert slowest < PROMISED + TRANSPORT
    assert {reply.retry_after for reply in seen.of(503)} == {"2"}
    promised = {reply.made for reply in seen.of(201) if reply.made}
    kept = {(noun, one["id"]) for noun in NOUNS.values() for one in everything(service, noun)}
    assert promised <= kept, "a 201 for what is not there"
    assert {noun for noun, _ in promised} == set(NOUNS.values())


def everything(service: Service, noun: str) -> Iterator[dict[str, str]]:
    after: dict[str, str] = {}
    while True:
        page = good(service.admin.get(f"/v1/{noun}", params={"limit": 100, **after}))
        yield from page["data"]
        if not page["has_more"]:
            return
        after = {"after": page["last_id"]}


def test_readiness_says_what_is_away(service: Service) -> None:
    with stopped(service.postgres):
        error = service.admin.get("/readyz").json()["error"]
        assert [problem["code"] for problem in error["problems"]] == ["postgres_unavailable"]
        measured = service.admin.get("/metrics")
        assert "stillhouse_postgres_up 0.0" in measured.text
    eventually(lambda: service.admin.get("/readyz").status_code == 200)
    with broken(service.home / "blobs"):
        error = service.admin.get("/readyz").json()["error"]
        assert [problem["code"] for problem in error["problems"]] == ["storage_unavailable"]


@contextmanager
def broken(folder: Path) -> Iterator[None]:
    """The storage folder, as if its disk had been taken out."""
    away = folder.rename(folder.with_name("away"))
    try:
        yield
    finally:
        away.rename(folder)


def test_without_the_broker_everything_is_served(service: Service) -> None:
    service.valkey.kill()
    try:
        assert good(service.admin.get("/readyz"))["broker"] == "down"
        assert "stillhouse_broker_up 0.0" in service.admin.get("/metrics").text
        assert good(service.admin.post("/v1/projects", json={"name": "x"}))["name"] == "x"
    finally:
        service.valkey.start()
        service.valkey.wait_ready()
    eventually(lambda: good(service.admin.get("/readyz"))["broker"] == "up")


def test_a_frozen_broker_holds_up_one_request_not_all(service: Service) -> None:
    tenant = service.tenant()
    file = tenant.upload()["id"]
    service.valkey.freeze()
    try:
        began = time.monotonic()
        for _ in range(10):
            good(tenant.client.post("/v1/datasets", json={"files": [file]}))
        assert time.monotonic() - began < 10
    finally:
        service.valkey.thaw()
