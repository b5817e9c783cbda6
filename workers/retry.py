"""How a child ended, as a Result: its own if it wrote one that holds, else what its end tells. Attempts are counted in models/finish.py."""

import json
import signal
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from models.finish import DISK_FULL
from spec.problem import Problem
from spec.run import RESULT, Result
from workers.child import End
from workers.intake import Untrusted, read
from workers.tail import storable

LARGEST = 16 * 2**20  # bytes of result.json
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGSYS}
PROBLEMS = TypeAdapter(Annotated[list[Problem], Field(max_length=1000)])
ROLLED_BACK = Result(status="stopped")  # it was stopped and left nothing: the last checkpoint counts


def explain(run: Path, end: End | None, asked: str | None, *, gateway: bool = False) -> Result:
    """What the child's end means. `asked`: why we asked it to stop, None if we did not; `gateway`: it was told there that nothing more is answered."""
    try:
        result = Result.model_validate(storable(json.loads(read(run, RESULT, LARGEST))))
        PROBLEMS.validate_python(result.summary.get("problems", []))
    except FileNotFoundError:
        return _silent(end, asked)
    except (Untrusted, ValidationError, ValueError, RecursionError) as error:
        return invalid(str(error))
    if result.status == "stopped" and asked is None and not gateway and not (end and end.stopped_by):
        return failed("stopped_unasked", "The step was stopped by somebody else than its worker.", "infrastructure")
    return result


def _silent(end: End | None, asked: str | None) -> Result:
    """It ended without a result: killed, or crashed."""
    if asked is not None or (end and (end.killed_by or end.stopped_by)):
        return ROLLED_BACK
    if end is None:
        return failed("machine_error", "The step's process was killed from outside.", "infrastructure")
    if end.code == -signal.SIGKILL and end.out_of_memory:
        hint = "A worker with more memory, or a smaller student or batch, helps."
        return failed("out_of_memory", f"Memory ran out at {end.rss / 1e9:.1f} GB.", "memory", hint)
    if end.code in (-signal.SIGKILL, -signal.SIGTERM):
        doubt = "" if end.out_of_memory is not None else " The kernel ran short of memory meanwhile: that may be why."
        return failed("machine_error", f"The step's process was killed from outside.{doubt}", "infrastructure")
    if -end.code in CRASHES:
        name = signal.Signals(-end.code).name
        return failed("crashed", f"The step's process crashed ({name}).", "unknown", "The step's log may say more.")
    return failed("internal", f"The step's process ended with code {end.code}.", "unknown", "The step's log says more.")


def invalid(reason: str) -> Result:
    """The child's word does not hold."""
    return failed("result_invalid", f"The step's result does not hold: {reason[:500]}", "unknown")


def full(reason: str) -> Result:
    return failed(DISK_FULL, f"The disk is full ({reason}).", "infrastructure", "Free space; the job then goes on.")


def failed(code: str, message: str, retry: str, hint: str | None = None) -> Result:
    problem = Problem(code=code, message=message, hint=hint)
    return Result.model_validate({"status": "failed", "error": problem, "retry": retry})
