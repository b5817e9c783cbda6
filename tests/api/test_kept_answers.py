"""What endpoints have said is counted and deleted: by its owner, by age, and with the project, however much it is."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from api.answers import service as answers
from api.answers.wire import AnswersDeleted
from api.database import Database
from api.deps import Caller
from api.errors import Conflicting
from api.projects.routes import delete
from models.answer import LOT, SAMPLE
from tests.api.jobs import jobs_of
from tests.api.service import Service, Tenant, good, refused
from tests.api.world import World

KEEP = text("""
INSERT INTO answers (project, digest, sample, reply, created_at)
SELECT :project, encode(sha256(convert_to(i::text, 'UTF8')), 'hex'), 0, '{"text": "long"}', to_timestamp(i)
FROM generate_series(1, :count) AS i
""")

SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep({seconds} * (SELECT count(*) FROM gone)); RETURN NULL; END $$;
CREATE TRIGGER slow AFTER DELETE ON answers REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION slow();
"""


@contextmanager
def slow(service: Service, seconds: float) -> Iterator[None]:
    """Each answer takes so long to delete."""
    engine = create_engine(service.postgres.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(SLOW.format(seconds=seconds)))
        try:
            yield
        finally:
            connection.execute(text("DROP FUNCTION slow CASCADE"))
    engine.dispose()


@asynccontextmanager
async def database(service: Service) -> AsyncIterator[Database]:
    """As an api process has it, for what takes a changed clock."""
    found = Database(service.postgres.url, 5.0)
    try:
        yield found
    finally:
        await found.close()


def keep(service: Service, project: str, count: int) -> None:
    """As many answers, of the first seconds of 1970."""
    engine = create_engine(service.postgres.url)
    with engine.begin() as connection:
        connection.execute(KEEP, {"project": project, "count": count})
    engine.dispose()


def test_they_are_counted_and_deleted_by_age(service: Service, owner: Tenant, stranger: Tenant) -> None:
    count = 2 * LOT + 7
    for tenant in (owner, stranger):
        keep(service, tenant.project, count)
    few = good(owner.client.get("/v1/answers"))
    assert (few["count"], few["exact"]) == (count, True) and few["bytes"] >= 10 * count
    gone = {"object": "answers", "deleted": LOT, "done": True}
    assert good(owner.client.delete("/v1/answers", params={"before": LOT + 1})) == gone
    assert good(owner.client.delete("/v1/answers", params={"before": LOT + 1})) == gone | {"deleted": 0}
    assert good(owner.client.get("/v1/answers"))["count"] == count - LOT
    assert good(owner.client.delete("/v1/answers")) == gone | {"deleted": count - LOT}
    assert good(owner.client.get("/v1/answers")) == {"object": "answers", "count": 0, "bytes": 0, "exact": True}
    assert good(stranger.client.get("/v1/answers")) == few


@pytest.mark.parametrize("before", ["-1", "soon", "100000000001"])
def test_a_bad_time_deletes_nothing(service: Service, owner: Tenant, before: str) -> None:
    keep(service, owner.project, 3)
    assert owner.client.delete("/v1/answers", params={"before": before}).status_code == 400
    assert owner.client.delete("/v1/answers", params={"befor": 9}).status_code == 400
    assert good(owner.client.get("/v1/answers"))["count"] == 3


def test_a_job_that_asks_keeps_them(service: Service, owner: Tenant, tmp_path: Path) -> None:
    keep(service, owner.project, 3)
    with jobs_of(owner, tmp_path) as jobs:
        id = World(jobs, owner).asking()
        assert id in refused(owner.client.delete("/v1/answers"), 409, "in_use")["message"]
        assert good(owner.client.get("/v1/answers"))["count"] == 3
        good(owner.client.post(f"/v1/distillations/{id}/cancel"))
        assert good(owner.client.delete("/v1/answers"))["deleted"] == 3


def test_a_request_ends_in_time_and_says_that_some_are_left(
    service: Service, owner: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SECONDS", 0.0)
    keep(service, owner.project, LOT + 5)

    async def twice() -> list[AnswersDeleted]:
        async with database(service) as db:
            return [await answers.sweep(db, owner.project) for _ in range(2)]

    assert asyncio.run(twice()) == [AnswersDeleted(deleted=LOT, done=False), AnswersDeleted(deleted=5, done=True)]


def test_a_project_goes_however_much_it_keeps(service: Service) -> None:
    """On a disk that takes 50 µs an answer, 40,000 in one statement are longer than the api waits for its database."""
    tenant, count = service.tenant("talkative"), 40_000
    keep(service, tenant.project, count)
    size = good(tenant.client.get("/v1/answers"))
    assert not size["exact"] and abs(size["count"] / count - 1) < 6 / SAMPLE**0.5
    with slow(service, seconds=50e-6):
        good(service.admin.delete(f"/v1/projects/{tenant.project}"))
    refused(tenant.client.get("/v1/answers"), 401, "invalid_api_key")
    refused(service.admin.get(f"/v1/projects/{tenant.project}"), 404, "not_found")


def test_a_project_that_goes_in_two_goes_is_read_by_nobody(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SECONDS", 0.0)
    tenant = service.tenant("half gone")
    keep(service, tenant.project, LOT + 5)
    administrator = Caller(project="proj_another", key="key_", scopes=frozenset({"admin"}))

    async def first() -> None:
        async with database(service) as db:
            await delete(tenant.project, administrator, db)

    with pytest.raises(Conflicting, match="kept answers") as raised:
        asyncio.run(first())
    assert raised.value.code == "not_empty"
    refused(tenant.client.get("/v1/answers"), 401, "invalid_api_key")
    good(service.admin.delete(f"/v1/projects/{tenant.project}"))
    refused(service.admin.get(f"/v1/projects/{tenant.project}"), 404, "not_found")
