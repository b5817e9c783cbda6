"""From files to what training needs: the transfer set with its targets, and the rows that are watched."""

import numpy as np

from distill.data.draw import Division
from distill.data.rows import Ints, Labels, Rows
from distill.objectives.labels import UNSEEN
from distill.run import RunFolder
from distill.signals.scores import Floats, Scores
from distill.signals.uploaded import Uploaded
from distill.transfer import Transfer
from distill.watch import Watched
from spec.objective import SoftTargets
from spec.params import TrainParams
from spec.problem import Problem, Refused


def transfer_set(folder: RunFolder, params: TrainParams, rows: Rows, division: Division) -> Transfer:
    """The rows to learn from, with labels as far as they may be seen, and what teachers say of them. Where a teacher answers, the rows are
    those that it answered, and the labels its answers.

    Refused: `no_training_rows`, `signals_missing`.
    """
    selection, classes = params.selection, params.signature.output.classes
    if not len(division.train):
        message, hint = "No training row is left.", "Conditions, shares and held-out rows leave none."
        raise Refused(Problem(code="no_training_rows", message=message, param="data", hint=hint))
    which = division.train
    if params.answers is not None:
        which = which[Scores(folder.input("scores"), 1, folder.path).known("train", which)]
    known = rows.targets(classes)[which]
    copies = (selection.augment.copies or 0) if selection.augment else 0
    teachers = _teacher_logits(folder, params, rows, which, copies)
    labels = known.copy()
    labels[~np.isin(which, division.labelled)] = UNSEEN
    if params.answers == "labels":
        assert teachers is not None
        several = params.signature.output.kind == "multilabel"
        labels = (teachers[:, 0] > 0).astype(np.int8) if several else teachers[:, 0].argmax(axis=1)
    return Transfer(
        inputs=rows.inputs,
        digests=rows.digests,
        rows=which,
        labels=labels,
        teachers=teachers if any(isinstance(term, SoftTargets) for term in params.objective) else None,
        absent=absent(known, len(classes)),
        augment=selection.augment,
        seed=selection.seed,
    )


def absent(known: Labels, classes: int) -> Ints:
    """Classes that no row has, where one has a label at all; of several classes a row none is looked for."""
    if known.ndim == 2 or not (known >= 0).any():
        return np.empty(0, dtype=np.int64)
    return np.setdiff1d(np.arange(classes), known)


def _teacher_logits(folder: RunFolder, params: TrainParams, rows: Rows, which: Ints, copies: int) -> Floats | None:
    """(items, M, V), from scores or from uploaded signals; None without a teacher."""
    if params.teachers:
        parts = ("train", *(f"copy.{k}" for k in range(1, copies + 1)))
        return Scores(folder.input("scores"), params.teachers, folder.path).gather(parts, which)
    path = folder.input("signals/rows.arrow")
    if not path.exists():
        return None
    uploaded = Uploaded(path, params.signature.output, folder.path)
    places = uploaded.places(rows)[which]
    missing = which[places < 0]
    if len(missing):
        first = rows.ids[missing[0]]
        message = f"{len(missing):,} of {len(which):,} training rows have no signals, the first of them {first}."
        raise Refused(Problem(code="signals_missing", message=message, param="teacher.signals"))
    return uploaded.gather(places)


def watched_rows(folder: RunFolder, params: TrainParams, rows: Rows, division: Division) -> tuple[Watched, ...]:
    """Validation and held-out rows, each a share of the training file or a file of its own, as far as they are there."""
    output, found = params.signature.output, []
    for name, drawn, headline in (
        ("validation", division.validation, params.headline),
        ("heldout", division.heldout, None),
    ):
        path = folder.input(f"{name}/rows.arrow")
        if path.exists():
            apart = Rows.open(path, params.selection.roles)
            found.append(Watched.of(name, apart, np.arange(apart.count), output, headline))
        elif len(drawn):
            found.append(Watched.of(name, rows, drawn, output, headline))
    return tuple(found)
