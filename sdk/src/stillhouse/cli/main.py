"""`stillhouse`: the command and its exit codes.

0 done · 1 refused, a file that cannot be read or written, or the server's error · 2 wrong usage · 3 the job failed or was cancelled · 4 the server does not answer · 130 ^C
With --json an error is the server's envelope, on standard error; wrong usage is told in words.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import typer

from stillhouse.cli import accounts, answers, datasets, distillations, endpoints, files, jobs, models
from stillhouse.cli.session import options
from stillhouse.errors import APIError, InspectionFailed, JobFailed, StillhouseError, Unreachable

FAILED, JOB_FAILED, UNREACHABLE = 1, 3, 4


def application() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    app.callback()(options)
    app.command()(jobs.distill)
    app.command()(jobs.watch)
    for name, part in (
        ("files", files.app), ("datasets", datasets.app), ("models", models.app),
        ("endpoints", endpoints.app), ("answers", answers.app), ("distillations", distillations.app), ("projects", accounts.projects),
        ("keys", accounts.keys),
    ):  # fmt: skip
        app.add_typer(part, name=name)
    app.command()(accounts.usage)
    app.command()(accounts.workers)
    return app


def main() -> None:
    try:
        application()()
    except (StillhouseError, OSError, ValueError, LookupError) as error:
        told = (
            json.dumps({"error": described(error)}, ensure_ascii=False) if "--json" in sys.argv else f"error: {error}"
        )
        print(told, file=sys.stderr)
        sys.exit(code_of(error))


def code_of(error: Exception) -> int:
    return JOB_FAILED if isinstance(error, JobFailed) else UNREACHABLE if isinstance(error, Unreachable) else FAILED


def described(error: Exception) -> dict[str, Any]:
    """In the server's own envelope, also what the server knows nothing of."""
    if isinstance(error, APIError):
        names = ("message", "type", "param", "code", "hint", "problems", "request_id")
        return {name: getattr(error, name) for name in names}
    problem = error.problem if isinstance(error, InspectionFailed | JobFailed) else None
    return {"message": str(error), "type": type(error).__name__} | dict(problem or {})
