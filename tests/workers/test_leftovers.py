"""What a job that has ended leaves with an endpoint: its batch is cancelled, or fetched and settled all the same."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gateway.carrier import GRACE
from gateway.seal import Keyring
from models import intent, lease, postage
from models.answer import StoredAnswer
from models.batch import KEPT, Batch, BatchState
from models.endpoint import Endpoint
from models.postage import Entry, Parcel
from models.start import Work
from tests.examples.serving import KEY, Client
from tests.models.world import World
from tests.workers.desk import begun, booked
from tests.workers.leashed import until
from tests.workers.post import ROWS, Bill, batches, form, noted, run
from tests.workers.script import Reply, Script, said, spoken
from workers import leftovers
from workers.claim import Ledger
from workers.post import Post

MICRO = 1e-6
LOOK, FILE, LIST = "GET /batches/batch_1", "GET /files/file-2/content", "GET /batches"
DISCARD = "DELETE /files/file-1"
ENDED = {"id": "batch_1", "status": "completed", "output_file_id": "file-2"}
BUSY = said({}, 429)
RESULT = said({"custom_id": "0", "error": {"message": "no"}})
BROKEN = """
CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
CREATE TRIGGER broken BEFORE UPDATE ON batches FOR EACH ROW WHEN (OLD.state = 'left' AND OLD.id = 'bat_a') EXECUTE FUNCTION broken()
"""


def left_behind(world: World, work: Work, row: Endpoint, *ids: str, **known: str) -> None:
    """Batches of one call at an endpoint, whose job has ended."""
    for id in ids:
        parcel = Parcel(
            id=id, endpoint=row.id, place=row.known().digest, price=None, entries=[Entry("d", 0, 1, 700_000)], least=1
        )
        world(postage.stamp, work.grip, parcel)
        world(postage.note, id, file="file-1", **{name: value.format(id=id) for name, value in known.items()})
    world.end(work.grip, "stopped", bare=True)
    world(intent.cancel, work.project, work.grip.job)


def fetched(
    world: World, work: Work, post: Post, replies: Mapping[str, list[Reply]], *ids: str, **known: str
) -> Script:
    """Batches of one call at a server that says so, which the job has left, the first of `ids` the oldest. They are looked at once."""

    async def run() -> Script:
        async with spoken(replies) as script:
            row = Endpoint(project=work.project, id="ep_server", wire="openai", url=script.url, private=True)
            world(lambda session: session.add(row))
            left_behind(world, work, row, *ids, **known)
            await asyncio.to_thread(leftovers.fetch, post)
            return script

    post.queues = ("io",)
    return asyncio.run(run())


def test_a_cancelled_job_cancels_its_batch(world: World, ledger: Ledger, server: Client) -> None:
    bill, project = Bill(server), world.project()
    work = begun(world, project, 1.0)
    server.faults(shares={"slow_batch": 1.0}, seconds=60.0)
    run(ledger, work, server, ROWS[:20], form(), until=lambda courier: bool(noted(world)), cancelled=True)
    world(intent.cancel, project, work.grip.job)
    world.end(work.grip, "stopped", bare=True)
    assert world.job(work.grip.job).state == "cancelled"
    assert (bill.calls, booked(world, work.grip.job), batches(world)[0].state) == (0, 0, BatchState.DONE)


def test_what_a_job_leaves_is_settled_all_the_same(world: World, ledger: Ledger, server: Client, post: Post) -> None:
    """Its worker has died, and the user cancels: money stays set aside until the batch is fetched, or nobody tells of it any more."""
    project, bill = world.project(), Bill(server)
    row = Endpoint(project=project, id="ep_server", wire="openai", url=server.url, private=True)
    world(lambda session: session.add(row))
    how = replace(form(), digest=row.known().digest)
    work = begun(world, project, 1.0)
    server.faults(shares={"slow_batch": 1.0}, seconds=0.5)
    run(ledger, work, server, ROWS[:20], how, until=lambda courier: bool(noted(world)))
    world.outlive(work.grip)
    world(intent.cancel, project, work.grip.job)
    world(lease.expire, work.grip.step, work.grip.job)
    (one,) = batches(world)
    assert (one.state, one.open) == (BatchState.LEFT, sum(line[3] for line in one.lines))
    assert booked(world, work.grip.job) == 0

    def aged(session: Session) -> None:
        """As if it had been paused for longer than an endpoint needs."""
        held = session.scalars(select(Batch)).one()
        held.created_at -= 2 * KEPT

    world(aged)
    post.queues = ("io",)
    leftovers.fetch(post)  # without its key it is refused
    assert batches(world)[0].state == BatchState.LEFT
    until(lambda: bill.calls == 20)
    master = bytes(32)
    sealed = Keyring((master,)).seal(KEY, project=project, endpoint="ep_server")

    def with_key(session: Session) -> None:
        held = session.get_one(Endpoint, (project, "ep_server"))
        held.sealed_by, held.sealed = sealed.key, sealed.box

    world(with_key)
    post.settings = post.settings.model_copy(update={"sealing_keys": b64encode(master).decode()})

    def fetched() -> bool:
        leftovers.fetch(post)
        return batches(world)[0].state == BatchState.DONE

    until(fetched)
    kept = world(lambda s: s.scalar(select(func.count()).where(StoredAnswer.project == project)))
    assert kept == 20 and booked(world, work.grip.job) == pytest.approx(bill.usd, abs=MICRO)


@pytest.mark.parametrize("queue", ["io", "cpu"])
def test_what_is_not_settled_for_days_is_booked_as_paid(world: World, ledger: Ledger, post: Post, queue: str) -> None:
    """Whatever the endpoint says: the days count from the first look, also of a worker that cannot ask it, where no other is there."""
    project, post.queues = world.project(), (queue,)
    work = begun(world, project, 1.0)
    replies: list[Reply] = [said({}, 500), said({"id": "batch_1", "status": "cancelling"})]
    asked = ["GET /batches/batch_1"] if queue == "io" else []

    async def look(script: Script) -> Batch:
        script.asked.clear()
        await asyncio.to_thread(leftovers.fetch, post)
        assert script.asked == asked
        return batches(world)[0]

    async def run() -> None:
        async with spoken({"GET /batches/batch_1": replies}) as script:
            row = Endpoint(project=project, id="ep_server", wire="openai", url=script.url, private=True)
            world(lambda session: session.add(row))
            parcel = Parcel(
                id="bat_x", endpoint="ep_server", place=row.known().digest, price=None,
                entries=[Entry("d", 0, 1, 700_000)], least=1,
            )  # fmt: skip
            ledger(postage.stamp, work.grip, parcel)
            ledger(postage.note, "bat_x", file="file-1", remote="batch_1")
            world.end(work.grip, "stopped", bare=True)
            world(intent.cancel, project, work.grip.job)
            first = await look(script)
            assert first.silent_since is not None and (await look(script)).silent_since == first.silent_since
            assert batches(world)[0].state == BatchState.LEFT and booked(world, work.grip.job) == 0
            world(aged)
            assert (await look(script)).state == BatchState.VOID

    def aged(session: Session) -> None:
        """For as long as that."""
        held = session.scalars(select(Batch)).one()
        assert held.silent_since is not None
        held.silent_since -= KEPT

    asyncio.run(run())
    assert booked(world, work.grip.job) == pytest.approx(0.7) and batches(world)[0].open == 0


def test_who_cannot_ask_leaves_it_to_who_can(world: World, ledger: Ledger, post: Post) -> None:
    work = begun(world, world.project(), 1.0)
    entries = [Entry("d", 0, 1, 700_000)]
    ledger(postage.stamp, work.grip, Parcel(id="bat_x", endpoint="ep", place="p", price=None, entries=entries, least=1))
    ledger(postage.note, "bat_x", file="file-1", remote="batch_1")
    world.end(work.grip, "stopped", bare=True)
    world(intent.cancel, work.project, work.grip.job)
    world.connect(0.0, "io", id="wrk_io")
    leftovers.fetch(post)
    assert batches(world)[0].silent_since is None


@pytest.mark.parametrize(
    ("replies", "known", "asked"),
    [
        ({LIST: [BUSY, said({"data": []})]}, {}, [LIST]),
        ({LOOK: [said(ENDED)], FILE: [BUSY, said({})]}, {"remote": "batch_1"}, [LOOK, FILE]),
    ],
    ids=["list", "file"],
)
def test_who_is_busy_is_asked_again_another_time(
    world: World, post: Post, replies: Mapping[str, list[Reply]], known: dict[str, str], asked: list[str]
) -> None:
    """Other duties wait for this one."""
    script = fetched(world, begun(world, world.project(), 1.0), post, replies, "bat_x", **known)
    assert script.asked == asked and batches(world)[0].state == BatchState.LEFT


def test_the_file_of_a_batch_that_was_never_made_goes(world: World, post: Post) -> None:
    post.settings = post.settings.model_copy(update={"batch_seconds": 0.01})
    replies: dict[str, list[Reply]] = {LIST: [said({"data": []})], DISCARD: [said({})]}
    script = fetched(world, begun(world, world.project(), 1.0), post, replies, "bat_x")
    assert script.asked == [*[LIST] * (GRACE + 1), DISCARD] and batches(world)[0].state == BatchState.VOID


def test_one_that_cannot_be_settled_keeps_nobody_from_the_others(world: World, post: Post) -> None:
    """Nor do its days."""
    world(lambda session: session.execute(text(BROKEN)))
    first, second = "GET /batches/batch_of_bat_a", "GET /batches/batch_of_bat_b"
    replies: dict[str, list[Reply]] = {
        first: [said(ENDED | {"id": "batch_of_bat_a"})],
        second: [said(ENDED | {"id": "batch_of_bat_b", "status": "cancelling"})],
        FILE: [RESULT],
    }
    work = begun(world, world.project())
    script = fetched(world, work, post, replies, "bat_a", "bat_b", remote="batch_of_{id}")
    assert script.asked in ([first, FILE, second], [second, first, FILE])
    assert [(one.id, one.state, one.silent_since is None) for one in batches(world)] == [
        ("bat_a", BatchState.LEFT, True),
        ("bat_b", BatchState.LEFT, False),
    ]


def test_a_batch_that_is_slow_leaves_the_others_of_its_endpoint_their_turn(
    world: World, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One trickles, in whichever order they are looked at."""
    monkeypatch.setattr(leftovers, "ONE", 1.0)
    looks = {f"GET /batches/batch_of_bat_{one}": f"batch_of_bat_{one}" for one in "ab"}
    replies: dict[str, list[Reply]] = {look: [said(ENDED | {"id": id})] for look, id in looks.items()}
    replies["GET /batches/batch_of_bat_a"] = [said(ENDED | {"id": "batch_of_bat_a", "output_file_id": "file-3"})]
    replies |= {FILE: [RESULT], "GET /files/file-3/content": [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]}
    replies |= {DISCARD: [said({})], "DELETE /files/file-2": [said({})]}
    fetched(world, begun(world, world.project()), post, replies, "bat_a", "bat_b", remote="batch_of_{id}")
    assert [one.state for one in batches(world)] == [BatchState.LEFT, BatchState.DONE]


@pytest.mark.parametrize("bound", ["LOOK", "VISIT"])
def test_an_endpoint_that_is_silent_keeps_nobody_from_the_others(
    world: World, post: Post, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Of another project; and each look has an end, and so has all that it is asked."""
    monkeypatch.setattr(leftovers, bound, 2.0)
    post.queues = ("io",)
    replies: dict[str, list[Reply]] = {LOOK: [said(ENDED)], FILE: [RESULT]}

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def run() -> tuple[float, float]:
        async with await asyncio.start_server(nothing, "127.0.0.1", 0) as server, spoken(replies) as script:
            silent = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            for id, url in (("bat_a", silent), ("bat_b", script.url)):
                project = world.project()
                row = Endpoint(project=project, id="ep_server", wire="openai", url=url, private=True)
                world(Session.add, row)
                left_behind(world, begun(world, project, 1.0), row, id, remote="batch_1")
            began = time.monotonic()
            fetching = asyncio.create_task(asyncio.to_thread(leftovers.fetch, post))
            while FILE not in script.asked:  # noqa: ASYNC110  # it is asked from another thread
                await asyncio.sleep(0.01)
            first = time.monotonic() - began
            await fetching
            return first, time.monotonic() - began

    first, last = asyncio.run(run())
    assert first < 2.0 <= last < 15.0
    assert {one.id: one.state for one in batches(world)} == {"bat_a": BatchState.LEFT, "bat_b": BatchState.DONE}


def test_a_batch_goes_after_its_job(world: World, post: Post) -> None:
    """Once it is settled, where the job was deleted before that."""
    project = world.project()
    works = [begun(world, project) for _ in range(2)]

    def make(session: Session) -> None:
        for id, job, state in (
            ("a", 0, "done"),
            ("b", 0, "left"),
            ("c", 1, "done"),
            ("d", 0, "void"),
            ("e", 1, "open"),
        ):
            grip = works[job].grip
            session.add(
                Batch(
                    id=f"bat_{id}", project=project, endpoint="ep", place="p", job=grip.job, step=grip.step, fence=1, state=state,
                    lines=[], open=0,
                )
            )  # fmt: skip
        session.execute(text("DELETE FROM steps WHERE job = :job").bindparams(job=works[0].grip.job))
        session.execute(text("DELETE FROM jobs WHERE id = :job").bindparams(job=works[0].grip.job))

    world(make)
    leftovers.fetch(post)
    assert sorted(one.id for one in batches(world)) == ["bat_b", "bat_c", "bat_e"]
