"""The doorbell from the inside: wakes a worker for a queue. A bell may be lost; the sweeper rings again."""

from collections.abc import Iterable

import structlog
from celery import Celery
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TASK = "workers.tasks.drain"
log = structlog.get_logger(__name__)


class Bell:
    """Rings queues through the worker's own Celery application."""

    def __init__(self, app: Celery, broker_url: str) -> None:
        # redis-py's spelling of kombu's `redis+socket://`; its own default is to retry for seconds.
        url = broker_url.replace("redis+socket://", "unix://", 1)
        self._redis: Redis = Redis.from_url(
            url, retry=Retry(NoBackoff(), 0), socket_timeout=1, socket_connect_timeout=1
        )
        self._app = app

    def ring(self, queues: Iterable[str]) -> None:
        """One message in each queue that has none. Never raises."""
        for queue in sorted(queues):
            try:
                if not self._redis.llen(queue):
                    self._app.send_task(TASK, args=[queue], queue=queue)
            except Exception as error:  # noqa: BLE001  # kombu, redis-py and the socket each raise their own
                log.warning("bell_not_rung", queue=queue, error=repr(error))

    def close(self) -> None:
        self._redis.close()
