"""Balance: how much each class counts, so that all of them count alike, and rows one on average.

A label counts N / (C · n_c): N labelled rows, n_c of them of its class, C classes that have a row. It is what scikit-learn calls "balanced",
after King and Zeng 2001 ("Logistic regression in rare events data": the share that a class should have over the one that it has).

Soft targets count by the same rule with soft counts, which is ours: n_c is the sum over all N rows of q_c, the teachers' distribution at T = 1,
already combined; row i counts w_i = sum_c q_ic · N / (C · max(n_c, 1)) with C = sum_c min(n_c, 1). So a class that has less than one row in all
counts as that part of a class: what a teacher leaves to a class that it never means weighs next to nothing, and there is no bound at which a class
appears. The mean of w is one. Where every n_c is at least one, it is sum_c q_ic · N / (C · n_c); where every q_i is one class, it is what a label
counts. w multiplies the whole divergence of a row, whose least is still where the student says what the teacher says.

Of several classes a row all of this is of each class by itself, with yes and no for its two classes. Legend: `N` rows, `V` classes.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from distill.data.rows import Ints, Labels, seen
from distill.objectives.labels import UNSEEN

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.signedinteger[Any]] | npt.NDArray[np.float64]


def label_weights(labels: Labels, classes: int) -> Floats:
    """How much a label of each class counts: (V,), or (2, V) of several classes a row."""
    return decision_weights(labels) if labels.ndim == 2 else inverse_frequencies(labels.astype(np.int64), classes)


def inverse_frequencies(labels: Ints, classes: int) -> Floats:
    """(V,): labelled rows / (classes with labels * rows of the class), whose mean over the labelled rows is one; 0 for a class without labels."""
    return _inverse(np.bincount(labels[labels != UNSEEN], minlength=classes))


def decision_weights(labels_NV: Labels) -> Floats:
    """(2, V), of a no and of a yes: the same for each class by itself, labelled rows / (2 * rows with that answer). Their ratio is what is
    known as a class's positive weight, rows without it / rows with it."""
    known = labels_NV[seen(labels_NV)]
    return _of_decisions(len(known), known.sum(axis=0, dtype=np.int64))


def soft_weights(lots: Iterable[torch.Tensor], classes: int, several: bool) -> Floats:
    """The same by soft counts: (V,), or (2, V). `lots`: (n, V) probabilities of all rows, part by part."""
    rows, counts = 0, np.zeros(classes)
    for q_nV in lots:
        rows, counts = rows + len(q_nV), counts + q_nV.sum(dim=0, dtype=torch.float64).numpy()
    return _of_decisions(rows, counts) if several else _inverse(counts)


def row_weights(q_BV: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """How much rows with these probabilities count: (B,) by (V,), and by (2, V) each of their decisions, (B, V)."""
    if weights.ndim == 2:
        return q_BV * weights[1] + (1 - q_BV) * weights[0]
    return (q_BV * weights).sum(dim=-1)


def by_named_class(lots: Iterable[torch.Tensor], weights: torch.Tensor) -> Floats:
    """(V,): how much rows counted on average of which each class is the most probable, or, of several classes a row, over 0.5; 0 where none is."""
    classes = weights.shape[-1]
    rows, sums = np.zeros(classes), np.zeros(classes)
    for q_nV in lots:
        counted = row_weights(q_nV, weights).double()
        if weights.ndim == 2:
            named = q_nV > 0.5
            rows, sums = rows + named.sum(dim=0).numpy(), sums + (named * counted).sum(dim=0).numpy()
        else:
            named = q_nV.argmax(dim=-1)
            rows = rows + named.bincount(minlength=classes).numpy()
            sums = sums + named.bincount(counted, classes).numpy()
    found: Floats = (sums / np.maximum(rows, 1)).astype(np.float32)
    return found


def _of_decisions(rows: int, yes_V: Counts) -> Floats:
    return np.stack([_inverse(counts) for counts in np.stack([rows - yes_V, yes_V], axis=1)], axis=1)


def _inverse(counts_K: Counts) -> Floats:
    """Of whole counts it is the rule for labels."""
    classes = np.minimum(counts_K, 1).sum() or 1
    found = counts_K.sum() / (classes * np.maximum(counts_K, 1))
    return np.where(counts_K > 0, found, 0).astype(np.float32)
