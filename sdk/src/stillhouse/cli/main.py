"""`stillhouse`: the command and its exit codes.

0 done · 1 refused, or the server's error · 2 wrong usage · 3 the job failed or was cancelled · 4 the server does not answer · 130 ^C
"""

from __future__ import annotations

import sys

import typer

from stillhouse.cli import accounts, datasets, distillations, files, jobs, models
from stillhouse.cli.session import options
from stillhouse.errors import JobFailed, StillhouseError, Unreachable

FAILED, JOB_FAILED, UNREACHABLE = 1, 3, 4


def application() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    app.callback()(options)
    app.command()(jobs.distill)
    app.command()(jobs.watch)
    for name, part in (
        ("files", files.app), ("datasets", datasets.app), ("models", models.app), ("distillations", distillations.app),
        ("projects", accounts.projects), ("keys", accounts.keys),
    ):  # fmt: skip
        app.add_typer(part, name=name)
    app.command()(accounts.usage)
    app.command()(accounts.workers)
    return app


def main() -> None:
    try:
        application()()
    except StillhouseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(
            JOB_FAILED if isinstance(error, JobFailed) else UNREACHABLE if isinstance(error, Unreachable) else FAILED
        )
