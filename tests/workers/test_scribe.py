"""What a scribe takes over of what a child tells."""

import json
from pathlib import Path

import pytest

from models.start import Work
from spec.run import CHECKPOINTS, EVENTS
from tests.models.world import HINTON, World
from workers.child import End
from workers.folder import Folder
from workers.heartbeat import Heartbeat
from workers.post import Post
from workers.retry import explain
from workers.scribe import Scribe
from workers.shelf import Shelf


def tell(folder: Folder, n: int, kind: str, **data: object) -> None:
    with (folder.run / EVENTS).open("a") as file:
        file.write(json.dumps({"n": n, "type": kind, "at": 0.0, "data": data}) + "\n")


def take(post: Post, work: Work, folder: Folder, most: int) -> None:
    shelf = Shelf(post.ledger, post.storage, post.stopping.wait)
    heartbeat = Heartbeat(post.ledger, work, period=60.0, began=0.0)
    with Scribe(post.ledger, shelf, work, folder, heartbeat, most=most):
        pass


def test_past_the_most_events_only_checkpoints_are_taken(world: World, post: Post) -> None:
    job = world.submit(world.project(), HINTON[:1])
    work = world.begin()
    folder = Folder(post.settings.scratch, work)
    for step in (4, 9):
        kept = folder.run / CHECKPOINTS / f"{step:06d}"
        kept.mkdir(parents=True)
        (kept / "state").write_text(f"state {step}")
    kinds = [*["metrics"] * 3, "checkpoint", *["metrics"] * 4, "checkpoint"]
    for n, kind in enumerate(kinds, start=1):
        tell(folder, n, kind, step=n, **({"path": f"{n:06d}"} if kind == "checkpoint" else {"series": {"loss": 1.0}}))
    take(post, work, folder, most=5)
    told = [event.type for event in world.events(job) if event.type in ("metrics", "checkpoint")]
    assert told == ["metrics"] * 3 + ["checkpoint"] + ["metrics"] * 2 + ["checkpoint"]


@pytest.mark.parametrize(
    ("out_of_memory", "code", "says"),
    [(True, "out_of_memory", "Memory ran out"), (False, "machine_error", "from outside."), (None, "machine_error", "may be why")],
)  # fmt: skip
def test_a_kill_is_explained_by_what_is_known(tmp_path: Path, out_of_memory: bool | None, code: str, says: str) -> None:
    end = End(code=-9, stopped_by=None, killed_by=None, rss=1, cpu=0.0, out_of_memory=out_of_memory)
    error = explain(tmp_path, end, None).error
    assert error is not None and error.code == code and says in error.message
