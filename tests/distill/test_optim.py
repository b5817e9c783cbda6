"""Schedules against torch's own, and optimizers that do what their names say."""

import pytest
import torch

from distill.optim import adjust, momentum, optimizer, rate


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
    """Fused kernels do the arithmetic of the plain ones, with momentum and decay."""
    mine, theirs = (torch.nn.Parameter(torch.linspace(-1, 1, 7)) for _ in range(2))
    ours = optimizer(name, [mine], 0.1, 0.01)
    plain: torch.optim.Optimizer
    if name == "adamw":
        plain = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.01, foreach=False)
    else:
        plain = torch.optim.SGD([theirs], lr=0.1, momentum=0.9, weight_decay=0.01, foreach=False)
    for step in range(5):
        adjust(ours, 0.1 / (step + 1), 0.9)
        plain.param_groups[0]["lr"] = 0.1 / (step + 1)
        for parameter, descent in ((mine, ours), (theirs, plain)):
            parameter.grad = parameter.detach() ** 2 + step
            descent.step()
    torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
