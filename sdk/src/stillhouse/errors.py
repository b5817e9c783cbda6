"""What can go wrong.

StillhouseError
├── Unreachable             no reply: the server is not there, or the time ran out
├── InspectionFailed        an upload was read and refused; `.problem` says why
├── JobFailed               a job ended without a student; `.problem` says why
└── APIError                an error reply; has status, type, code, param, hint, problems, request_id
    ├── InvalidRequest      400
    ├── Unauthenticated     401
    ├── PermissionDenied    403
    ├── NotFound            404
    ├── Conflict            409
    ├── TooLarge            413
    └── ServerError         5xx
        ├── Unavailable     503
        └── NoSpace         507
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx

from stillhouse.types import Problem


def told(message: str, hint: str | None = None, param: str | None = None) -> str:
    """`param: message`, and the hint in a line of its own; only what there is."""
    said = f"{param}: {message}" if param else message
    return f"{said}\nhint: {hint}" if hint else said


class StillhouseError(Exception):
    """The base of all."""


class Unreachable(StillhouseError):
    """No reply came. Whether something was done is not known."""


class InspectionFailed(StillhouseError):
    """An upload was read and refused."""

    def __init__(self, id: str, problem: Problem | None) -> None:
        super().__init__(
            told(f"{id}: {problem['message']}", problem.get("hint")) if problem else f"{id}: inspection failed"
        )
        self.id = id
        self.problem = problem


class JobFailed(StillhouseError):
    """A job ended as failed or cancelled."""

    def __init__(self, id: str, state: str, problem: Problem | None) -> None:
        super().__init__(
            told(f"{id} {state}: {problem['message']}", problem.get("hint")) if problem else f"{id} {state}"
        )
        self.id = id
        self.state = state
        self.problem = problem


class APIError(StillhouseError):
    """An error reply."""

    def __init__(self, status: int, error: dict[str, Any], request_id: str | None) -> None:
        self.status = status
        self.message: str = error.get("message") or HTTPStatus(status).phrase
        self.type: str | None = error.get("type")
        self.code: str | None = error.get("code")
        self.param: str | None = error.get("param")
        self.hint: str | None = error.get("hint")
        self.problems: list[Problem] = error.get("problems") or []
        self.request_id = request_id
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.described()

    def described(self) -> str:
        """All there is to say: every problem with its hint. The first speaks in `message`, which also counts the others."""
        others = self.problems[1:]
        first = self.message.removesuffix(f" (and {len(others)} more, see problems)")
        return "\n".join(
            [
                told(first, self.hint, self.param),
                *(told(other["message"], other.get("hint"), other["param"]) for other in others),
            ]
        )


class InvalidRequest(APIError):
    """400: the request cannot be understood, or the job is refused; `.problems` has all reasons."""


class Unauthenticated(APIError):
    """401: no key, or an unknown one."""


class PermissionDenied(APIError):
    """403: the key lacks a scope."""


class NotFound(APIError):
    """404: it does not exist, or belongs to another project."""


class Conflict(APIError):
    """409: not in this state."""


class TooLarge(APIError):
    """413: more bytes than the server takes."""


class ServerError(APIError):
    """5xx: the server's fault."""


class Unavailable(ServerError):
    """503: something that the server stands on is away; it was tried several times."""


class NoSpace(ServerError):
    """507: the disk, or the project's quota, is full."""


BY_STATUS: dict[int, type[APIError]] = {
    400: InvalidRequest, 401: Unauthenticated, 403: PermissionDenied, 404: NotFound, 409: Conflict, 413: TooLarge,
    503: Unavailable, 507: NoSpace,
}  # fmt: skip


def error_of(response: httpx.Response) -> APIError:
    """The error that a reply, read already, stands for."""
    try:
        error = response.json()["error"]
        assert isinstance(error, dict)
    except (ValueError, LookupError, TypeError, AssertionError):
        error = {"message": f"{response.status_code} {response.reason_phrase}: {response.text[:200]}"}
    kind = BY_STATUS.get(
        response.status_code, ServerError if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else APIError
    )
    return kind(response.status_code, error, response.headers.get("x-request-id"))
