"""How many tokens the bytes of a prompt become: as an endpoint has counted them for such questions, else as its probe has for known prose."""

from dataclasses import dataclass
from typing import Self

from spec.counted import Counted
from spec.facts import Capabilities
from spec.sampling import Sampling

LOW, HIGH = 0.7, 1.5
"""Of what is expected by the probe: other texts than its prose have other tokens."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How many tokens bytes of a prompt become, and how sure that is."""

    slope: float
    apart: float
    """Of a call beside its text."""
    said: float | None = None
    """Of an answer; None: as its bytes have it."""
    low: float = LOW
    high: float = HIGH

    @classmethod
    def of(cls, probe: Capabilities, counted: Counted | None, sampling: Sampling, size: float) -> Self:
        """The probe's, unless the endpoint has counted the tokens of such questions, of `size` bytes on average."""
        if counted is None or size <= 0:
            return cls(slope=probe.tokens_per_byte, apart=probe.tokens_per_call)
        apart = min(probe.tokens_per_call, counted.input)
        return cls(
            slope=(counted.input - apart) / size,
            apart=apart,
            said=counted.output / (sampling.n if probe.several else 1),
            low=1 - counted.margin,
            high=1 + counted.margin,
        )
