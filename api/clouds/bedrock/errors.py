"""Errors as Bedrock gives them: the kind in the header `x-amzn-ErrorType`, one message in the body (botocore's model of `bedrock`)."""

from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse

from api.clouds.told import sentences
from api.errors import Failure

NAMES = {
    400: ("ValidationException", 400),
    401: ("AccessDeniedException", 403),
    403: ("AccessDeniedException", 403),
    404: ("ResourceNotFoundException", 404),
    409: ("ConflictException", 400),
    413: ("ValidationException", 400),
    503: ("ServiceUnavailableException", 503),
    507: ("ServiceQuotaExceededException", 400),
}
"""Our status to its exception and that one's status."""


class BedrockError(BaseModel):
    """The body of every reply of status 4xx and 5xx; the header `x-amzn-ErrorType` has its kind."""

    message: str
    """A line for each problem, our code and the field at its end."""


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": BedrockError, "description": "ValidationException, AccessDeniedException and their kin."},
    "5XX": {"model": BedrockError, "description": "InternalServerException, ServiceUnavailableException."},
}


def render(failure: Failure) -> JSONResponse:
    """Everything that we would say, in one message; the request's id is in `x-request-id`."""
    fallback = ("ValidationException", failure.status) if failure.status < 500 else ("InternalServerException", 500)
    name, status = NAMES.get(failure.status, fallback)
    headers = {**failure.headers, "x-amzn-errortype": name}
    body = BedrockError(message="\n".join(sentences(failure)))
    return JSONResponse(body.model_dump(), status, headers=headers)
