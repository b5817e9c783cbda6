"""How a model behind an endpoint draws its answers."""

from typing import Annotated

from pydantic import Field

from spec.part import Part, Seed


class Drawing(Part):
    """How a model behind an endpoint draws its words. null is not sent: the endpoint's own default holds."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=131_072)] | None = None
    """Tokens of one answer. A cap in dollars needs it: it bounds what a call can cost."""


class Sampling(Drawing):
    """How a model behind an endpoint draws its answer. null is not sent: the endpoint's own default holds."""

    n: Annotated[int, Field(ge=1, le=64)] = 1
    """Answers a row."""
    seed: Seed | None = None
    """Names a set of samples: another seed asks for fresh ones. It is sent, raised by the number of the sample."""
