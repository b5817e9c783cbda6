"""How each kind of exception becomes one of ours."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.checked import body_of, problems_of, unreadable
from api.clouds.dialect import spoken
from api.errors import Conflicting, Failure, Invalid, NoSpace, NotFound, TooLarge, Unavailable, of_status
from models.conflict import Conflict
from models.conflict import NotFound as Absent
from spec.problem import Refused
from storage import Full, Missing, StorageError


def install(app: FastAPI) -> None:
    """Unknown exceptions are not here: the edge catches them, since it knows the request's id."""
    translated: dict[type[Exception], Callable[[Any], Failure]] = {
        Failure: lambda failure: failure,
        Refused: lambda refused: Invalid.because(refused.problems),
        Conflict: lambda conflict: Conflicting(conflict.message, code=conflict.code),
        Absent: lambda absent: NotFound.of(absent.noun, absent.id),
        Full: lambda _: NoSpace(
            "The disk is full.", hint="Nothing was lost. Free space on the server, then try again."
        ),
        Missing: lambda _: NotFound("The bytes are gone.", code="bytes_missing"),
        StorageError: lambda _: Unavailable("The storage does not answer as it should.", code="storage_unavailable"),
    }
    for kind, translate in translated.items():
        app.add_exception_handler(kind, handler(translate))
    app.add_exception_handler(RequestValidationError, of_request)
    app.add_exception_handler(HTTPException, of_framework)


def handler(translate: Callable[[Any], Failure]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return spoken(request.url.path, translate(error))

    return handle


async def of_request(request: Request, error: Exception) -> Response:
    """A body, a query or a header that is not what its route takes."""
    assert isinstance(error, RequestValidationError)
    found = problems_of(error.errors(), body_of(request.scope["route"]))
    return spoken(request.url.path, Invalid.because(found))


async def of_framework(request: Request, error: Exception) -> Response:
    """No such route, wrong method, unreadable body."""
    assert isinstance(error, HTTPException)
    failure = of_status(error.status_code, error.detail, error.headers)
    if error.status_code == TooLarge.status:
        failure = TooLarge(error.detail)
    elif isinstance(error.__cause__, (ValueError, RecursionError)):  # of reading JSON
        failure = Invalid.because([unreadable(error.__cause__)])
    return spoken(request.url.path, failure)
