"""The rows of the report: held-out, labelled, seen by nobody before."""

from dataclasses import dataclass, replace

import numpy as np

from distill.data.draw import Division, divide
from distill.data.rows import Ints, Labels, Rows, seen
from distill.run import RunFolder
from distill.signals.scores import Scores
from spec.params import GradeParams
from spec.problem import Problem, Refused


@dataclass(frozen=True, kw_only=True)
class Heldout:
    """Labelled held-out rows of one file."""

    rows: Rows
    which: Ints
    """(N,) numbers in the file."""
    truth: Labels
    """(N,), of several classes a row (N, V)."""
    unlabelled: int
    part: str
    """Of the scores: `heldout`, or `train` where they are a share of the training file."""
    units: Ints
    """(N,) what is resampled together: the row, or its group."""
    groups: int | None


def heldout(folder: RunFolder, params: GradeParams, train: Rows, division: Division) -> Heldout:
    """Refused (`no_heldout_rows`): none has a label."""
    path = folder.input("heldout/rows.arrow")
    rows = Rows.open(path, params.selection.roles) if path.exists() else train
    which = np.arange(rows.count, dtype=np.int64) if path.exists() else division.heldout
    truth = rows.targets(params.signature.output.classes)[which]
    labelled = seen(truth)
    if not labelled.any():
        message, hint = "No held-out row has a label.", "Name rows with labels in data.heldout."
        raise Refused(Problem(code="no_heldout_rows", message=message, param="data.heldout", hint=hint))
    which, truth = which[labelled], truth[labelled]
    units, groups = _units(rows, which)
    unlabelled = int((~labelled).sum())
    part = "heldout" if path.exists() else "train"
    return Heldout(rows=rows, which=which, truth=truth, unlabelled=unlabelled, part=part, units=units, groups=groups)


def _units(rows: Rows, which: Ints) -> tuple[Ints, int | None]:
    """A row without a group is a group of its own."""
    names = rows.groups
    if names is None:
        return np.arange(len(which), dtype=np.int64), None
    known: dict[object, int] = {}
    units = [known.setdefault(i if names[i] is None else names[i], len(known)) for i in which.tolist()]
    return np.array(units, dtype=np.int64), len(known)


def opened(folder: RunFolder, params: GradeParams) -> tuple[Rows, Division]:
    """The training rows, and how they divide. Rows that a teacher was asked about and did not answer are nobody's."""
    rows = Rows.open(folder.input("train/rows.arrow"), params.selection.roles)
    division = divide(rows, params.selection)
    if not params.answers:
        return rows, division
    known = Scores(folder.input("scores"), params.teachers, folder.path).known("train", division.train)
    train = division.train[known]
    return rows, replace(division, train=train, labelled=np.intersect1d(division.labelled, train))
