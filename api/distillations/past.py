"""What can be seen of a distillation: events (listed or live), metrics, checkpoints, logs, report."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import Response, StreamingResponse

from api.content import content
from api.deps import Db, Reader, Store
from api.distillations import history
from api.distillations.stream import RETRY, Hub, LiveRoute
from api.distillations.wire import Checkpoint, DistillationEvent, Metrics
from api.errors import NotFound, Unavailable
from api.pages import Page, page

LOT = 200  # events read at once by a live stream
TEXT: dict[str, Any] = {"schema": {"type": "string"}}
AS_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": TEXT}}}
AS_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": TEXT}}}
AS_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": TEXT}}}
AS_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}, "text/html": TEXT}}
}
REPORT_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "x-content-type-options": "nosniff",
}

router = APIRouter(prefix="/v1/distillations", tags=["distillations"])


def hub(request: Request) -> Hub:
    found: Hub = request.app.state.hub
    return found


async def existing(distillation_id: str, caller: Reader, db: Db) -> str:
    """The project of a distillation that is there: a stream must say 404 before it begins."""
    await db(history.get, caller.project, distillation_id)
    return caller.project


async def follow(
    distillation_id: str,
    project: Annotated[str, Depends(existing)],
    db: Db,
    hub: Annotated[Hub, Depends(hub)],
    after: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
    stream: Annotated[str, Query()] = "true",  # read by LiveRoute, named here because a query holds known names alone
) -> AsyncIterator[ServerSentEvent]:
    """Events as they happen, from the one after `Last-Event-ID` on; `[DONE]` after the last of an ended job."""
    seen = after if last_event_id is None else last_event_id
    with hub.listening(distillation_id) as bell:
        while not hub.closing:
            bell.clear()
            try:
                events, ended = await db(history.after, project, distillation_id, seen, LOT)
            except Unavailable:
                await asyncio.sleep(RETRY)  # the stream outlives the database's absence
                continue
            except NotFound:
                return  # deleted meanwhile
            for event in events:
                yield ServerSentEvent(event=event.type, id=str(event.id), data=event)
                seen = event.id
            if ended:
                yield ServerSentEvent(raw_data="[DONE]")
                return
            if len(events) < LOT:
                await hub.heard(bell)


router.add_api_route(
    "/{distillation_id}/events",
    follow,
    response_class=EventSourceResponse,
    include_in_schema=False,  # the list, below, documents both
    route_class_override=LiveRoute,
)


@router.get("/{distillation_id}/events", operation_id="list_distillation_events", responses=AS_STREAM)
async def events(
    distillation_id: str,
    caller: Reader,
    db: Db,
    after: Annotated[int, Query(ge=0, description="The number after which the page begins.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Items at most; a stream takes none.")] = 100,
    stream: Annotated[Literal["true", "false"], Query(description="`true`: live, as server-sent events.")] = "false",
) -> Page[DistillationEvent]:
    """Lists events in order; or streams them (`Accept: text/event-stream`), from `Last-Event-ID` on, up to `[DONE]`."""
    found, _ = await db(history.after, caller.project, distillation_id, after, limit + 1)
    return page(Page[DistillationEvent], found[:limit], len(found) > limit)


@router.get(
    "/{distillation_id}/metrics",
    operation_id="get_distillation_metrics",
    response_model=Metrics,
    responses=AS_CSV,
)
async def metrics(
    distillation_id: str, caller: Reader, db: Db, format: Annotated[Literal["json", "csv"], Query()] = "json"
) -> Metrics | Response:
    """Shows every series by step, as JSON or CSV."""
    found = await db(history.metrics, caller.project, distillation_id)
    return found if format == "json" else Response(as_csv(found), media_type="text/csv")


def as_csv(metrics: Metrics) -> str:
    """step, series, at, value: one line a point."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "series", "at", "value"])
    for series in metrics.data:
        points = zip(series.at, series.values, strict=True)
        writer.writerows([series.step, series.name, at, "" if value is None else value] for at, value in points)
    return text.getvalue()


@router.get("/{distillation_id}/checkpoints", operation_id="list_distillation_checkpoints")
async def checkpoints(distillation_id: str, caller: Reader, db: Db) -> Page[Checkpoint]:
    """Lists the checkpoints that are kept."""
    return page(Page[Checkpoint], await db(history.checkpoints, caller.project, distillation_id), False)


@router.get(
    "/{distillation_id}/logs",
    operation_id="get_distillation_logs",
    response_class=StreamingResponse,
    responses=AS_TEXT,
)
async def logs(
    distillation_id: str,
    caller: Reader,
    db: Db,
    store: Store,
    step: Annotated[str | None, Query(max_length=64, description="Only this step's.")] = None,
) -> StreamingResponse:
    """Shows what the steps wrote, each step's last attempt, as text."""
    found = await db(history.logs, caller.project, distillation_id, step)
    opened = await asyncio.to_thread(lambda: [(name, store.read(log["digest"])) for name, log in found])

    def lines() -> Iterator[bytes]:
        for name, chunks in opened:
            if step is None:
                yield f"==> {name} <==\n".encode()
            yield from chunks

    headers = {"x-content-type-options": "nosniff"}
    return StreamingResponse(lines(), media_type="text/plain; charset=utf-8", headers=headers)


@router.get(
    "/{distillation_id}/report",
    operation_id="get_distillation_report",
    response_class=StreamingResponse,
    responses=AS_PAGE,
)
async def report(
    distillation_id: str,
    caller: Reader,
    db: Db,
    store: Store,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    format: Annotated[Literal["json", "html"] | None, Query(description="Without one: by `Accept`.")] = None,
) -> StreamingResponse:
    """Shows the report: JSON, or one HTML page that needs nothing else."""
    html = format == "html" or (format is None and "text/html" in accept)
    name, kind = ("report.html", "text/html; charset=utf-8") if html else ("report.json", "application/json")
    file = await db(history.report, caller.project, distillation_id, name)
    reply = await content(store, file["digest"], file["bytes"], name, None, kind)
    reply.headers.update(REPORT_HEADERS)
    del reply.headers["content-disposition"]
    return reply
