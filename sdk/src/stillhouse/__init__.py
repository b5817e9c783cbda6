"""Client of Stillhouse: distillation as a service that you host yourself."""

from stillhouse.client import Stillhouse
from stillhouse.errors import (
    APIError,
    Conflict,
    InspectionFailed,
    InvalidRequest,
    JobFailed,
    NoSpace,
    NotFound,
    PermissionDenied,
    ServerError,
    StillhouseError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from stillhouse.job import Job

__all__ = [
    "APIError",
    "Conflict",
    "InspectionFailed",
    "InvalidRequest",
    "Job",
    "JobFailed",
    "NoSpace",
    "NotFound",
    "PermissionDenied",
    "ServerError",
    "Stillhouse",
    "StillhouseError",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
]
