"""What a job may spend."""

from typing import Annotated

from pydantic import Field

from spec.part import Part


class Budget(Part):
    """Caps. A capped job still ends with weights, an evaluation and a report that names what was cut."""

    hours: Annotated[float, Field(gt=0, le=100000)] | None = None
    """Hours of leases on device steps; waiting is free. null: no cap."""
    usd: Annotated[float, Field(gt=0, le=10_000_000)] | None = None
    """US dollars of all charges: calls to endpoints, and devices that have a price. null: no cap."""
    preview: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Ask so many rows first, and pause with their answers and what they cost; `resume` goes on. null: go on by itself."""
