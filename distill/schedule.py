"""Learning rates and momentum as closed functions of the step: to resume, a schedule needs the step alone."""

from math import cos, pi

MOMENTUM = 0.9
WIDE = 0.05
"""How far `one_cycle` moves the momentum from 0.9: up at its ends, down where the rate is highest."""
WARM_UP = 0.1
"""Share of the steps in which `one_cycle` rises."""
FIRST, LAST = 1 / 25, 1 / 250_000
"""Of the learning rate: where `one_cycle` begins and where it ends."""


def rate(schedule: str, step: int, steps: int, highest: float) -> float:
    """Learning rate of step 0 <= `step` < `steps`.

    `constant`; `cosine`: half a wave from the highest to 0; `one_cycle` (Smith 2018): half a wave up over a tenth of the steps, half a wave down.
    """
    if schedule == "constant":
        return highest
    if schedule == "cosine":
        return highest * _down(step / steps)
    height, rising = _cycle(step, steps)
    lowest = FIRST if rising else LAST
    return highest * (lowest + (1 - lowest) * height)


def momentum(schedule: str, step: int, steps: int) -> float:
    """0.9; `one_cycle` (Smith 2018) goes from 0.95 to 0.85, where the rate is highest, and back."""
    return MOMENTUM if schedule != "one_cycle" else MOMENTUM + WIDE * (1 - 2 * _cycle(step, steps)[0])


def _cycle(step: int, steps: int) -> tuple[float, bool]:
    """Height in [0, 1] of the one cycle at a step, and whether it still rises."""
    rise = max(WARM_UP * steps, 1.0)
    if step < rise:
        return 1 - _down(step / rise), True
    return _down((step - rise) / max(steps - 1 - rise, 1.0)), False


def _down(share: float) -> float:
    """Half a cosine wave from 1 to 0."""
    return (1 + cos(pi * min(share, 1.0))) / 2
