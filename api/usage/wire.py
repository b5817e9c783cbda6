"""Usage as it is sent."""

from typing import Literal

from pydantic import BaseModel


class Spent(BaseModel):
    """Sums over charges."""

    device_seconds: float
    usd: float
    calls: int
    """To endpoints, that were answered."""
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    """Of the input, from an endpoint's cache."""


class UsageRow(Spent):
    """What one job, step or endpoint, or all of one day (UTC), has used."""

    id: str
    """Of the job, step or endpoint, or the date."""
    object: Literal["usage.row"] = "usage.row"
    bytes_stored: int | None
    """Bytes that the job's steps still hold; null for other rows."""


class Usage(Spent):
    """Sums over the project, and a page of the rows that they are made of."""

    object: Literal["usage"] = "usage"
    bytes_stored: int
    """Of everything the project holds, each content counted once."""
    data: list[UsageRow]
    has_more: bool
    first_id: str | None
    last_id: str | None
