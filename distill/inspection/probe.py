"""A probe batch through the very code that scores rows: scores must be finite, as many as classes, and each row's own."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.data.refusal import refuse
from distill.students.teacher import teacher
from spec.facts import ModelFacts
from spec.params import TeacherInput

ROWS = 3
MEMORY = 4 * 2**30
"""Address space that loading and a probe may take, beside eight times the file: a graph can ask for any amount."""
TOLERANCE = 1e-3
Scores = npt.NDArray[np.float32]


def probe(facts: ModelFacts, folder: Path, name: str, threads: int) -> None:
    """One row, and three. Refused: `probe_failed`, and what `check` finds."""
    rows = inputs(facts)
    given = TeacherInput(path="teacher", facts=facts)
    try:
        with bounded(MEMORY + 8 * sum(file.bytes for file in facts.files.values())):
            score = teacher(given, folder, facts.signature.output.classes, device="cpu", threads=threads)
            single, scores = score(rows[:1]), score(rows)
    except Exception as error:  # whatever a file of somebody else's makes native code raise
        hint = "Does it take a batch of any size, of the rows that the signature tells of?"
        words = " ".join(str(error).split())[:300] or type(error).__name__
        raise refuse("probe_failed", name, f"a probe batch fails: {words}", hint) from error
    check(single, scores, facts, name)


def inputs(facts: ModelFacts) -> npt.NDArray[Any]:
    """(3, *shape): raw values such as the signature's scaling expects, roughly 0 to 1 once it is applied."""
    given = facts.signature.input
    if given.kind == "text":
        letters = np.random.default_rng(0).integers(97, 123, (ROWS, 40)).astype(np.uint8)
        letters[:, 20] = 0 if given.shape else letters[:, 20]
        return letters
    scale = np.abs(np.asarray(given.scale, dtype=np.float64)).max()
    high = min(1 / scale if scale else 1.0, 255.0)
    values = np.random.default_rng(0).uniform(0, high, (ROWS, *given.shape))
    return np.rint(values).astype(np.uint8) if given.dtype == "uint8" else values.astype(np.float32)


def check(single: Scores, scores: Scores, facts: ModelFacts, name: str) -> None:
    """Refused: `scores_shape`, `scores_not_finite`, `rows_mixed`, `not_probabilities`, `scores_are_probabilities`."""
    classes = len(facts.signature.output.classes)
    if scores.shape != (ROWS, classes) or single.shape != (1, classes):
        message = f"three rows give scores of shape {list(scores.shape)}; the signature has {classes} classes."
        raise refuse("scores_shape", name, message)
    declared, several = facts.signature.output.scores, facts.signature.output.kind == "multilabel"
    if declared == "probabilities" and several and np.isnan(scores).any():
        message = "a probe batch gives scores under 0 or over 1, so they are no probabilities."
        raise refuse("not_probabilities", name, message, "Say scores: logits in the signature.")
    if not np.isfinite(scores).all():
        raise refuse("scores_not_finite", name, "a probe batch gives scores that are NaN or infinite.")
    if not np.allclose(single[0], scores[0], rtol=TOLERANCE, atol=TOLERANCE):
        hint = "Export it in evaluation mode: a norm must use its running statistics, not the batch's."
        raise refuse("rows_mixed", name, "a row's scores hang on the other rows of its batch.", hint)
    if several:
        return
    sums = (np.exp(scores) if declared == "probabilities" else scores).sum(axis=1)
    if declared == "probabilities" and not np.allclose(sums, 1, atol=TOLERANCE):
        message = f"the scores of a row sum to {sums[0]:.4g}, so they are no probabilities."
        raise refuse("not_probabilities", name, message, "Say scores: logits in the signature.")
    if declared == "logits" and (scores >= 0).all() and np.allclose(sums, 1, atol=1e-5):
        message = "the scores of every row are positive and sum to 1: they are probabilities, not logits."
        raise refuse("scores_are_probabilities", name, message, "Say scores: probabilities in the signature.")


@contextmanager
def bounded(more: int) -> Iterator[None]:
    """Lets the process grow by `more` bytes of address space; beyond, allocation fails instead of the machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = address_space() + more
    allowed = [limit, *(value for value in (soft, hard) if value != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(allowed), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def address_space() -> int:
    """Bytes of address space in use; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
