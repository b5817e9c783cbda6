"""Idempotency keys: however often a POST is sent under one key, one thing is made and every reply is the same."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from structlog.contextvars import bind_contextvars

from api.database import Database
from api.deps import Anyone
from api.errors import Conflicting
from models import idempotency

P = ParamSpec("P")
Reply = TypeVar("Reply", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Once:
    """Runs what a creating POST does, or repeats the reply that it gave.

        reply, queues = await once(db, Dataset, create, caller.project, body)     # create -> (Dataset, queues to ring)

    Waits for a twin that is under way: the key's row is inserted in the transaction that creates the thing.
    """

    project: str
    key: str | None
    digest: str

    async def __call__(
        self,
        db: Database,
        kind: type[Reply],
        work: Callable[Concatenate[Session, P], tuple[Reply, set[str]]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[Reply, set[str]]:
        """`work` returns the wire object and the queues to ring. A repeated reply rings none.

        Raises Conflicting (`idempotency_key_reused`) where the key was used for another request within 24 hours.
        """
        reply, queues, _ = await self.told(db, kind, work, *args, **kwargs)
        return reply, queues

    async def told(
        self,
        db: Database,
        kind: type[Reply],
        work: Callable[Concatenate[Session, P], tuple[Reply, set[str]]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[Reply, set[str], bool]:
        """The same, and whether the reply is the first: what is still to be done then is done once, and told to `amend`."""
        first = True
        if self.key is None:
            reply, queues = await db(work, *args, **kwargs)
        else:
            reply, queues, first = await db(self._guarded, kind, lambda session: work(session, *args, **kwargs))
        bind_contextvars(made=getattr(reply, "id", None))  # for the request's line in the log
        return reply, queues, first

    async def amend(self, db: Database, reply: Reply) -> Reply:
        """What is repeated from now on. Returns it."""
        if self.key is not None:
            await db(self._fill, reply)
        return reply

    def about(self, *parts: str) -> "Once":
        """The same key for a request whose body is not JSON: `parts` stand for the body."""
        digest = hashlib.sha256("\x00".join((self.digest, *parts)).encode()).hexdigest()
        return Once(project=self.project, key=self.key, digest=digest)

    def _guarded(
        self, session: Session, kind: type[Reply], work: Callable[[Session], tuple[Reply, set[str]]]
    ) -> tuple[Reply, set[str], bool]:
        assert self.key is not None
        if session.scalar(idempotency.take(self.project, self.key, self.digest)) is None:
            return kind.model_validate(self._earlier(session)), set(), False
        reply, queues = work(session)
        self._fill(session, reply)
        return reply, queues, True

    def _fill(self, session: Session, reply: BaseModel) -> None:
        assert self.key is not None
        session.execute(idempotency.fill(self.project, self.key, reply.model_dump(mode="json")))

    def _earlier(self, session: Session) -> dict[str, Any]:
        assert self.key is not None
        earlier = session.execute(idempotency.find(self.project, self.key)).one()
        if earlier.digest != self.digest:
            raise Conflicting(
                "This Idempotency-Key was used for another request.",
                code="idempotency_key_reused",
                hint="Use a new key for every new request; a key is kept for 24 hours.",
            )
        body: dict[str, Any] = earlier.body
        return body


async def once(
    request: Request,
    caller: Anyone,
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=255, description="Makes a retry safe: kept for 24 hours.")
    ] = None,
) -> Once:
    """What the request is: method, path and, where it is JSON, body."""
    written = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
    if idempotency_key is not None and not request.headers.get("content-type", "").startswith("multipart/"):
        written.update(await request.body())
    return Once(project=caller.project, key=idempotency_key, digest=written.hexdigest())


OnlyOnce = Annotated[Once, Depends(once)]
