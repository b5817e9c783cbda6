"""Schedules against torch's own, and optimizers that do what their names say."""

import pytest
import torch

from distill.optim import OPTIMIZERS
from distill.schedule import momentum, rate


def test_one_cycle_is_torchs() -> None:
    """Beyond the rounding of its corner: torch turns at a tenth of the steps minus one."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    theirs = torch.optim.AdamW([parameter], lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(theirs, 5e-3, total_steps=2000, pct_start=0.1)
    for step in range(2000):
        group = theirs.param_groups[0]
        assert rate("one_cycle", step, 2000, 5e-3) == pytest.approx(group["lr"], rel=2e-2, abs=1e-7), step
        assert momentum("one_cycle", step, 2000) == pytest.approx(group["betas"][0], abs=2e-3), step
        theirs.step()
        if step < 1999:
            schedule.step()


def test_cosine_falls_from_the_highest_to_nearly_nothing() -> None:
    rates = [rate("cosine", step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[50] == pytest.approx(0.05)
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 1e-4


def test_constant_is_constant() -> None:
    assert {rate("constant", step, 10, 0.3) for step in range(10)} == {0.3}
    assert {momentum("constant", step, 10) for step in range(10)} == {0.9}


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_short_runs_have_a_rate_above_zero(schedule: str, steps: int) -> None:
    assert all(0 < rate(schedule, step, steps, 0.1) <= 0.1 for step in range(steps))


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_a_step_is_torchs(name: str) -> None:
    """To the bit what torch's own class with fused kernels does, with momentum and decay; and what is kept of a run goes on with it."""
    mine, theirs = (torch.nn.Parameter(torch.linspace(-1, 1, 7)) for _ in range(2))
    make = OPTIMIZERS[name]
    ours, torchs = make([mine], 0.01), own(name, theirs)
    for step in range(6):
        if step == 3:
            kept, ours = ours.tensors(), make([mine], 0.01)
            ours.restore(kept)
        group = torchs.param_groups[0]
        group["lr"], heavy = 0.1 / (step + 1), 0.9 - step / 100
        group |= {"betas": (heavy, 0.999)} if name == "adamw" else {"momentum": heavy}
        ours.zero_grad()
        for parameter in (mine, theirs):
            parameter.grad = parameter.detach() ** 2 + step
        ours.step(group["lr"], heavy)
        torchs.step()
    assert torch.equal(mine, theirs)
    held = {f"0.{key}": value for key, value in torchs.state_dict()["state"][0].items()}
    assert held.keys() == ours.tensors().keys() and all(torch.equal(held[key], t) for key, t in ours.tensors().items())


def own(name: str, parameter: torch.nn.Parameter) -> torch.optim.Optimizer:
    if name == "adamw":
        return torch.optim.AdamW([parameter], lr=0.1, weight_decay=0.01, fused=True)
    return torch.optim.SGD([parameter], lr=0.1, momentum=0.9, weight_decay=0.01, fused=True)
