"""From answers with any number of the choices to a probability of each. Legend: `V` choices."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distill.answers.choices import BARRED, CUT, Reading, Shares
from distill.answers.names import Names
from distill.graders.decisions import THRESHOLD
from spec.gateway import Answer
from spec.marks import bare, unmarked
from spec.outcomes import Kind
from spec.responses import NONE

BETWEEN = re.compile(r"[,;\n]")


@dataclass(frozen=True, kw_only=True)
class Lists(Names):
    """The names that count. A list that names anything else is no answer: which of them was meant is not known."""

    def by_text(self, answers: Sequence[Answer], *, structured: bool) -> Reading:
        """One answer: each choice is there or not."""
        kind, found = self.named(answers[0], structured=structured)
        return Reading(kind=kind, outside=1.0) if found is None else Reading(kind=kind, shares=self._shares([found]))

    def by_votes(self, answers: Sequence[Answer], *, structured: bool) -> Reading:
        """Of each choice the share of lists that have it; a row of which no answer is a list is of the kind that most of them are."""
        said = [self.named(answer, structured=structured) for answer in answers]
        lists = [found for _, found in said if found is not None]
        if not lists:
            kinds = [kind for kind, _ in said]
            return Reading(kind=max(kinds, key=kinds.count), outside=1.0)
        shares, outside = self._shares(lists), 1 - len(lists) / len(answers)
        winner = set(np.flatnonzero(shares > THRESHOLD).tolist())
        return Reading(kind="answered", shares=shares, outside=outside, votes=lists.count(winner))

    def named(self, answer: Answer, *, structured: bool) -> tuple[Kind, set[int] | None]:
        """What kind of answer it is, and the places of the choices that it names; a cut list may lack some, and is none."""
        if answer.refused or answer.finish_reason in BARRED:
            return "refused", None
        if answer.finish_reason in CUT:
            return "truncated", None
        if not answer.text.strip():
            return "empty", None
        array = structured or answer.text.lstrip()[:1] in "[{"
        parts = _array(answer.text, structured) if array else self._parts(answer.text)
        places = None if parts is None else [self._part(part) for part in parts]
        if places is None or None in places:
            return "unparseable", None
        return "answered", {place for place in places if place is not None}

    def _part(self, part: str) -> int | None:
        """As it stands first: a name may begin as a bullet does."""
        whole = self.find(part)
        return self.find(unmarked(part)) if whole is None else whole

    def _parts(self, text: str) -> list[str]:
        """What stands between commas, semicolons or ends of lines and is more than marks; the word for none is an empty list."""
        parts = [part for part in BETWEEN.split(text) if bare(unmarked(part)) or self.find(part) is not None]
        return [] if [bare(unmarked(part)).casefold() for part in parts] == [NONE] else parts

    def _shares(self, lists: Sequence[set[int]]) -> Shares:
        """(V,) each from 0 to 1; they sum to anything."""
        shares = np.zeros(len(self.names))
        for found in lists:
            shares[list(found)] += 1 / len(lists)
        return np.minimum(shares, 1.0)


def _array(text: str, structured: bool) -> list[str] | None:
    """A JSON array of texts, alone or as the `answer` of an object; None for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = found.get("answer") if isinstance(found, dict) else None if structured else found
    return found if isinstance(found, list) and all(isinstance(part, str) for part in found) else None
