"""Celery's configuration, and the life of a worker process.

Celery is a doorbell here. The message names a queue, is acknowledged early, and may be lost; no result is kept.
"""

from pathlib import Path
from typing import Any

import structlog
from celery import Celery, signals
from kombu.entity import Exchange, Queue

import models.project  # noqa: F401  # the foreign keys of all tables lead to its table
from models import step as steps
from settings import Settings, settings
from spec import terms
from spec.ids import new_id
from storage import open_storage
from workers import logs, register, tasks
from workers.bell import TASK, Bell
from workers.claim import Away, Ledger
from workers.post import Post
from workers.sandbox import detect
from workers.sweeper import Sweeper

log = structlog.get_logger(__name__)
CONFIGURATION = {
    "result_backend": None,
    "task_ignore_result": True,
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_acks_late": False,
    "worker_disable_prefetch": True,  # else a busy worker reserves the next bell for hours
    "worker_prefetch_multiplier": 1,
    "task_default_queue": "io",
    "task_create_missing_queues": False,
    "task_publish_retry": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {"socket_timeout": 5, "socket_connect_timeout": 2, "max_retries": 0},
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
}


class Station:
    """A worker process between its start and its end."""

    def __init__(self, app: Celery, **post: Any) -> None:
        """`post`: fields of `Post` that are not what settings and machine say."""
        self.app = app
        self.post: Post | None = None
        self._given = post
        self._sweeper: Sweeper | None = None
        signals.setup_logging.connect(self._log, weak=False)
        signals.worker_init.connect(self._open, weak=False)
        signals.worker_ready.connect(self._ready, weak=False)
        signals.worker_shutting_down.connect(self._stop, weak=False)
        signals.worker_shutdown.connect(self._close, weak=False)

    def drain(self, queue: str) -> None:
        """The task."""
        assert self.post is not None
        tasks.drain(self.post, queue)

    def _log(self, **_: object) -> None:
        logs.configure(settings().log_format)

    def _open(self, sender: Any, **_: object) -> None:
        """Before the pool: everything that the threads share."""
        given = settings()
        queues, slots = tuple(sorted(self.app.amqp.queues.consume_from)), int(sender.concurrency or 1)
        self.post = make_post(given, self.app, sender.hostname, queues, slots, **self._given)

    def _ready(self, **_: object) -> None:
        assert self.post is not None
        self._sweeper = begin(self.post)

    def _stop(self, **_: object) -> None:
        """Children are asked to write a checkpoint; their steps go back to ready."""
        if self.post is not None:
            self.post.stopping.set()

    def _close(self, **_: object) -> None:
        if self.post is not None and self._sweeper is not None:
            self._sweeper.join()
            register.leave(self.post)
            self.post.close()


def begin(post: Post) -> Sweeper:
    """The worker is there. The sweeper comes first: where the database is away, it registers us once it is back."""
    sweeper = Sweeper(post)
    sweeper.start()
    post.bell.ring(post.queues)  # what waited while nobody was there
    try:
        register.arrive(post)
    except Away as error:
        log.warning("database_away", error=str(error))
    return sweeper


def make_post(given: Settings, app: Celery, name: str, queues: tuple[str, ...], slots: int, **more: Any) -> Post:
    """A worker's post by settings and machine. Takes 0.1 s, for the sandbox is tried."""
    device, memory = register.device()
    return Post(
        id=new_id("wrk_"),
        name=name,
        queues=queues,
        slots=slots,
        device=device,
        memory=given.worker_memory_bytes or memory,
        sandbox=detect(given.scratch),
        settings=given,
        # For each slot its watcher, heartbeat and scribe; each thread of the sweeper may hold one and use another; up to as many more are opened for a while.
        ledger=Ledger(given.database_url, lease_seconds=given.lease_seconds, connections=3 * slots + 2),
        storage=open_storage(given.storage, given.s3_endpoint),
        bell=Bell(app, given.broker_url),
        **more,
    )


def doorbell(name: str) -> Queue:
    """A queue of its own name alone: kombu would send every bell to all that share an exchange and a key."""
    return Queue(name, Exchange(name), routing_key=name)  # type: ignore[no-untyped-call]  # kombu has no types


def create_app(**post: Any) -> Celery:
    """The application with its one task. Raises ValueError if the file of terms is no good."""
    given = settings()
    if given.terms:
        terms.add(Path(given.terms))
    app = Celery("stillhouse", broker=given.broker_url)
    queues = [doorbell(queue.value) for queue in steps.Queue]
    app.conf.update(CONFIGURATION, task_queues=queues)
    station = Station(app, **post)
    app.task(name=TASK)(station.drain)
    return app
