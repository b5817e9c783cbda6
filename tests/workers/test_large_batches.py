"""Steps of more calls than a file of a batch takes, with a real server behind a socket: several files go off, and each call is made and paid for once."""

from pathlib import Path

import pytest

from gateway import spool
from gateway.batch import LINES
from models.batch import BatchState
from tests.examples.serving import TEXTS, serving, table
from tests.models.world import World
from tests.workers.desk import begun, booked
from tests.workers.post import FLAGS, Bill, answers, batches, form, run
from workers.claim import Ledger


@pytest.mark.parametrize(("most", "rows"), [(900, 2_000), pytest.param(LINES, LINES + 100, marks=pytest.mark.proof)])
def test_what_no_file_takes_goes_off_in_several(
    world: World, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, rows: int
) -> None:
    monkeypatch.setattr(spool, "LINES", most)
    known = list(TEXTS)
    texts = [f"Question {number}\n\nText: {known[number % len(known)]}" for number in range(rows)]
    work = begun(world, world.project(), 1_000.0)
    with serving("--table", table(tmp_path / "t.jsonl"), *FLAGS) as server:
        bill = Bill(server)
        courier, told = run(ledger, work, server, texts, form())
        assert courier.stopped is None and bill.calls == rows
        paid = bill.usd
    found = answers(told)
    assert [found[number] for number in range(rows)] == [[TEXTS[known[number % len(known)]]] for number in range(rows)]
    sent = batches(world)
    full, rest = divmod(rows, most)
    assert sorted(one.settled for one in sent) == [rest, *[most] * full]
    assert {one.state for one in sent} == {BatchState.DONE} and sum(one.open for one in sent) == 0
    assert booked(world, work.grip.job) == pytest.approx(paid, abs=1e-6 * (rows / 500 + len(sent)))
