"""Distillations: the jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stillhouse.job import Job
from stillhouse.pages import Order, Pages
from stillhouse.transport import Transport
from stillhouse.types import Distillation, DistillationJob, Validation


class Distillations:
    """`client.distillations`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, spec: Distillation, *, idempotency_key: str | None = None) -> Job:
        """Starts a job. Raises InvalidRequest, whose `.problems` has every reason at once."""
        return Job(self._transport, self._transport.create("/v1/distillations", spec, idempotency_key))

    def validate(self, spec: Distillation) -> Validation:
        """What would become of a job: problems, or plan and estimate. No job is stored."""
        found: Validation = self._transport.post("/v1/distillations/validate", spec)
        return found

    def get(self, id: str) -> Job:
        return Job(self._transport, self._transport.get(f"/v1/distillations/{id}"))

    def list(
        self, *, state: str | None = None, metadata: Mapping[str, str] | None = None, order: Order = "desc",
        after: str = "",
    ) -> Iterator[Job]:  # fmt: skip
        """Jobs, newest first, from the one after the id `after` on; those that carry all pairs of `metadata`."""
        pairs: dict[str, Any] = {f"metadata[{key}]": value for key, value in (metadata or {}).items()}
        query = {"state": state, "order": order, **pairs}
        found: Pages[DistillationJob] = Pages(self._transport, "/v1/distillations", after=after, **query)
        return (Job(self._transport, data) for data in found)
