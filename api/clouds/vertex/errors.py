"""Errors as Google's APIs give them: `google.rpc.Status` with BadRequest and ErrorInfo as details (google.aip.dev/193)."""

from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse

from api.clouds.told import sentences
from api.errors import Failure

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "FAILED_PRECONDITION",
    413: "INVALID_ARGUMENT",
    503: "UNAVAILABLE",
    507: "RESOURCE_EXHAUSTED",
}
CODES = {"FAILED_PRECONDITION": 400, "RESOURCE_EXHAUSTED": 429}
"""HTTP status of a status whose own is not ours (google.rpc.Code)."""
DOMAIN = "stillhouse"


class GoogleErrorBody(BaseModel):
    code: int
    """The status of the reply."""
    message: str
    """A line for each problem, our code and the field at its end."""
    status: str
    details: list[dict[str, Any]]
    """ErrorInfo, whose `reason` is our code; BadRequest, with a violation for each field."""


class GoogleError(BaseModel):
    """The body of every reply of status 4xx and 5xx."""

    error: GoogleErrorBody


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": GoogleError, "description": "The request cannot be served: why, and what to do."},
    "5XX": {"model": GoogleError, "description": "The server could not serve it; 503 has Retry-After."},
}


def render(failure: Failure) -> JSONResponse:
    """Everything that we would say: `reason` is our code, and each problem is a violation of the field it is about."""
    status = STATUSES.get(failure.status, "INVALID_ARGUMENT" if failure.status < 500 else "INTERNAL")
    code = CODES.get(status, failure.status)
    said = "\n".join(sentences(failure))
    body = GoogleError(error=GoogleErrorBody(code=code, message=said, status=status, details=details(failure)))
    return JSONResponse(body.model_dump(), code, headers=dict(failure.headers))


def details(failure: Failure) -> list[dict[str, Any]]:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": failure.code, "domain": DOMAIN}
    violations = [
        {"field": problem.param, "description": " ".join(filter(None, (problem.message, problem.hint)))}
        for problem in failure.problems
        if problem.param
    ]
    bad = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
    return [info, bad] if violations else [info]
