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
