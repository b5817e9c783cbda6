"""From answers to distributions over the choices. Legend: `V` choices."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from distill.answers.names import Names
from distill.answers.path import Path
from spec.gateway import Answer
from spec.marks import bare
from spec.outcomes import Kind

Shares = npt.NDArray[np.float64]
CUT = ("length", "max_tokens")
BARRED = ("content_filter", "refusal")
LEAST = 0.5
"""Probability that must be on the names: an answer that is mostly about something else names none of them."""
DENIED = re.compile(r"\b(not|no|neither|nor|never|isn't|cannot|can't)\b")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one row's answers say."""

    kind: Kind
    shares: Shares | None = None
    """(V,), summing to one (of lists, each by itself); None where the row was not answered."""
    outside: float = 0.0
    """Probability, or share of the votes, that fell on no choice."""
    votes: int = 1
    """Answers that name the choice that most of them name."""
    hard: bool = False
    """It is the text's, for its log-probabilities say no choice."""


@dataclass(frozen=True, kw_only=True)
class Choices(Names):
    """The names that count."""

    def by_text(self, answers: Sequence[Answer], *, structured: bool) -> Reading:
        """One answer: all of the probability is on the choice that it names."""
        kind, place = self.named(answers[0], structured=structured)
        if place is None:
            return Reading(kind=kind, outside=1.0)
        return Reading(kind=kind, shares=self._only(place))

    def by_votes(self, answers: Sequence[Answer], *, structured: bool) -> Reading:
        """Shares of the answers that name a choice; a row of which none does is of the kind that most of them are."""
        named = [self.named(answer, structured=structured) for answer in answers]
        votes = [place for _, place in named if place is not None]
        if not votes:
            kinds = [kind for kind, _ in named]
            return Reading(kind=max(kinds, key=kinds.count), outside=1.0)
        counts = np.bincount(votes, minlength=len(self.names)).astype(np.float64)
        outside = 1 - len(votes) / len(answers)
        return Reading(kind="answered", shares=counts / counts.sum(), outside=outside, votes=int(counts.max()))

    def by_tokens(self, answer: Answer) -> Reading:
        """By log-probabilities; where they say no choice and the text names one, all of the probability is on it (`hard`)."""
        found = self.by_logprobs(answer)
        text = found if found.shares is not None else self.by_text([answer], structured=False)
        return (
            found
            if text.shares is None or found.shares is not None
            else replace(text, outside=found.outside, hard=True)
        )

    def by_logprobs(self, answer: Answer) -> Reading:
        """The probabilities of the tokens that names begin with, along the answer that was given, as far as it is one.

        At each place the likely tokens divide what is left: those that begin or continue a name keep their probability, for the names
        that they leave possible, in equal parts; the others are outside. Marks that an answer may have before its name lead on to it. The token that was taken leads on to the next place, until it
        leaves one name. Names that no listed token leads to share what was not listed, none of them more than the least likely one
        that was. What remains on names is divided by its sum.
        """
        if answer.refused or answer.finish_reason in BARRED:
            return Reading(kind="refused", outside=1.0)
        if not answer.top_logprobs:
            return Reading(kind="empty" if not answer.text.strip() else "unparseable", outside=1.0)
        shares = np.zeros(len(self.names))
        path, left = Path(self.folded, answer.text), 1.0
        alive = list(range(len(self.names)))
        spare, least = 0.0, 1.0
        for tops in answer.top_logprobs:
            likely = {token: math.exp(value) for token, value in tops.items()}
            taken = path.taken(likely)
            for token, probability in likely.items():
                led = path.led(token, alive)
                if led and token != taken:
                    shares[led] += left * probability / len(led)
                least = min(least, left * probability)
            spare += left * max(0.0, 1.0 - sum(likely.values()))
            if taken is None:
                break
            left *= likely[taken]
            path.go(taken)
            alive = path.left(alive)
            whole = [v for v in alive if path.whole(v)]
            if len(alive) <= 1 or (whole and path.over):
                shares[whole or alive] += left / max(len(whole or alive), 1)
                break
        else:
            shares[alive if path.begun else []] += left / max(len(alive), 1)
        if shares.sum() < LEAST:
            kind: Kind = "truncated" if answer.finish_reason in CUT else "unparseable"
            return Reading(kind=kind, outside=max(0.0, 1.0 - float(shares.sum())))
        unlisted = shares == 0
        if unlisted.any():
            shares[unlisted] = min(spare / unlisted.sum(), least)
        inside = float(shares.sum())
        return Reading(kind="answered", shares=shares / inside, outside=max(0.0, 1.0 - inside))

    def named(self, answer: Answer, *, structured: bool) -> tuple[Kind, int | None]:
        """What kind of answer it is, and the place of the choice that it names."""
        if answer.refused or answer.finish_reason in BARRED:
            return "refused", None
        text = _unwrapped(answer.text) if structured else answer.text
        place = self.find(text)
        if answer.finish_reason in CUT and (place is None or self._longer(text)):
            return "truncated", None
        if place is None and not bare(text):
            return ("unparseable" if structured and answer.text.strip() else "empty"), None
        place = self._within(text.strip().casefold()) if place is None else place
        return ("unparseable", None) if place is None else ("answered", place)

    def _longer(self, text: str) -> bool:
        """Whether a name goes on after the text."""
        said = text.strip().casefold()
        said = bare(said) or said
        return any(name.startswith(said) and name != said for name in map(bare, self.folded))

    def _within(self, words: str) -> int | None:
        """The one name that a sentence says, and does not deny."""
        texts, folded = (words, bare(words)), self.folded
        found = [v for v, name in enumerate(folded) if any(_says(text, name) for text in texts)]
        # "new york city" names new york as well: of names within each other the longest is meant.
        found = [v for v in found if not any(v != w and folded[v] in folded[w] for w in found)]
        return found[0] if len(found) == 1 and not DENIED.search(words) else None

    def _only(self, place: int) -> Shares:
        shares = np.zeros(len(self.names))
        shares[place] = 1.0
        return shares


def _says(text: str, name: str) -> bool:
    return name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _unwrapped(text: str) -> str:
    """The `answer` of a structured answer; nothing where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("answer", "")) if isinstance(found, dict) else ""
