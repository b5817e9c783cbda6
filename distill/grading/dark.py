"""Dark knowledge: what the teacher says of the classes that are not the answer (Hinton et al. 2015, section 1)."""

import numpy as np
import numpy.typing as npt

from distill.data.draw import Division
from distill.data.rows import Ints, Rows
from distill.grading.pictures import excerpts, pictures
from distill.grading.teachers import Teachers
from distill.report.figures import Confusion, DarkKnowledge, RichRow

CHUNK = 65536
CONFUSIONS, RICHEST = 10, 16
PLACES = 6
Floats = npt.NDArray[np.float64]


def dark_knowledge(teachers: Teachers, train: Rows, division: Division) -> DarkKnowledge | None:
    """Over the transfer rows, at the temperature of the job's first soft term; None where there is none, or no teacher, or where a row has any
    number of classes: what else the teacher sees in it is no alternative to the answer."""
    params = teachers.params
    if params.signature.output.kind == "multilabel":
        return None
    logits = teachers.transfer(train, division.train) if params.temperature is not None else None
    if logits is None or params.temperature is None:
        return None
    classes = params.signature.output.classes
    known = np.where(np.isin(division.train, division.labelled), train.targets(classes)[division.train], -1)
    sums, counts = np.zeros((len(classes), len(classes))), np.zeros(len(classes), dtype=np.int64)
    truth, entropy = known.copy(), np.empty(len(known))
    for first in range(0, len(known), CHUNK):
        here = slice(first, first + CHUNK)
        soft = teachers.combined(logits[here], params.temperature)
        truth[here] = np.where(known[here] < 0, soft.argmax(axis=1), known[here])
        np.add.at(sums, truth[here], soft)
        counts += np.bincount(truth[here], minlength=len(classes))
        entropy[here] = -(soft * np.log(np.maximum(soft, np.finfo(np.float64).tiny))).sum(axis=1)
    mean = sums / np.maximum(counts, 1)[:, None]
    places = _richest(entropy, truth)
    soft = teachers.combined(logits[places], params.temperature)
    return DarkKnowledge(
        temperature=params.temperature,
        rows=len(known),
        labelled=int((known >= 0).sum()),
        counts=tuple(counts.tolist()),
        mean=tuple(tuple(np.round(row, PLACES).tolist()) for row in mean),
        confusions=_confusions(mean, counts, classes),
        richest=_rows(train, division.train[places], [classes[i] for i in truth[places]], entropy[places], soft),
    )


def _confusions(mean_VV: Floats, counts: Ints, classes: tuple[str, ...]) -> tuple[Confusion, ...]:
    """The highest shares off the diagonal, each beside the lowest of the same true class."""
    others = mean_VV.copy()
    np.fill_diagonal(others, np.nan)
    others[counts == 0] = np.nan
    order = np.argsort(np.where(np.isnan(others), -1.0, others), axis=None, kind="stable")[::-1][:CONFUSIONS]
    pairs = [divmod(int(place), len(classes)) for place in order]
    return tuple(
        Confusion(
            truth=classes[i],
            looks_like=classes[j],
            share=float(others[i, j]),
            least_like=classes[int(np.nanargmin(others[i]))],
            least_share=float(np.nanmin(others[i])),
        )
        for i, j in pairs
        if not np.isnan(others[i, j])
    )


def _richest(entropy: Floats, truth: Ints) -> Ints:
    """The highest entropies: the best of each class first, then the best of what is left."""
    order = np.argsort(-entropy, kind="stable")
    first = np.sort(np.unique(truth[order], return_index=True)[1])[:RICHEST]
    rest = np.setdiff1d(np.arange(len(order)), first)[: RICHEST - len(first)]
    found: Ints = order[np.concatenate([first, rest])]
    return found


def _rows(train: Rows, which: Ints, truth: list[str], entropy: Floats, soft: Floats) -> tuple[RichRow, ...]:
    drawn, written = pictures(train, which), excerpts(train, which)
    return tuple(
        RichRow(
            row=int(which[i]),
            truth=truth[i],
            entropy=float(entropy[i]),
            probabilities=tuple(np.round(soft[i], PLACES).tolist()),
            picture=drawn[i],
            text=written[i],
        )
        for i in range(len(which))
    )
