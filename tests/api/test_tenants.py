"""Every route of the OpenAPI document with another project's key answers as if there were nothing, after the owner's same call
has succeeded; without a key, with a revoked one and with one of too small a scope it answers nobody. A route without a case fails.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from api.main import ROUTERS
from spec.ids import new_id
from tests.api.cases import Administrators, All, Naming, One, Own, Shared
from tests.api.jobs import jobs_of
from tests.api.service import Service, Tenant, good, refused, turned_away
from tests.api.world import World, bedrock, vertex

STREAM = "/v1/distillations/{distillation_id}/events"
"""Its document is the list's, with which it shares its path."""
ID = re.compile(r"\b(file-|ds_|mdl_|ep_|dst_|key_|proj_)[0-9a-z]{26}")
BELOW = {"version": "v1", "project": "p", "location": "l"}
"""A place of the user's own: what is there says the key."""


def job(dataset: str, world: World) -> dict[str, Any]:
    return world.jobs.spec({"data.train": f"{dataset}/train", "data.heldout": f"{dataset}/test"})


CASES: dict[str, One | All | Own | Naming | Administrators | Shared] = {
    "create_file": All(World.file),
    "list_files": All(World.file),
    "get_file": One(World.file),
    "get_file_content": One(World.file),
    "delete_file": One(World.file),
    "create_dataset": Naming(World.file, lambda id, _: {"files": [id]}),
    "list_datasets": All(World.dataset),
    "get_dataset": One(World.dataset),
    "preview_dataset": One(World.dataset),
    "get_dataset_content": One(World.dataset),
    "delete_dataset": One(World.dataset),
    "create_model": Naming(World.file, lambda id, _: {"files": [id]}),
    "list_models": All(World.model),
    "get_model": One(World.model),
    "get_model_file": One(World.model, {"name": "model.safetensors"}),
    "get_model_archive": One(World.model),
    "delete_model": One(World.model),
    "create_endpoint": All(World.endpoint),
    "list_endpoints": All(World.endpoint),
    "get_endpoint": One(World.endpoint),
    "change_endpoint": One(World.endpoint, body={"metadata": {"k": "v"}}),
    "probe_endpoint": One(World.endpoint, body={"model": "large"}),
    "delete_endpoint": One(World.endpoint),
    "get_answers": Own(World.kept),
    "delete_answers": Own(World.kept),
    "create_distillation": Naming(World.dataset, job),
    "validate_distillation": Naming(World.dataset, job),
    "list_distillations": All(World.queued),
    "get_distillation": One(World.queued),
    "cancel_distillation": One(World.queued),
    "pause_distillation": One(World.queued),
    "resume_distillation": One(World.paused),
    "finish_distillation": One(World.training),
    "delete_distillation": One(World.ended),
    "list_distillation_events": One(World.queued),
    "get_distillation_metrics": One(World.training),
    "list_distillation_checkpoints": One(World.training),
    "get_distillation_logs": One(World.ended),
    "get_distillation_report": One(World.ended),
    "get_distillation_answers": One(World.answered),
    "get_distillation_texts": One(World.answered),
    "list_projects": All(World.project),
    "get_project": One(World.project),
    "create_project": Administrators(World.project, {"name": "x"}),
    "change_project": Administrators(World.project, {"name": "x"}),
    "delete_project": Administrators(World.project),
    "list_keys": All(World.key),
    "get_key": One(World.key),
    "create_key": Administrators(World.project, {"name": "x"}),
    "delete_key": Administrators(World.key),
    "get_usage": All(World.ended),
    "create_model_customization_job": Naming(World.file, lambda id, world: bedrock(id, world.teacher())),
    "list_model_customization_jobs": All(World.bedrock),
    "get_model_customization_job": One(World.bedrock),
    "stop_model_customization_job": One(World.bedrock),
    "create_tuning_job": Naming(World.file, lambda id, world: vertex(id, world.teacher()), BELOW),
    "list_tuning_jobs": All(World.vertex, BELOW),
    "get_tuning_job": One(World.vertex, BELOW),
    "cancel_tuning_job": One(World.vertex, BELOW),
    "list_workers": Shared(),
    "get_health": Shared(anybody=True),
    "get_readiness": Shared(anybody=True),
    "get_metrics": Shared(anybody=True),
}


@dataclass(frozen=True)
class Operation:
    """A route of the document."""

    method: str
    path: str

    def at(self, id: str, rest: dict[str, str] | None = None) -> str:
        """The path with the id in the place of its first parameter."""
        named = self.path
        for name, value in (rest or {}).items():
            named = named.replace(f"{{{name}}}", value)
        return re.sub(r"\{\w+\}", id, named)

    def send(self, client: httpx.Client, id: str, case: object = None, body: Any = None) -> httpx.Response:
        path = self.at(id, case.rest if isinstance(case, One | All | Naming) else None)
        body = case.body if isinstance(case, One) and body is None else body
        return client.request(self.method, path, json=body) if body is not None else client.request(self.method, path)


@pytest.fixture(scope="module")
def operations(service: Service) -> dict[str, Operation]:
    paths = good(service.admin.get("/openapi.json"))["paths"]
    return {
        operation["operationId"]: Operation(method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


@pytest.fixture
def world(owner: Tenant, tmp_path: Path) -> Iterator[World]:
    with jobs_of(owner, tmp_path) as jobs:
        yield World(jobs, owner)


def named(kind: type) -> list[str]:
    return [name for name, case in CASES.items() if isinstance(case, kind)]


def alike(reply: httpx.Response) -> tuple[int, str]:
    """Status and body, whatever the id is called."""
    return reply.status_code, ID.sub(r"\1…", reply.text)


def absent(id: str) -> str:
    """An id of the same kind that nothing has."""
    return new_id(id[:-26])


def test_every_route_has_a_case(operations: dict[str, Operation]) -> None:
    assert set(operations) == set(CASES)
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    hidden = {route.path for route in routes if not route.include_in_schema}
    assert hidden == {STREAM}, "a route that the document does not have needs a test of its own here"


def test_a_live_stream(world: World, stranger: Tenant) -> None:
    path = STREAM.format(distillation_id=world.jobs.start()["id"])
    headers = {"accept": "text/event-stream"}
    with world.owner.client.stream("GET", path, headers=headers) as own:
        assert own.status_code == 200 and own.headers["content-type"].startswith("text/event-stream")
        assert next(own.iter_lines())
    foreign = stranger.client.get(path, headers=headers)
    assert foreign.status_code == 404
    absent = stranger.client.get(STREAM.format(distillation_id="dst_absent"), headers=headers)
    assert foreign.json()["error"]["code"] == absent.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("name", named(One))
def test_one(operations: dict[str, Operation], world: World, stranger: Tenant, name: str) -> None:
    operation, case = operations[name], CASES[name]
    assert isinstance(case, One)
    own = operation.send(world.owner.client, case.make(world), case)
    assert own.is_success, own.text
    id = case.make(world)
    foreign = operation.send(stranger.client, id, case)
    assert foreign.status_code == 404
    assert alike(foreign) == alike(operation.send(stranger.client, absent(id), case))
    check_keys(operation, world.owner, id, case, None)
    after = operation.send(world.owner.client, id, case)
    assert after.is_success, f"a stranger's call had an effect: {after.text}"


@pytest.mark.parametrize("name", named(All))
def test_all(operations: dict[str, Operation], world: World, stranger: Tenant, name: str) -> None:
    operation, case = operations[name], CASES[name]
    assert isinstance(case, All)
    id = case.make(world)
    path = operation.at("", case.rest)
    assert id in world.owner.client.get(path).text
    foreign = stranger.client.get(path)
    assert foreign.is_success and id not in foreign.text and world.owner.project not in foreign.text
    assert id not in stranger.client.get(path, params={"after": absent(id), "order": "asc"}).text
    for one in {Operation("GET", path), operation}:
        check_keys(one, world.owner, id, case, None)


@pytest.mark.parametrize("name", named(Own))
def test_own(operations: dict[str, Operation], world: World, stranger: Tenant, name: str) -> None:
    operation, case = operations[name], CASES[name]
    assert isinstance(case, Own)
    id, path = case.make(world), operation.path
    before = good(world.owner.client.get(path))
    foreign = good(operation.send(stranger.client, id))
    check_keys(operation, world.owner, id, case, None)
    assert good(world.owner.client.get(path)) == before, "a stranger's call had an effect"
    own = good(operation.send(world.owner.client, id))
    assert own != foreign and not any(value for value in foreign.values() if type(value) is int)


@pytest.mark.parametrize("name", named(Naming))
def test_naming(operations: dict[str, Operation], world: World, stranger: Tenant, name: str) -> None:
    operation, case = operations[name], CASES[name]
    assert isinstance(case, Naming)
    id = case.make(world)
    body = case.body(id, world)
    own = operation.send(world.owner.client, id, case, body)
    assert own.is_success, own.text
    foreign = operation.send(stranger.client, id, case, body)
    assert "not_found" in foreign.text and own.json() != foreign.json()
    assert alike(foreign) == alike(operation.send(stranger.client, id, case, case.body(absent(id), world)))
    check_keys(operation, world.owner, id, case, body)


@pytest.mark.parametrize("name", named(Administrators))
def test_administrators(
    service: Service, operations: dict[str, Operation], world: World, stranger: Tenant, name: str
) -> None:
    operation, case = operations[name], CASES[name]
    assert isinstance(case, Administrators)
    id = case.make(world)
    for tenant in (world.owner, stranger):
        refused(operation.send(tenant.client, id, case, case.body), 403, "missing_scope")
    check_strangers(operation, world.owner, id, case, case.body)
    reply = operation.send(service.admin, id, case, case.body)
    assert reply.is_success, reply.text


@pytest.mark.parametrize("name", named(Shared))
def test_shared(service: Service, operations: dict[str, Operation], world: World, stranger: Tenant, name: str) -> None:
    operation, case = operations[name], CASES[name]
    assert isinstance(case, Shared)
    ids = (world.owner.project, world.queued())
    for tenant in (world.owner, stranger):
        text = operation.send(tenant.client, "").text
        assert not [id for id in ids if id in text]
    anybody = operation.send(service.client(None), "")
    assert anybody.is_success if case.anybody else refused(anybody, 401, "missing_api_key")


def check_strangers(operation: Operation, owner: Tenant, id: str, case: object, body: Any) -> None:
    """Without a key, and with a revoked one."""
    service = owner.service
    turned_away(operation.send(service.client(None), id, case, body), 401, "missing_api_key")
    made = good(service.admin.post("/v1/keys", json={"name": "revoked", "project": owner.project}))
    good(service.admin.delete(f"/v1/keys/{made['id']}"))
    turned_away(operation.send(service.client(made["key"]), id, case, body), 401, "invalid_api_key")


def check_keys(operation: Operation, owner: Tenant, id: str, case: object, body: Any) -> None:
    """Without a key, with a revoked one, and with one that may only do the opposite."""
    check_strangers(operation, owner, id, case, body)
    service = owner.service
    reads = service.client(service.key(owner.project, "read"))
    if operation.method == "GET" or operation.path.endswith("/validate"):
        assert operation.send(reads, id, case, body).is_success
        writes = service.client(service.key(owner.project, "write"))
        turned_away(operation.send(writes, id, case, body), 403, "missing_scope")
    else:
        turned_away(operation.send(reads, id, case, body), 403, "missing_scope")
