"""Errors as Google's APIs give them: `google.rpc.Status` with BadRequest and ErrorInfo as details (google.aip.dev/193)."""

from typing import Any

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


def render(failure: Failure) -> JSONResponse:
    """Everything that we would say: `reason` is our code, and each problem is a violation of the field it is about."""
    status = STATUSES.get(failure.status, "INVALID_ARGUMENT" if failure.status < 500 else "INTERNAL")
    code = CODES.get(status, failure.status)
    said = sentences(failure)
    error: dict[str, Any] = {"code": code, "message": "\n".join(said), "status": status, "details": details(failure)}
    return JSONResponse({"error": error}, code, headers=dict(failure.headers))


def details(failure: Failure) -> list[dict[str, Any]]:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": failure.code, "domain": DOMAIN}
    violations = [
        {"field": problem.param, "description": " ".join(filter(None, (problem.message, problem.hint)))}
        for problem in failure.problems
        if problem.param
    ]
    bad = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
    return [info, bad] if violations else [info]
