"""Keys: who gets in, and what each scope may do."""

import subprocess
import sys
from typing import Any

import pytest

from standalone.process import ROOT
from tests.api.service import Service, Tenant, good, refused

SHAPED = "sh_live_" + "0" * 36


def test_a_key_shows_its_secret_once(service: Service, owner: Tenant) -> None:
    made = good(service.admin.post("/v1/keys", json={"name": "ci", "project": owner.project, "scopes": ["read"]}))
    secret = made.pop("key")
    assert (len(secret), secret[-4:], made["scopes"], made["project"]) == (44, made["hint"], ["read"], owner.project)
    assert made["last_used_at"] is None
    good(service.client(secret).get("/v1/files"))
    found = good(owner.client.get(f"/v1/keys/{made['id']}"))
    assert found["last_used_at"] >= made["created_at"]
    assert {**found, "last_used_at": None} == made


@pytest.mark.parametrize("key", ["x", "sh_live_short", SHAPED, SHAPED + "0", "sk-" + "a" * 40, "größe"])
def test_keys_that_open_nothing(service: Service, key: str) -> None:
    reply = service.client(None).get("/v1/files", headers={b"authorization": f"Bearer {key}".encode()})
    assert refused(reply, 401, "invalid_api_key")["type"] == "authentication_error"
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer", "Basic eDp5"])
def test_no_key_at_all(service: Service, header: str) -> None:
    refused(service.client(None).get("/v1/files", headers={"authorization": header}), 401, "missing_api_key")


def test_a_mistyped_key_is_known_without_the_database(service: Service, owner: Tenant) -> None:
    wrong = owner.key[:-1] + ("a" if owner.key[-1] != "a" else "b")
    error = refused(service.client(wrong).get("/v1/files"), 401, "invalid_api_key")
    assert "malformed" in error["message"]


def test_revoked_from_the_next_request_on(service: Service, owner: Tenant) -> None:
    made = good(service.admin.post("/v1/keys", json={"name": "short", "project": owner.project}))
    client = service.client(made["key"])
    good(client.get("/v1/files"))
    assert good(service.admin.delete(f"/v1/keys/{made['id']}")) == {"id": made["id"], "object": "key", "deleted": True}
    refused(client.get("/v1/files"), 401, "invalid_api_key")
    refused(service.admin.delete(f"/v1/keys/{made['id']}"), 404, "not_found")
    assert made["id"] not in [key["id"] for key in good(owner.client.get("/v1/keys"))["data"]]


def test_scopes(service: Service, owner: Tenant) -> None:
    reads = service.client(service.key(owner.project, "read"))
    writes = service.client(service.key(owner.project, "write"))
    form: dict[str, Any] = {"files": {"file": ("f", b"x")}, "data": {"purpose": "x"}}
    error = refused(reads.post("/v1/files", **form), 403, "missing_scope")
    assert error["type"] == "permission_error" and "write" in error["message"]
    refused(writes.get("/v1/files"), 403, "missing_scope")
    good(writes.post("/v1/files", **form))
    assert len(good(reads.get("/v1/files"))["data"]) == 1
    refused(owner.client.post("/v1/keys", json={"name": "more"}), 403, "missing_scope")
    refused(owner.client.post("/v1/projects", json={"name": "more"}), 403, "missing_scope")
    refused(owner.client.get("/v1/keys", params={"project": "proj_x"}), 403, "missing_scope")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "required", "name"),
        ({"name": ""}, "invalid_value", "name"),
        ({"name": "x", "scopes": []}, "invalid_value", "scopes"),
        ({"name": "x", "scopes": ["root"]}, "invalid_value", "scopes[0]"),
        ({"name": "x", "scopes": ["read"], "scope": 1}, "unknown_field", "scope"),
        ({"name": "x", "project": "proj_none"}, "project_not_found", "project"),
        ({"name": "x", "project": 7}, "invalid_value", "project"),
    ],
)
def test_wrong_bodies(service: Service, body: dict[str, Any], code: str, param: str) -> None:
    assert refused(service.admin.post("/v1/keys", json=body), 400, code)["param"] == param


def test_command_line(service: Service) -> None:
    def run(*arguments: str) -> str:
        argv = [sys.executable, "-m", "api.admin", *arguments]
        return subprocess.run(
            argv, env=service.environment, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout

    assert run("first-key") == ""
    project = run("create-project", "--name", "from the shell").strip()
    key = run("create-key", "--project", "from the shell", "--scopes", "read").strip()
    client = service.client(key)
    assert [found["id"] for found in good(client.get("/v1/projects"))["data"]] == [project]
    refused(client.delete(f"/v1/projects/{project}"), 403, "missing_scope")


def test_a_project_is_deleted_when_it_is_empty(service: Service) -> None:
    tenant = service.tenant("short-lived")
    file = tenant.upload()
    error = refused(service.admin.delete(f"/v1/projects/{tenant.project}"), 409, "not_empty")
    assert "files" in error["message"]
    good(tenant.client.delete(f"/v1/files/{file['id']}"))
    good(service.admin.delete(f"/v1/projects/{tenant.project}"))
    refused(tenant.client.get("/v1/files"), 401, "invalid_api_key")
    refused(service.admin.get(f"/v1/projects/{tenant.project}"), 404, "not_found")


def test_nobody_deletes_the_project_they_stand_on(service: Service) -> None:
    own = good(service.admin.get("/v1/projects", params={"order": "asc", "limit": 1}))["data"][0]
    refused(service.admin.delete(f"/v1/projects/{own['id']}"), 409, "in_use")
