"""From what was raised to what a supervisor can act on: a problem in words, and how to retry."""

import errno
import traceback
from typing import Literal

from pydantic import ValidationError

from spec.problem import Problem, Refused
from spec.run import Result

Retry = Literal["never", "infrastructure", "memory", "unknown"]
FULL = {errno.ENOSPC, errno.EDQUOT}
MACHINE = FULL | {errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ESTALE}
TOKENIZER = "tokenizer_fails"
"""Code of `distill/students/encoder.py`, which knows nothing of ours."""
# The last is what oneDNN says where it finds no room for its kernels.
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "could not create a primitive")


def failed(error: Exception) -> Result:
    """The Result of a run that raised `error`. All problems of a refusal are in `summary.problems`."""
    if isinstance(error, Refused):
        problems = [problem.model_dump(exclude_none=True) for problem in error.problems]
        return Result(status="failed", error=error.problems[0], retry="never", summary={"problems": problems})
    traceback.print_exception(error)
    problem, retry = classify(error)
    return Result(status="failed", error=problem, retry=retry)


def classify(error: Exception) -> tuple[Problem, Retry]:
    """What an error that is no refusal means, and how to treat it."""
    text = f"{type(error).__name__}: {error}"[:500]
    if out_of_memory(error):
        hint = "A smaller batch needs less memory; a retry halves the rows of one pass."
        return Problem(code="out_of_memory", message=f"Memory ran out ({text}).", hint=hint), "memory"
    if isinstance(error, ValueError) and getattr(error, "code", None) == TOKENIZER:
        hint = "The step's log has the details. Another tokenizer, or one that is trained on the data, may read these texts."
        return Problem(code=TOKENIZER, message=str(error)[:500], param="student.tokenizer", hint=hint), "never"
    if isinstance(error, OSError) and error.errno in MACHINE:
        code = "disk_full" if error.errno in FULL else "machine_error"
        return Problem(code=code, message=f"The machine failed ({text})."), "infrastructure"
    if isinstance(error, ValidationError):
        return Problem(code="run_invalid", message=f"spec.json does not fit its verb ({text})."), "never"
    return Problem(
        code="internal", message=f"The step failed ({text}).", hint="The step's log has the details."
    ), "unknown"


def out_of_memory(error: Exception) -> bool:
    """MemoryError, torch's OutOfMemoryError, or the RuntimeError that torch's CPU allocator raises."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY)
