"""Every error that a caller can see, and the one way it is written.

Failure                 status  type                    default code
├── Invalid             400     invalid_request_error   invalid_request    (spec.problem.Refused arrives here)
├── Unauthenticated     401     authentication_error    invalid_api_key
├── Forbidden           403     permission_error        forbidden
├── NotFound            404     invalid_request_error   not_found          (absent and foreign look the same)
├── Conflicting         409     invalid_request_error   conflict           (models.conflict.Conflict arrives here)
├── TooLarge            413     invalid_request_error   too_large
├── Unavailable         503     server_error            unavailable        (Retry-After)
└── NoSpace             507     server_error            disk_full, quota_exceeded
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from pydantic import BaseModel
from starlette.responses import JSONResponse

from spec.problem import Problem


class Failure(Exception):
    """What goes wrong in a way that the caller should hear about. `headers` go on the reply."""

    status: int = 500
    type: str = "server_error"
    code: str = "internal"
    headers: Mapping[str, str] = {}

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        hint: str | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.param = param
        self.hint = hint
        self.problems = tuple(problems)


class Invalid(Failure):
    status = 400
    type = "invalid_request_error"
    code = "invalid_request"

    @classmethod
    def because(cls, problems: Sequence[Problem]) -> "Invalid":
        """All problems at once; the first one speaks for them in `message`, `param` and `code`."""
        first = problems[0]
        more = f" (and {len(problems) - 1} more, see problems)" if len(problems) > 1 else ""
        return cls(first.message + more, code=first.code, param=first.param, hint=first.hint, problems=problems)


class Unauthenticated(Failure):
    status = 401
    type = "authentication_error"
    code = "invalid_api_key"
    headers = {"www-authenticate": "Bearer"}


class Forbidden(Failure):
    status = 403
    type = "permission_error"
    code = "forbidden"


class NotFound(Failure):
    status = 404
    type = "invalid_request_error"
    code = "not_found"

    @classmethod
    def of(cls, noun: str, id: str) -> "NotFound":
        """The same words for what never was, is gone, or belongs to another project."""
        return cls(f"No such {noun}: {id[:80]!r}.", param="id")


class Conflicting(Failure):
    """Permanent for this request: the openai client, which retries a 409, is told not to."""

    status = 409
    type = "invalid_request_error"
    code = "conflict"
    headers = {"x-should-retry": "false"}


class TooLarge(Failure):
    status = 413
    type = "invalid_request_error"
    code = "too_large"


class Unavailable(Failure):
    """Something that we stand on does not answer; nothing is known to have been done."""

    status = 503
    code = "unavailable"
    headers = {"retry-after": "2"}


class NoSpace(Failure):
    """The disk is full (`disk_full`) or the project holds as much as it may (`quota_exceeded`)."""

    status = 507
    code = "disk_full"
    headers = {"x-should-retry": "false"}


class ErrorBody(BaseModel):
    """OpenAI's error, with a hint and all problems where there are several."""

    message: str
    type: str
    param: str | None = None
    code: str
    hint: str | None = None
    problems: list[Problem] | None = None


class ErrorEnvelope(BaseModel):
    """The body of every reply of status 4xx and 5xx."""

    error: ErrorBody


def render(failure: Failure) -> JSONResponse:
    """The one place where an error becomes bytes, but on the routes of clouds (api/clouds/dialect.py). Never echoes what was sent."""
    error = ErrorBody(
        message=failure.message,
        type=failure.type,
        param=failure.param,
        code=failure.code,
        hint=failure.hint,
        problems=list(failure.problems) or None,
    )
    body = ErrorEnvelope(error=error).model_dump(mode="json")
    return JSONResponse(body, failure.status, headers=dict(failure.headers))


def of_status(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Failure:
    """An error that the framework raised: no such route, wrong method, unreadable body."""
    phrase = HTTPStatus(status).phrase
    failure = Failure(detail or phrase, code=phrase.lower().replace(" ", "_").replace("-", "_"))
    failure.status, failure.headers = status, headers or {}
    failure.type = "invalid_request_error" if status < 500 else "server_error"
    return failure
