"""Figures of a teacher that was asked: its answers, what filters left of them, new texts, and the bill."""

from typing import Any, Literal

from distill.report.base import Figures


class Share(Figures):
    """A share of rows."""

    value: float
    low: float
    high: float
    """95% Wilson interval."""


class OfClass(Figures):
    """Rows of one class, by gold and by answer. `right` of `gold` is the answer given gold, `right` of `said` gold given the answer."""

    gold: int
    """Rows whose gold label it is."""
    said: int
    """Rows whose answer names it."""
    right: int
    """Rows of both."""
    of_gold: Share | None
    """None: no row has it as its gold label."""
    of_said: Share | None
    """One minus it is the noise of the teacher's labels of this class. None: no answer names it."""


class Confused(Figures):
    """A class that was answered where gold is another."""

    gold: int
    """Its place among the classes."""
    said: int
    rows: int


class Noise(Figures):
    """The teacher's labels against gold, class by class."""

    rows: int
    """Answered rows with a gold label that may be seen."""
    right: Share
    """Of rows; of lists, those that are right as a whole."""
    classes: tuple[OfClass, ...]
    """As in the tally's `classes`."""
    confused: tuple[Confused, ...] = ()
    """The most frequent first, at most 1,000; none where a row has any number of classes."""

    def counts(self) -> dict[str, Any]:
        """Without what follows from it, and without pairs: for the facts of a step."""
        return self.model_dump(exclude={"confused": True, "classes": {"__all__": {"of_gold", "of_said"}}})


class Agreement(Figures):
    """Answers against gold labels. The noise of the teacher's labels is one minus `accuracy`."""

    rows: int
    """Answered rows with a gold label that may be seen."""
    accuracy: float
    low: float
    high: float
    """95% Wilson interval."""
    nll: float
    """Mean negative log-likelihood of gold, in nats, of the distributions that were read, mixed with as much of all choices alike as serves these rows best."""
    nll_hard: float
    """The same of the names alone, mixed in the same way: the chosen name at their own accuracy, the rest shared by the others."""
    noise: Noise | None = None
    """The same class by class."""

    def facts(self) -> dict[str, Any]:
        """For the facts of a step."""
        return self.model_dump(exclude={"noise"}) | {"noise": self.noise and self.noise.counts()}


class Asked(Figures):
    """Rows of one side."""

    asked: int
    kinds: dict[str, int]
    """Rows by kind: answered, refused, empty, truncated, unparseable, failed."""
    outside: float
    """Mean probability (or share of votes) that fell on no choice, over answered rows."""
    hard: int = 0
    """Of the answered rows under `logprobs`: those whose tokens say no choice, so that the name in the text is their label."""
    gold: Agreement | None

    def facts(self) -> dict[str, Any]:
        """For the facts of a step."""
        return self.model_dump(exclude={"gold"}) | {"gold": self.gold and self.gold.facts()}


class Unanswered(Figures):
    """A row that nobody learns from, and why."""

    side: str
    row: int
    """Its number in the rows file."""
    kind: str
    said: str
    """The beginning of the answer, or of the error."""
    finish_reason: str | None


class Filter(Figures):
    """One of `data.responses.keep`."""

    what: str
    """In a line."""
    applied: int
    """Answered training rows to which it applies; of a judge, those that the filters before it left."""
    dropped: int
    """Those of them that fail it; a row may fail several."""
    unread: int = 0
    """Of a judge: those of the dropped on which it said neither yes nor no."""
    failed: int = 0
    """Of a judge: those of the dropped on which it said nothing, since the call failed."""
    unasked: int = 0
    """Of a judge: those of the dropped that it was not asked about, since a cap had ended the asking."""

    @property
    def drops(self) -> str:
        """How many, in words."""
        aside = [(self.unread, "neither yes nor no"), (self.failed, "without a reply"), (self.unasked, "not asked")]
        told = ", ".join(f"{number:,} {what}" for number, what in aside if number)
        return f"{self.dropped:,}" + (f" ({told})" if told else "")


class Dropped(Figures):
    """A row that was answered, and that filters have left out."""

    row: int
    """Its number in the rows file."""
    by: tuple[int, ...]
    """Places of the filters that it fails; (): none applies."""
    said: str
    """The beginning of the answers."""


class Kept(Figures):
    """What filters have left of the answered training rows."""

    answered: int
    kept: int
    unmatched: int
    """Left out because no filter applies to them."""
    filters: tuple[Filter, ...]
    """As in `data.responses.keep`."""
    dropped: tuple[Dropped, ...] = ()
    """Some for each reason, at most 20 together."""
    noise: Noise | None = None
    """Of the answers that are left; None: none of these rows has a gold label that may be seen."""

    def facts(self) -> dict[str, Any]:
        """For the facts of a step."""
        return self.model_dump(exclude={"dropped", "noise"}) | {"noise": self.noise and self.noise.counts()}


class Tally(Figures):
    """answers.json."""

    model: str
    read: str
    samples: int
    classes: tuple[str, ...]
    parts: dict[str, Asked]
    """`heldout` and `train`."""
    unanswered: tuple[Unanswered, ...] = ()
    """The first of each kind, at most 20 together."""
    cut: bool = False
    """A cap ended it before all training rows were asked."""
    kept: Kept | None = None
    """None: there is no filter."""


class NearDuplicate(Figures):
    """A new text that was left out."""

    text: str
    near: Literal["heldout", "train", "new"]
    """Whose near-duplicate it is: a held-out or validation row's, a training row's, another new text's."""


class Synthesised(Figures):
    """synthesis.json: new training texts, and what came of asking for them. `said` = kept + near + spare."""

    model: str
    wanted: int
    examples: int
    """Texts shown in a call."""
    similarity: float
    calls: int
    """Questions that were put; those that were paid for before are among them."""
    failed: int
    """Of these, without a reply."""
    said: int
    """Texts that the replies held."""
    kept: int
    near: dict[str, int]
    """Near-duplicates that were left out, by whose: `heldout` (validation rows too), `train`, `new`."""
    spare: int
    """Texts that came when there were enough."""
    unparseable: int
    """Items and lines that are no text, and replies that are no list."""
    cut: bool = False
    """A cap ended it."""
    first: tuple[str, ...] = ()
    """Of what was kept."""
    dropped: tuple[NearDuplicate, ...] = ()


class Copied(Figures):
    """copies.json: copies of training texts with words left out."""

    wanted: int
    kept: int
    """The others were texts that are there already."""
    first: tuple[str, ...] = ()


class Bill(Figures):
    """What the teacher's calls have cost, beside what was said beforehand."""

    usd: float
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    """Of the input, from the endpoint's cache."""
    expected: float | None
    """US dollars for answers, as estimated before the job began: a preview changes the job's estimate, and not this."""
    low: float | None
    high: float | None
    cap: float | None
    """`budget.usd`."""
