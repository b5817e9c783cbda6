"""A project on a running stack, and what its owner does over HTTP."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from standalone.stack import Stack


@dataclass(frozen=True)
class Tenant:
    """`client` has a key that reads and writes in this project alone."""

    project: str
    key: str
    client: httpx.Client

    def upload(self, content: bytes, filename: str) -> str:
        reply = self.client.post("/v1/files", files={"file": (filename, content)}, data={"purpose": "test"})
        id: str = good(reply)["id"]
        return id

    def dataset(self, filename: str, content: bytes, **asked: Any) -> dict[str, Any]:
        """Made of one file; still processing."""
        body = {"files": [self.upload(content, filename)], **asked}
        return good(self.client.post("/v1/datasets", json=body))

    def model(self, filename: str, content: bytes, **asked: Any) -> dict[str, Any]:
        """Made of one file; still processing."""
        body = {"files": [self.upload(content, filename)], **asked}
        return good(self.client.post("/v1/models", json=body))

    def settled(self, noun: str, id: str, seconds: float = 120.0) -> dict[str, Any]:
        """A dataset, model or distillation once it is no longer on its way."""
        moving = ("processing", "queued", "running")

        def get() -> dict[str, Any]:
            return good(self.client.get(f"/v1/{noun}/{id}"))

        return until(get, lambda found: found["state"] not in moving, seconds)


def tenant(stack: Stack, name: str, scopes: tuple[str, ...] = ("read", "write"), **more: Any) -> Tenant:
    """A new project."""
    admin = httpx.Client(base_url=stack.url, headers={"authorization": f"Bearer {stack.key}"}, timeout=30)
    with admin:
        project = good(admin.post("/v1/projects", json={"name": name, **more}))["id"]
        body = {"name": name, "project": project, "scopes": list(scopes)}
        key = good(admin.post("/v1/keys", json=body))["key"]
    client = httpx.Client(base_url=stack.url, headers={"authorization": f"Bearer {key}"}, timeout=30)
    return Tenant(project, key, client)


def good(reply: httpx.Response) -> dict[str, Any]:
    """The body of a reply that is no error."""
    assert reply.is_success, f"{reply.status_code} {reply.text}"
    body: dict[str, Any] = reply.json()
    return body


def until(get: Callable[[], dict[str, Any]], done: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
    """Asks again and again until it is done."""
    deadline = time.monotonic() + seconds
    while not done(found := get()):
        assert time.monotonic() < deadline, f"not in time: {found}"
        time.sleep(0.05)
    return found
