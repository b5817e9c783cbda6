"""Batches that fail as a whole, at a server that says so: at once, or on their way."""

import asyncio

import pytest

from gateway.courier import Courier
from models import lease
from models.batch import BatchState
from models.start import Work
from spec.gateway import Told
from tests.examples.serving import Client
from tests.models.world import World
from tests.workers.desk import begun, booked
from tests.workers.post import ROWS, Bill, answers, batches, form, post, run
from tests.workers.script import Reply, said, spoken
from workers.claim import Ledger

MADE = {"id": "batch_1", "status": "in_progress"}
FAILED = MADE | {"status": "failed", "errors": {"data": [{"code": "billing", "message": "out of credit"}]}}
REPLY = {"choices": [{"message": {"content": "A"}}], "usage": {"prompt_tokens": 10, "completion_tokens": 1}}
DISCARD, DISCARD_RESULTS = "DELETE /files/file-1", "DELETE /files/file-2"


def failing(ledger: Ledger, work: Work, **files: str) -> tuple[Courier, list[Told], list[str]]:
    """A batch of five calls, and what was asked of the server."""
    replies: dict[str, list[Reply]] = {
        "POST /files": [said({"id": "file-1"})],
        "POST /batches": [said(MADE)],
        "GET /batches/batch_1": [said(MADE), said(FAILED | files)],
        "GET /files/file-2/content": [said({"custom_id": "1", "response": {"status_code": 200, "body": REPLY}})],
        DISCARD: [said({}, 404)],
        DISCARD_RESULTS: [said({})],
    }

    async def go() -> tuple[Courier, list[Told], list[str]]:
        async with spoken(replies) as script:
            courier, told = await post(ledger, work, script, ROWS[:5], form())
            return courier, told, script.asked

    return asyncio.run(go())


def test_a_batch_that_is_refused_costs_nothing_and_its_file_goes(world: World, ledger: Ledger) -> None:
    work = begun(world, world.project(), 1.0)
    courier, told, asked = failing(ledger, work)
    assert courier.stopped is not None and courier.stopped.code == "endpoint_refuses"
    assert courier.stopped.message == "ep_server has refused a batch: out of credit"
    assert (batches(world)[0].state, booked(world, work.grip.job)) == (BatchState.VOID, 0)
    assert not answers(told) and asked[-1] == DISCARD


def test_what_a_batch_has_made_before_it_failed_is_kept(world: World, ledger: Ledger, server: Client) -> None:
    """And paid; what it has not made is free, and is sent again after `resume`."""
    bill, work = Bill(server), begun(world, world.project(), 1.0)
    courier, told, asked = failing(ledger, work, output_file_id="file-2")
    assert courier.stopped is not None and courier.stopped.code == "endpoint_refuses"
    assert courier.stopped.message == "ep_server has given up a batch: out of credit"
    assert answers(told) == {1: ["A"]} and asked[-2:] == [DISCARD, DISCARD_RESULTS]
    (one,) = batches(world)
    assert (one.state, one.open) == (BatchState.DONE, 0)
    assert booked(world, work.grip.job) == pytest.approx((10 * 20 + 40) / 2 / 1e6)
    world.outlive(work.grip)
    world(lease.expire, work.grip.step, work.grip.job)
    _, told = run(ledger, world.begin("io"), server, ROWS[:5], form())
    assert len(answers(told)) == 5 and bill.calls == 4
