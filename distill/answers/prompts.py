"""How rows become questions."""

import json

import numpy as np
import pyarrow as pa

from distill.data.draw import Division, salted
from distill.data.rows import Ints, Labels, Rows, seen
from spec.gateway import Message
from spec.params import Question
from spec.responses import NONE
from spec.template import fields, render


class Prompts:
    """The messages of any row of one file. Values are read row by row: a million rows are never texts at once."""

    def __init__(self, question: Question, rows: Rows, examples: tuple[Message, ...]) -> None:
        self._question, self._examples = question, examples
        shown = fields(question.template, rows.columns)
        self._columns: dict[str, pa.Array] = {name: rows.texts(name) for name in shown}
        self._system = (Message(role="system", content=question.system),) if question.system is not None else ()

    def of(self, row: int) -> tuple[Message, ...]:
        return (*self._system, *self._examples, Message(role="user", content=self.text(row)))

    def text(self, row: int) -> str:
        """The user's message. A missing value is shown as nothing."""
        return render(
            self._question.template, {name: column[row].as_py() or "" for name, column in self._columns.items()}
        )


def examples(
    question: Question, rows: Rows, division: Division, classes: tuple[str, ...], seed: int
) -> tuple[Message, ...]:
    """Labelled training rows as questions with their answers: the lowest hashes, class by class in turn."""
    if not question.examples:
        return ()
    shown, truth = Prompts(question, rows, ()), rows.targets(classes)
    found: list[Message] = []
    for row in picked(rows, division.labelled, classes, question.examples, seed).tolist():
        found.append(Message(role="user", content=shown.text(row)))
        found.append(Message(role="assistant", content=said(truth, row, classes, structured=question.structured)))
    return tuple(found)


def said(truth: Labels, row: int, classes: tuple[str, ...], *, structured: bool) -> str:
    """How a teacher would say a row's label; where answers are structured, as their schema has it."""
    several = truth.ndim == 2
    named = [classes[i] for i in (np.flatnonzero(truth[row]) if several else [int(truth[row])])]
    if structured:
        return json.dumps({"answer": named if several else named[0]}, ensure_ascii=False)
    return ", ".join(named) or NONE


def picked(rows: Rows, among: Ints, classes: tuple[str, ...], number: int, seed: int) -> Ints:
    """(number,) row numbers."""
    truth = rows.targets(classes)[among]
    among, truth = among[seen(truth)], truth[seen(truth)]
    if truth.ndim == 2:  # the rarest class that a row has speaks for it, and no class for a row without any
        order = np.argsort(truth.sum(axis=0), kind="stable")
        truth = np.where(truth.any(axis=1), truth[:, order].argmax(axis=1), len(classes))
    hashes = salted(rows.digests[among], seed, "examples")
    order = np.argsort(hashes, kind="stable")
    turn = np.zeros(len(among), dtype=np.int64)
    for v in np.unique(truth):
        mine = order[truth[order] == v]
        turn[mine] = np.arange(len(mine))
    first = np.lexsort((hashes, turn))[:number]
    return among[first]
