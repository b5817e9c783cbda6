"""The one task. Its message names a queue and nothing else: what to do is asked of the database."""

import time
from collections.abc import Iterator, Sequence
from itertools import cycle

import structlog
from sqlalchemy.exc import DBAPIError

from workers.attempt import Attempt
from workers.claim import Away
from workers.post import Post

BETWEEN = 0.1  # seconds between two empty claims: a Celery threads worker is deaf for a while after a task
log = structlog.get_logger(__name__)


def drain(post: Post, queue: str) -> None:
    """Runs steps until none has come for some seconds. The queues take turns: a long line in one keeps no other waiting."""
    order = turns(post.queues, queue)
    first = next(order)
    quiet_at = time.monotonic() + post.settings.linger_seconds
    while not post.stopping.is_set():
        try:
            worked = step(post, first)
        except (Away, DBAPIError) as error:
            log.warning("database_away", error=str(error))
            worked = False
        if worked:
            first = next(order)
            quiet_at = time.monotonic() + post.settings.linger_seconds
        elif time.monotonic() >= quiet_at:
            return
        else:
            post.stopping.wait(BETWEEN)


def turns(queues: Sequence[str], first: str) -> Iterator[str]:
    """The queues round and round, beginning with `first`."""
    start = queues.index(first)
    return cycle([*queues[start:], *queues[:start]])


def step(post: Post, queue: str) -> bool:
    """Claims one step and sees it through; False if there was none."""
    began = time.monotonic()
    grip = post.claim(queue)
    if grip is None:
        return False
    with post.held(grip):
        _pass_on(post)
        Attempt(post, grip, began).run()
    return True


def _pass_on(post: Post) -> None:
    """One bell wakes one thread: where more waits, the next is rung for. The step in hand does not depend on it."""
    try:
        post.bell.ring(post.ledger.waits(post.queues, post.free))
    except Away as error:
        log.warning("database_away", error=str(error))
