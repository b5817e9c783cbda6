"""An Idempotency-Key: however often a POST arrives, one thing is made and every reply is the same."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.api.jobs import jobs_of
from tests.api.service import Service, Tenant, good, refused

TIMES = 100


@pytest.fixture
def crowd(service: Service) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_connections=TIMES)
    with httpx.Client(base_url=service.api.url, limits=limits, timeout=30) as client:
        yield client


@pytest.mark.parametrize("noun", ["datasets", "distillations"])
def test_a_hundred_equal_posts_make_one_job(owner: Tenant, crowd: httpx.Client, tmp_path: Path, noun: str) -> None:
    headers = {"authorization": f"Bearer {owner.key}", "idempotency-key": f"many-{noun}"}
    with jobs_of(owner, tmp_path) as jobs:
        body = jobs.spec() if noun == "distillations" else {"files": [owner.upload()["id"]]}
        before = {item["id"] for item in good(owner.client.get(f"/v1/{noun}"))["data"]}
        with ThreadPoolExecutor(TIMES) as pool:
            replies = list(pool.map(lambda _: crowd.post(f"/v1/{noun}", json=body, headers=headers), range(TIMES)))
    assert [reply.status_code for reply in replies] == [201] * TIMES
    assert len({reply.content for reply in replies}) == 1
    after = {item["id"] for item in good(owner.client.get(f"/v1/{noun}"))["data"]}
    assert after - before == {good(replies[0])["id"]}


@pytest.mark.parametrize("noun", ["projects", "keys", "files"])
def test_a_hundred_equal_posts_make_one(service: Service, owner: Tenant, crowd: httpx.Client, noun: str) -> None:
    secret = owner.key if noun == "files" else service.admin.headers["authorization"].removeprefix("Bearer ")
    headers = {"authorization": f"Bearer {secret}", "idempotency-key": f"many-{noun}-{owner.project}"}

    def post(_: int) -> httpx.Response:
        if noun == "files":
            files = {"file": ("f", b"the same")}
            return crowd.post("/v1/files", files=files, data={"purpose": "x"}, headers=headers)
        body = {"name": "many"} if noun == "projects" else {"name": "many", "project": owner.project}
        return crowd.post(f"/v1/{noun}", json=body, headers=headers)

    with ThreadPoolExecutor(TIMES) as pool:
        replies = list(pool.map(post, range(TIMES)))
    assert [reply.status_code for reply in replies] == [201] * TIMES
    assert len({reply.content for reply in replies}) == 1
    made = good(replies[0])["id"]
    page = {"files": lambda: owner.client.get("/v1/files"), "keys": lambda: owner.client.get("/v1/keys")}
    listed = page.get(noun, lambda: service.admin.get("/v1/projects"))()
    many = [item["id"] for item in good(listed)["data"] if item.get("name", "many") == "many"]
    assert many.count(made) == 1
    assert noun == "projects" or many == [made]


def send(tenant: Tenant, key: str, content: bytes = b"one", filename: str = "f", purpose: str = "x") -> httpx.Response:
    files, headers = {"file": (filename, content)}, {"idempotency-key": key}
    return tenant.client.post("/v1/files", files=files, data={"purpose": purpose}, headers=headers)


def test_another_body_is_refused(owner: Tenant) -> None:
    first = good(send(owner, "once"))
    assert good(send(owner, "once")) == first
    for changed in ((b"two", "f", "x"), (b"one", "g", "x"), (b"one", "f", "y")):
        reply = send(owner, "once", *changed)
        refused(reply, 409, "idempotency_key_reused")
        assert reply.headers["x-should-retry"] == "false"
    assert len(good(owner.client.get("/v1/files"))["data"]) == 1


def test_what_was_refused_can_be_sent_again(service: Service) -> None:
    small = service.tenant(quota_bytes=2)
    refused(send(small, "tried", b"three"), 507, "quota_exceeded")
    with psycopg.connect(libpq(service)) as connection:
        connection.execute("UPDATE projects SET quota_bytes = 5000 WHERE id = %s", (small.project,))
    good(send(small, "tried", b"three"))


def test_a_key_is_forgotten_after_a_day(service: Service, owner: Tenant) -> None:
    first = good(send(owner, "daily"))
    for age, same in (("23 hours 59 minutes", True), ("24 hours 1 minute", False)):
        with psycopg.connect(libpq(service)) as connection:
            older = "UPDATE idempotency_keys SET created_at = now() - %s::interval WHERE project = %s"
            connection.execute(older, (age, owner.project))
        again = good(send(owner, "daily"))
        assert (again == first) is same


def test_projects_do_not_share_keys(owner: Tenant, stranger: Tenant) -> None:
    assert len({good(send(tenant, "mine"))["id"] for tenant in (owner, stranger)}) == 2


def test_no_secret_is_kept_with_the_reply(service: Service, owner: Tenant) -> None:
    body = {"name": "secret", "project": owner.project}
    headers = {"idempotency-key": f"secret-{owner.project}"}
    secret = good(service.admin.post("/v1/keys", json=body, headers=headers))["key"]
    assert good(service.admin.post("/v1/keys", json=body, headers=headers))["key"] == secret
    with psycopg.connect(libpq(service)) as connection:
        rows = connection.execute("SELECT k::text FROM keys k UNION ALL SELECT i::text FROM idempotency_keys i")
        assert not [row for (row,) in rows if secret in row]


def libpq(service: Service) -> str:
    return service.postgres.url.replace("+psycopg", "")
