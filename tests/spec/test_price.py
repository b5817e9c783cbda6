"""Estimates: functions of plan and facts, and the least that a cap must cover."""

import pytest

from spec import cost
from spec.plan import plan
from spec.price import estimate, minimum
from spec.resolve import resolve
from tests.spec.builders import LABELS_ONLY, facts, job
from tests.spec.keyed import steps


def test_the_sum_of_the_steps_with_its_basis() -> None:
    made = tuple(steps(job()).values())
    found = estimate(made, facts())
    assert found.seconds == pytest.approx(sum(step.seconds for step in made), abs=0.05)
    assert found.memory_bytes == max(step.memory for step in made)
    assert found.basis.startswith("6 steps over sets of 1,797 rows, in turn on one CPU core at 20 GFLOP/s")


def test_training_takes_time_by_its_steps_and_arithmetic() -> None:
    def seconds(**changes: object) -> float:
        made = {f"training.{name}": value for name, value in changes.items()}
        return steps(job(made))["train"].seconds - cost.START

    assert seconds(steps=3000) == pytest.approx(2 * seconds(steps=1500))
    arithmetic = seconds(batch_size=128) - seconds(batch_size=64)
    assert seconds(batch_size=256) - seconds(batch_size=128) == pytest.approx(2 * arithmetic)


@pytest.mark.parametrize("changes", [{}, LABELS_ONLY, {"evaluation.baselines": []}])
def test_the_rule_and_the_plan_agree_on_the_least(changes: dict[str, object]) -> None:
    made = resolve(job(changes), facts())
    assert minimum(plan(made, facts())) == pytest.approx(cost.minimum(made, facts()))


def test_the_least_leaves_out_baselines_and_what_can_be_cut() -> None:
    made = steps(job())
    needed = made["score"].seconds + cost.SLICE + made["grade"].seconds
    assert minimum(made.values()) == pytest.approx(needed)
    assert minimum(steps(job({"training.steps": 10**6})).values()) == pytest.approx(needed)
