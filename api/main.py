"""The application: `python -m uvicorn api.main:create_app --factory`. Nothing happens at import."""

from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI

from api import handlers, logs
from api.answers.routes import router as answers
from api.clouds.bedrock.routes import router as bedrock
from api.clouds.vertex.routes import router as vertex
from api.datasets.routes import router as datasets
from api.distillations.asked import router as asked
from api.distillations.past import router as histories
from api.distillations.routes import router as distillations
from api.document import document
from api.edge import Edge
from api.endpoints.routes import router as endpoints
from api.errors import ErrorEnvelope
from api.files.routes import router as files
from api.files.upload import FORM_BYTES
from api.health.routes import router as health
from api.keys.routes import router as keys
from api.lifespan import lifespan
from api.metrics import Requests
from api.models.routes import router as models
from api.projects.routes import router as projects
from api.queries import known
from api.usage.routes import router as usage
from api.workers.routes import router as workers
from settings import Settings, settings
from spec import terms

ROUTERS = (
    files,
    datasets,
    models,
    endpoints,
    answers,
    distillations,
    histories,
    asked,
    projects,
    keys,
    usage,
    workers,
    bedrock,
    vertex,
)
REQUIRED = ("database_url", "broker_url", "storage", "pepper")
ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorEnvelope, "description": "The request cannot be served: why, and what to do."},
    "5XX": {"model": ErrorEnvelope, "description": "The server could not serve it; 503 has Retry-After."},
}


def create_app() -> FastAPI:
    """The application of one process, configured by `STILLHOUSE_*` variables. Raises ValueError if one is missing, or the file that it names is no good."""
    config = required(settings())
    if config.terms:
        terms.add(Path(config.terms))
    logs.configure(config.log_format)
    app = FastAPI(
        title="Stillhouse",
        version="1",
        description="Distillation as a service that you host yourself.",
        lifespan=lifespan,
        responses=ERRORS,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = config
    app.state.requests = Requests()
    larger = {"/v1/files": config.max_upload_bytes + FORM_BYTES}
    app.add_middleware(Edge, limit=config.max_body_bytes, larger=larger, requests=app.state.requests)
    handlers.install(app)
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(known)])
    app.include_router(health)
    app.openapi = partial(document, app)  # type: ignore[method-assign]  # FastAPI's documented way to change it
    return app


def required(config: Settings) -> Settings:
    """The settings, if none is missing that the API cannot do without."""
    missing = [f"STILLHOUSE_{name.upper()}" for name in REQUIRED if not getattr(config, name)]
    if missing:
        raise ValueError(f"Set {', '.join(missing)}.")
    return config
