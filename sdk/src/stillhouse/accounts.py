"""Projects, keys, usage and workers: who may do what, what it has cost, and what does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Unpack

from stillhouse.pages import Order, Pages
from stillhouse.transport import Transport
from stillhouse.types import (
    CreatedKey,
    Key,
    KeyDeleted,
    NewKey,
    NewProject,
    Project,
    ProjectChange,
    ProjectDeleted,
    Usage,
    UsageRow,
    Worker,
)

Scope = Literal["read", "write", "admin"]
Grouping = Literal["job", "step", "endpoint", "day", "project"]


class Projects:
    """`client.projects`: tenants. Making, changing and deleting needs the scope admin."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str, *, quota_bytes: int | None = None, usd_per_month: float | None = None) -> Project:
        body: NewProject = {"name": name, "quota_bytes": quota_bytes, "usd_per_month": usd_per_month}
        made: Project = self._transport.create("/v1/projects", body)
        return made

    def list(self, *, order: Order = "desc", after: str = "") -> Pages[Project]:
        return Pages(self._transport, "/v1/projects", order=order, after=after)

    def get(self, id: str) -> Project:
        found: Project = self._transport.get(f"/v1/projects/{id}")
        return found

    def change(self, id: str, **body: Unpack[ProjectChange]) -> Project:
        """Changes what is given: `name`, or `usd_per_month`, where None takes the cap away."""
        changed: Project = self._transport.patch(f"/v1/projects/{id}", dict(body))
        return changed

    def delete(self, id: str) -> ProjectDeleted:
        gone = ProjectDeleted(id=id, object="project", deleted=True)
        return self._transport.delete(f"/v1/projects/{id}", gone)


class Keys:
    """`client.keys`. Making and deleting needs the scope admin."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self, name: str, *, scopes: Sequence[Scope] = ("read", "write"), project: str | None = None
    ) -> CreatedKey:
        """A key whose `key` can be read this once. `project`: another one than the caller's own."""
        body: NewKey = {"name": name, "scopes": list(scopes), "project": project}
        made: CreatedKey = self._transport.create("/v1/keys", body)
        return made

    def list(self, *, project: str | None = None, order: Order = "desc", after: str = "") -> Pages[Key]:
        return Pages(self._transport, "/v1/keys", project=project, order=order, after=after)

    def get(self, id: str) -> Key:
        found: Key = self._transport.get(f"/v1/keys/{id}")
        return found

    def delete(self, id: str) -> KeyDeleted:
        gone = KeyDeleted(id=id, object="key", deleted=True)
        return self._transport.delete(f"/v1/keys/{id}", gone)


class Usages:
    """`client.usage`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, *, group_by: Grouping = "job", limit: int = 100, after: str = "") -> Usage:
        """Sums over the project, and a page of its rows, the newest first; `rows` has them all."""
        found: Usage = self._transport.get("/v1/usage", group_by=group_by, limit=limit, after=after or None)
        return found

    def rows(self, *, group_by: Grouping = "job", order: Order = "desc", after: str = "") -> Pages[UsageRow]:
        """What each job, step, endpoint or day has used; by project, for an administrator, what each project has."""
        return Pages(self._transport, "/v1/usage", group_by=group_by, order=order, after=after)


class Workers:
    """`client.workers`: processes that do steps, and what they have."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, order: Order = "desc", after: str = "") -> Pages[Worker]:
        return Pages(self._transport, "/v1/workers", order=order, after=after)
