"""Workers as they are sent."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from models.worker import Worker as Row


class Worker(BaseModel):
    """A process that does steps, and the device that it does them on."""

    id: str
    object: Literal["worker"] = "worker"
    name: str
    hostname: str
    queues: list[str]
    slots: int
    """Steps at once."""
    device: str
    memory: int
    """Bytes that it offers to steps."""
    price_per_hour: float
    """US dollars that the device is booked at."""
    sandbox: Literal["namespace", "bubblewrap", "none"]
    trusted: bool
    """It may open uploads: it has a sandbox, or is allowed to do without."""
    versions: dict[str, Any]
    connected: bool
    """It has been heard of within a lease."""
    started_at: int
    last_seen: int

    @classmethod
    def of(cls, row: Row, since: datetime) -> "Worker":
        """`since`: a worker that was seen after this is connected."""
        plain = {name: getattr(row, name) for name in cls.model_fields if name not in COMPUTED}
        return cls(
            **plain,
            connected=row.last_seen > since,
            started_at=int(row.started_at.timestamp()),
            last_seen=int(row.last_seen.timestamp()),
        )


COMPUTED = {"object", "connected", "started_at", "last_seen"}
