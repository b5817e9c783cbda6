"""Amounts as they are written, and that the least cap that is told is one that is taken."""

import re

import pytest

from spec.bills import bills
from spec.facts import Facts
from spec.money import dollars
from spec.resolve import resolve
from spec.rules import problems
from tests.spec.builders import endpoint, facts, job
from tests.spec.leaves import ASKED
from tests.spec.refused_endpoints import TEXTS


@pytest.mark.parametrize(
    ("usd", "up", "written"),
    [
        (0.0, False, "$0.00"),
        (0.02, True, "$0.02"),
        (0.0165, False, "$0.0165"),
        (0.01605, True, "$0.01605"),
        (0.0160512, True, "$0.01606"),
        (0.0160512, False, "$0.01605"),
        (0.000012, True, "$0.000012"),
        (1.41231, True, "$1.413"),
        (20, False, "$20.00"),
        (1234.5, False, "$1,234.50"),
    ],
)
def test_dollars(usd: float, up: bool, written: str) -> None:
    assert dollars(usd, up=up) == written


def known() -> Facts:
    return facts(datasets={"ds_texts": TEXTS}, endpoints={"ep_open": endpoint()})


@pytest.mark.parametrize("cap", [0.00001, 0.002, 0.01])
def test_the_least_that_is_told_is_taken(cap: float) -> None:
    (found,) = problems(job(ASKED | {"budget": {"usd": cap}}), known())
    least = re.findall(r"[0-9.]*[0-9]", found.message)[1]
    assert found.code == "cap_too_small" and f"Allow ${least} or more" in (found.hint or "")
    assert not problems(job(ASKED | {"budget": {"usd": float(least)}}), known())


def test_what_is_resolved_costs_what_was_asked_for() -> None:
    asked = job(ASKED)
    assert bills(asked, known()) == bills(resolve(asked, known()), known())
