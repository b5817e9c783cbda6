"""The database is away, or has dropped a worker that stood still: what was done is kept until it can be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

from settings import Settings
from spec.run import EVENTS
from tests.api.service import eventually
from tests.models.world import HINTON, World
from tests.postgres import Server
from tests.workers.conftest import NOWHERE
from tests.workers.test_scribe import tell
from workers.claim import Away
from workers.folder import Folder
from workers.heartbeat import Heartbeat
from workers.post import Post
from workers.scribe import Scribe
from workers.shelf import Shelf
from workers.station import begin, make_post


def stand_still(session: Session) -> None:
    """As a process that is frozen in the middle of a transaction does, until the server has dropped it."""
    pid = session.scalar(select(func.pg_backend_pid()))
    backend = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
    onlooker = create_engine(session.get_bind().engine.url, isolation_level="AUTOCOMMIT")
    with onlooker.connect() as connection:
        eventually(lambda: connection.scalar(backend, {"pid": pid}) == 0)
    onlooker.dispose()


def test_a_transaction_that_stood_still_is_tried_again(post: Post) -> None:
    def work(session: Session) -> int:
        stand_still(session)
        return int(session.scalar(select(1)) or 0)

    with pytest.raises(Away):
        post.ledger(work)
    with pytest.raises(Away):
        post.ledger(stand_still)  # it was the commit that found nobody
    assert post.ledger(lambda session: session.scalar(select(1))) == 1


@contextmanager
def scribing(world: World, post: Post) -> Iterator[tuple[Scribe, Folder]]:
    """A scribe at work on a step that has just begun."""
    world.submit(world.project(), HINTON[:1])
    work = world.begin()
    folder = Folder(post.settings.scratch, work)
    folder.run.mkdir(parents=True)
    shelf, heartbeat = (
        Shelf(post.ledger, post.storage, post.stopping.wait),
        Heartbeat(post.ledger, work, period=60.0, began=0.0),
    )
    with Scribe(post.ledger, shelf, work, folder, heartbeat) as scribe:
        yield scribe, folder


def test_a_scribe_that_cannot_go_on_gives_the_step_up(world: World, post: Post) -> None:
    """Else the child would wait for its checkpoint to be acknowledged, and the lease be renewed, for ever."""
    with scribing(world, post) as (scribe, folder):
        world(lambda session: session.execute(text("ALTER TABLE events RENAME TO gone")))
        tell(folder, 1, "metrics", step=1, series={"loss": 1.0})
        eventually(lambda: scribe.heartbeat.lost)


def test_events_that_cannot_be_read_end_the_attempt(world: World, post: Post) -> None:
    with scribing(world, post) as (scribe, folder):
        (folder.run / EVENTS).symlink_to("/etc/hostname")
        eventually(lambda: scribe.refused is not None)
    assert not scribe.heartbeat.lost


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "pg") as started:
        yield started


def test_a_worker_that_comes_before_the_database_is_registered_once_it_is_there(server: Server, tmp_path: Path) -> None:
    url = server.process.url
    server.process.stop()
    given = Settings(
        database_url=url, broker_url=NOWHERE, storage=str(tmp_path / "b"), scratch=tmp_path / "s", sweep_seconds=0.1
    )
    post = make_post(given, Celery("early", broker=NOWHERE), "early", ("cpu",), 1)
    sweeper = begin(post)
    server.process.start()
    server.process.wait_ready()
    eventually(lambda: bool(post.ledger(lambda session: session.scalar(text("SELECT count(*) FROM workers")))))
    post.stopping.set()
    sweeper.join()
    post.close()
