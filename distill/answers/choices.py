"""From answers to distributions over the choices. Legend: `V` choices."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from spec.gateway import Answer

Kind = Literal["answered", "refused", "empty", "truncated", "unparseable", "failed"]
Shares = npt.NDArray[np.float64]
CUT = ("length", "max_tokens")
BARRED = ("content_filter", "refusal")
LEAST = 0.5
"""Probability that must be on the names: an answer that is mostly about something else names none of them."""
DENIED = re.compile(r"\b(not|no|neither|nor|never|isn't|cannot|can't)\b")
TRIM = re.compile(r"^[\s\"'`*_.,:;()\[\]{}]+|[\s\"'`*_.,:;()\[\]{}!]+$")


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


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The names that count."""

    names: tuple[str, ...]

    @property
    def folded(self) -> list[str]:
        """Names as they are compared: without case."""
        return [name.strip().casefold() for name in self.names]

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

    def by_logprobs(self, answer: Answer) -> Reading:
        """The probabilities of the tokens that names begin with, along the answer that was given, as far as it is one.

        At each place the likely tokens divide what is left: those that begin or continue a name keep their probability, for the names
        that they leave possible, in equal parts; the others are outside. The token that was taken leads on to the next place, until it
        leaves one name. Names that no listed token leads to share what was not listed, none of them more than the least likely one
        that was. What remains on names is divided by its sum.
        """
        if answer.refused or answer.finish_reason in BARRED:
            return Reading(kind="refused", outside=1.0)
        if not answer.top_logprobs:
            return Reading(kind="empty" if not answer.text.strip() else "unparseable", outside=1.0)
        shares = np.zeros(len(self.names))
        folded = [name.casefold() for name in self.names]
        said, left = answer.text.lstrip().casefold(), 1.0
        prefix, alive = "", list(range(len(folded)))
        spare, least = 0.0, 1.0
        for tops in answer.top_logprobs:
            likely = {token: math.exp(value) for token, value in tops.items()}
            taken = self._taken(likely, prefix, said)
            for token, probability in likely.items():
                path = prefix + (token.lstrip() if not prefix else token).casefold()
                led = [v for v in alive if path and (folded[v].startswith(path) or path.rstrip() == folded[v])]
                if led and token != taken:
                    shares[led] += left * probability / len(led)
                least = min(least, left * probability)
            spare += left * max(0.0, 1.0 - sum(likely.values()))
            if taken is None:
                break
            prefix += (taken.lstrip() if not prefix else taken).casefold()
            left *= likely[taken]
            alive = [v for v in alive if folded[v].startswith(prefix) or prefix.rstrip() == folded[v]]
            whole = [v for v in alive if folded[v] == prefix.rstrip()]
            if len(alive) <= 1 or (whole and prefix.rstrip() == said.rstrip()):
                shares[whole or alive] += left / max(len(whole or alive), 1)
                break
        else:
            shares[alive] += left / max(len(alive), 1)
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
        words = TRIM.sub("", text).casefold()
        if not words and text.strip().casefold() not in self.folded:
            if answer.finish_reason in CUT:
                return "truncated", None
            return ("unparseable" if structured and answer.text.strip() else "empty"), None
        folded = self.folded
        words = text.strip().casefold() if text.strip().casefold() in folded else words
        if words in folded:
            longer = [name for name in folded if name.startswith(words) and name != words]
            if answer.finish_reason in CUT and longer:
                return "truncated", None
            return "answered", folded.index(words)
        if answer.finish_reason in CUT:
            return "truncated", None
        found = [v for v, name in enumerate(folded) if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words)]
        # "new york city" names new york as well: of names within each other the longest is meant.
        found = [v for v in found if not any(v != w and folded[v] in folded[w] for w in found)]
        alone = len(found) == 1 and not DENIED.search(words)
        return ("answered", found[0]) if alone else ("unparseable", None)

    def _only(self, place: int) -> Shares:
        shares = np.zeros(len(self.names))
        shares[place] = 1.0
        return shares

    def _taken(self, likely: dict[str, float], prefix: str, said: str) -> str | None:
        """The listed token that the answer went on with: the longest that fits the text."""
        fitting = [t for t in likely if t and said.startswith(prefix + (t.lstrip() if not prefix else t).casefold())]
        fitting = [t for t in fitting if prefix or t.strip()]
        return max(fitting, key=len, default=None)


def _unwrapped(text: str) -> str:
    """The `answer` of a structured answer; nothing where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("answer", "")) if isinstance(found, dict) else ""
