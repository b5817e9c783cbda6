"""Endpoints: made with a probe, which sees what their models can do."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.deps import Caller, Config, Db, Reader, Writer, need
from api.endpoints import service
from api.endpoints.look import look
from api.endpoints.wire import Endpoint, EndpointChange, EndpointDeleted, NewEndpoint, Probe
from api.idempotency import OnlyOnce
from api.pages import Page, Paging, cut, page, paging
from models import endpoint as endpoints
from models import purse

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])


@router.post("", operation_id="create_endpoint", status_code=201)
async def create(body: NewEndpoint, caller: Writer, db: Db, config: Config, once: OnlyOnce) -> Endpoint:
    """Makes an endpoint and probes it. It is made whatever the probe says: `state` and `error` tell. What is repeated under its idempotency key probes nothing."""
    if body.allow_private:
        need("admin", caller)
    made, _, first = await once.told(db, Endpoint, service.create, caller.project, config.sealing_keys, body)
    return await once.amend(db, await looked(db, config.sealing_keys, caller, made.id, body.model)) if first else made


@router.get("", operation_id="list_endpoints")
async def list_endpoints(caller: Reader, db: Db, asked: Annotated[Paging, Depends(paging)]) -> Page[Endpoint]:
    """Lists endpoints, by name from the last to the first."""
    found = await db(cut, endpoints.of_project(caller.project), endpoints.Endpoint.id, asked)
    return page(Page[Endpoint], [Endpoint.of(row) for row in found.rows], found.has_more)


@router.get("/{endpoint_id}", operation_id="get_endpoint")
async def get(endpoint_id: str, caller: Reader, db: Db) -> Endpoint:
    """Shows an endpoint with what its probes have seen. Of its key only the last four characters are."""
    return Endpoint.of(await db(service.get, caller.project, endpoint_id))


@router.patch("/{endpoint_id}", operation_id="change_endpoint")
async def change(endpoint_id: str, body: EndpointChange, caller: Writer, db: Db, config: Config) -> Endpoint:
    """Changes an endpoint, and probes it where URL or key are new: with a new key, every model that was probed before, and one that is gone is forgotten. Jobs that run go on with what they have begun with. A new URL is refused (409) while a batch is not settled."""
    if body.allow_private:
        need("admin", caller)
    admin = "admin" in caller.scopes
    row, again = await db(service.change, caller.project, endpoint_id, config.sealing_keys, body, admin=admin)
    return await looked(db, config.sealing_keys, caller, row.id, None) if again else Endpoint.of(row)


@router.post("/{endpoint_id}/probe", operation_id="probe_endpoint")
async def probe(endpoint_id: str, body: Probe, caller: Writer, db: Db, config: Config) -> Endpoint:
    """Looks at a model anew, or at all that were probed before: about ten short calls for each, which its owner bills; more where some fail for a reason that may pass. It takes 50 seconds at most."""
    return await looked(db, config.sealing_keys, caller, endpoint_id, body.model)


@router.delete("/{endpoint_id}", operation_id="delete_endpoint")
async def delete(endpoint_id: str, caller: Writer, db: Db) -> EndpointDeleted:
    """Deletes an endpoint and its key; answers that were paid for stay. Refused (409) while a job that has not ended asks it, or a batch of it is not settled."""
    await db(service.delete, caller.project, endpoint_id)
    return EndpointDeleted(id=endpoint_id)


async def looked(db: Db, sealing_keys: str, caller: Caller, id: str, model: str | None) -> Endpoint:
    """Probes, with no transaction open meanwhile, and books what that has cost."""
    found = await db(service.target, caller.project, id, sealing_keys)
    try:
        seen = await look(found, model)
    finally:
        if spent := found.meter.spent():
            await db(purse.book_probe, caller.project, spent)
    return Endpoint.of(await db(service.note, caller.project, id, found.called.url, seen))
