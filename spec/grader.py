"""Set metrics: what a report may measure over held-out rows. Row graders: what the answers to one row must be to be kept."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints
from typing_extensions import TypeAliasType

from spec.condition import Condition
from spec.part import Part, Share
from spec.plain import Plain
from spec.sampling import Sampling
from spec.teacher import EndpointModel
from spec.template import PromptText

Pattern = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", min_length=1, max_length=1000)]


class Accuracy(Part):
    """Share of rows whose most probable class is the label; of several classes a row, whose every class is decided rightly (subset accuracy)."""

    type: Literal["accuracy"]


class F1(Part):
    """F1 by class, averaged: equally (`macro`), or over all decisions (`micro`). Of several classes a row, a class is named where its probability is over 0.5."""

    type: Literal["f1"]
    average: Literal["macro", "micro"] = "macro"


class Nll(Part):
    """Mean negative log-likelihood of the label, in nats; of several classes a row, the mean of all decisions (binary cross-entropy)."""

    type: Literal["nll"]


class Calibration(Part):
    """Expected calibration error over equal-width bins of confidence (Guo et al. 2017); of several classes a row, over all decisions."""

    type: Literal["calibration"]
    bins: Annotated[int, Field(ge=2, le=100)] = 10


Metric = TypeAliasType("Metric", Annotated[Accuracy | F1 | Nll | Calibration, Field(discriminator="type")])


class OfRows(Part):
    """A row grader. Where several answers were sampled, each must pass, or the row does not."""

    where: Condition | None = None
    """Rows that it applies to; null: all. It says nothing of the others."""


class Length(OfRows):
    """The length of the answer's text."""

    type: Literal["length"]
    min: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    max: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """null: no bound."""
    unit: Literal["characters", "words"] = "characters"
    """Words are what white space divides."""


class Regex(OfRows):
    """A regular expression of Python (`re`) that fits the answer's text."""

    type: Literal["regex"]
    pattern: Pattern
    """`(?i)` at its beginning ignores case, `(?s)` lets the dot match the ends of lines, `(?!…)` forbids what follows."""
    match: Literal["full", "search"] = "search"
    """The whole text, or anywhere in it."""


class JsonSchema(OfRows):
    """The answer's text is JSON that fits a schema (JSON Schema, draft 2020-12). `format` is not looked at, and nothing is fetched."""

    model_config = ConfigDict(serialize_by_alias=True)

    type: Literal["json_schema"]
    document: Annotated[dict[str, Any], Plain(most=20_000)] = Field(alias="schema")
    """References (`$ref`) lead to parts of the schema itself."""


class Agreement(OfRows):
    """Of the `sampling.n` answers enough name the choice that most of them name; those that name none count against it. Of lists: enough are the list of all that most of them name."""

    type: Literal["agreement"]
    least: Share
    """Share of the answers."""


class Judge(OfRows):
    """A model behind an endpoint is asked whether a row's answer is right, and says yes. It is asked of what all other filters have left."""

    type: Literal["judge"]
    model: EndpointModel
    """It may be the teacher itself."""
    question: PromptText
    """The message, which asks for yes or no and nothing else; `{answer}` is the choice that the row's answers name, `{column}` the row's value."""
    sampling: Sampling = Sampling()
    """With `n` over 1 the majority decides."""


VERDICTS = ("yes", "no")
"""What a judge says."""
RowGrader = TypeAliasType(
    "RowGrader", Annotated[Length | Regex | JsonSchema | Agreement | Judge, Field(discriminator="type")]
)
