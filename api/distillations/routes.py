"""Distillations: create, try out, look at, steer, delete."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from api.checked import unreadable
from api.deps import Config, Db, Reader, Ring, Writer
from api.distillations import service, view
from api.distillations.wire import DistillationDeleted, DistillationJob, JobStateName, Validation
from api.idempotency import OnlyOnce
from api.pages import AskedPage, Page, cut, page
from models.job import Job
from spec.errors import NOT_JSON
from spec.problem import Refused

SPEC: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Distillation"}}
PAIRS: dict[str, Any] = {
    "name": "metadata",
    "in": "query",
    "style": "deepObject",
    "description": "Only jobs with these pairs: `metadata[team]=vision`.",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}
TAKES_SPEC: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": SPEC}}}

router = APIRouter(prefix="/v1/distillations", tags=["distillations"])


async def posted(request: Request) -> dict[str, Any]:
    """The body as it came: it is parsed by the spec's own rules, and `validate` tells what they find."""
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Refused(unreadable(error)) from None
    if not isinstance(body, dict):
        raise Refused(NOT_JSON)
    return body


Posted = Annotated[dict[str, Any], Depends(posted)]


def metadata(request: Request) -> dict[str, str]:
    """`metadata[key]=value` pairs of the query."""
    pairs = request.query_params.multi_items()
    return {name[9:-1]: value for name, value in pairs if name.startswith("metadata[") and name.endswith("]")}


@router.post("", operation_id="create_distillation", status_code=201, openapi_extra=TAKES_SPEC)
async def create(caller: Writer, spec: Posted, db: Db, config: Config, ring: Ring, once: OnlyOnce) -> DistillationJob:
    """Starts a distillation. Refused with all problems at once; what is still being inspected is waited for."""
    made, queues = await once(db, DistillationJob, service.create, caller.project, config.lease_seconds, spec)
    await ring.ring(queues)
    return made


@router.post("/validate", operation_id="validate_distillation", openapi_extra=TAKES_SPEC)
async def validate(caller: Reader, spec: Posted, db: Db, config: Config, ring: Ring) -> Validation:
    """Tries a job out: all problems, or what it would do, with cache hits and an estimate. No job is stored.

    What the job would wait for is begun: the comparison of its sets of rows and, with a key that may write, the dataset of a file.
    """
    writes = "write" in caller.scopes
    told, queues = await db(service.validate, caller.project, config.lease_seconds, spec, writes=writes)
    await ring.ring(queues)
    return told


@router.get("", operation_id="list_distillations", openapi_extra={"parameters": [PAIRS]})
async def list_distillations(
    caller: Reader,
    db: Db,
    asked: AskedPage,
    pairs: Annotated[dict[str, str], Depends(metadata)],
    state: Annotated[JobStateName | None, Query(description="Only jobs in this state.")] = None,
) -> Page[DistillationJob]:
    """Lists distillations, newest first; `metadata[key]=value` keeps those that carry the pair."""
    found = await db(cut, service.matching(caller.project, state, pairs), Job.id, asked)
    return page(Page[DistillationJob], await db(view.show_all, found.rows), found.has_more)


@router.get("/{distillation_id}", operation_id="get_distillation")
async def get(distillation_id: str, caller: Reader, db: Db, config: Config) -> DistillationJob:
    """Shows a distillation: state, steps with their progress, why it waits or failed, result."""
    return await db(service.get, caller.project, distillation_id, config.lease_seconds)


@router.post("/{distillation_id}/cancel", operation_id="cancel_distillation")
async def cancel(distillation_id: str, caller: Writer, db: Db, config: Config, ring: Ring) -> DistillationJob:
    """Cancels: what runs is stopped, no student is made."""
    return await _want("cancel", distillation_id, caller.project, db, config, ring)


@router.post("/{distillation_id}/pause", operation_id="pause_distillation")
async def pause(distillation_id: str, caller: Writer, db: Db, config: Config, ring: Ring) -> DistillationJob:
    """Pauses: what runs writes a checkpoint and stops."""
    return await _want("pause", distillation_id, caller.project, db, config, ring)


@router.post("/{distillation_id}/resume", operation_id="resume_distillation")
async def resume(distillation_id: str, caller: Writer, db: Db, config: Config, ring: Ring) -> DistillationJob:
    """Goes on after a pause, from the last checkpoint."""
    return await _want("resume", distillation_id, caller.project, db, config, ring)


@router.post("/{distillation_id}/finish", operation_id="finish_distillation")
async def finish(distillation_id: str, caller: Writer, db: Db, config: Config, ring: Ring) -> DistillationJob:
    """Stops training now and delivers the best so far, evaluated. Refused (409) before the first checkpoint."""
    return await _want("finish", distillation_id, caller.project, db, config, ring)


async def _want(
    intent: Literal["cancel", "pause", "resume", "finish"], id: str, project: str, db: Db, config: Config, ring: Ring
) -> DistillationJob:
    job, queues = await db(service.want, project, id, intent, config.lease_seconds)
    await ring.ring(queues)
    return job


@router.delete("/{distillation_id}", operation_id="delete_distillation")
async def delete(distillation_id: str, caller: Writer, db: Db) -> DistillationDeleted:
    """Deletes an ended distillation with its events, logs and intermediate results; the student stays."""
    await db(service.delete, caller.project, distillation_id)
    return DistillationDeleted(id=distillation_id)
