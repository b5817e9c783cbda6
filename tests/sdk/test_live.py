"""A job's table in the terminal."""

from typing import Any

import pytest
from rich.text import Text

from stillhouse.live import progress

STEP: dict[str, Any] = {
    "name": "answer", "verb": "answer", "state": "succeeded", "progress": None, "cached": False, "error": None,
    "seconds": 1.25, "finished_at": 9,
}  # fmt: skip
WHY = "Asking was cut short by the budget of dollars."


@pytest.mark.parametrize(
    ("cut", "why", "told"),
    [(False, None, "1.2 s"), (True, WHY, f"1.2 s  {WHY}"), (True, None, "1.2 s  ended early")],
)
def test_a_step_that_was_cut_says_why(cut: bool, why: str | None, told: str) -> None:
    said, _ = progress({**STEP, "cut": cut, "cut_reason": why})  # type: ignore[typeddict-item]  # the rest is not read
    assert isinstance(said, Text) and said.plain == told
