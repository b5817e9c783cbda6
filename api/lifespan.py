"""What lives as long as the process: connections, the storage, the bell, the listener of events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api.bell import Bell
from api.database import Database
from api.distillations.stream import hub_of
from api.files.scratch import clear
from settings import Settings
from storage import open_storage


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Starts also while PostgreSQL or the broker are down: requests are then answered 503, and /readyz says why."""
    config: Settings = app.state.settings
    uploads = config.scratch / "uploads"
    app.state.storage = await asyncio.to_thread(open_storage, config.storage, config.s3_endpoint)
    await asyncio.to_thread(clear, uploads)
    app.state.database = Database(config.database_url, config.database_seconds)
    app.state.bell = Bell(config.broker_url)
    try:
        async with hub_of(app):
            yield
    finally:
        app.state.bell.close()
        await app.state.database.close()
