"""Usage as it is sent."""

from typing import Literal

from pydantic import BaseModel


class UsageRow(BaseModel):
    """What one job, or all of one day (UTC), has used."""

    id: str
    """The job's id, or the date."""
    object: Literal["usage.row"] = "usage.row"
    device_seconds: float
    usd: float
    bytes_stored: int | None
    """Bytes that the job's steps still hold; null for days."""


class Usage(BaseModel):
    """Sums over the project, and a page of the rows that they are made of."""

    object: Literal["usage"] = "usage"
    device_seconds: float
    usd: float
    bytes_stored: int
    """Of everything the project holds, each content counted once."""
    data: list[UsageRow]
    has_more: bool
    first_id: str | None
    last_id: str | None
