"""Doorbells: after a commit, wake a worker for each queue with work. PostgreSQL is the truth: a bell may be lost."""

import asyncio
import time
from collections.abc import Iterable

import structlog
from celery import Celery
from kombu.exceptions import KombuError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

SILENCE = 3.0  # seconds without a try after a failed one: a frozen broker shall hold up one request, not all threads
log = structlog.get_logger(__name__)


class Bell:
    """Call `await bell.ring(queues)` after `await db(...)` has returned, with the queues that the engine named."""

    def __init__(self, broker_url: str) -> None:
        limits = {"socket_timeout": 1, "socket_connect_timeout": 1}
        self._redis: Redis = Redis.from_url(redis_url(broker_url), retry=Retry(NoBackoff(), 0), **limits)
        self._silent_until = 0.0
        self._celery = Celery("api", broker=broker_url, set_as_current=False)
        self._celery.conf.update(
            task_ignore_result=True,
            task_serializer="json",
            task_publish_retry=False,
            broker_transport_options={**limits, "max_retries": 0},
        )

    async def ring(self, queues: Iterable[str]) -> None:
        """Never raises, takes a second at most: workers look for missed bells themselves."""
        wanted = tuple(sorted(queues))
        if wanted and time.monotonic() > self._silent_until:
            await asyncio.to_thread(self._ring, wanted)

    def _ring(self, queues: tuple[str, ...]) -> None:
        try:
            for queue in queues:
                if not self._redis.llen(queue):
                    self._celery.send_task("workers.tasks.drain", args=[queue], queue=queue)
        except (RedisError, KombuError, OSError) as error:
            self._silent_until = time.monotonic() + SILENCE
            log.warning("bell_not_rung", queues=queues, error=repr(error))

    async def lengths(self, queues: Iterable[str]) -> dict[str, int] | None:
        """Messages waiting in each queue; None if the broker does not answer."""
        names = tuple(queues)
        try:
            counts = await asyncio.to_thread(lambda: [int(self._redis.llen(name)) for name in names])
        except RedisError:
            return None
        return dict(zip(names, counts, strict=True))

    def close(self) -> None:
        self._celery.close()
        self._redis.close()


def redis_url(broker_url: str) -> str:
    """redis-py's spelling of kombu's `redis+socket://:password@/path`."""
    return broker_url.replace("redis+socket://", "unix://", 1)
