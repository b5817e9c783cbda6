"""Usage as it is sent."""

from typing import Literal

from pydantic import BaseModel


class Spent(BaseModel):
    """Sums over charges."""

    device_seconds: float
    """Of leases. A step that waits for an endpoint uses no device."""
    usd: float
    calls: int
    """To endpoints, those of probes too: those that were answered, and those whose answer was lost though it may be billed."""
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    """Of the input, from an endpoint's cache."""


class UsageRow(Spent):
    """What one job, step, endpoint or project, or all of one day (UTC), has used. Probes belong to no job and no step."""

    id: str
    """Of the job, step, endpoint or project, or the date."""
    object: Literal["usage.row"] = "usage.row"
    job: str | None
    """Of a step; null for other rows."""
    name: str | None
    """Of a step in its job, of a job, or of a project; null for other rows."""
    bytes_stored: int | None
    """Bytes that the job's steps, or the project, still hold; null for other rows."""


class Usage(Spent):
    """Sums over the project (by project, for an administrator: over all), and a page of the rows that they are made of."""

    object: Literal["usage"] = "usage"
    bytes_stored: int
    """Of everything that is held there, each content counted once."""
    data: list[UsageRow]
    has_more: bool
    first_id: str | None
    last_id: str | None
