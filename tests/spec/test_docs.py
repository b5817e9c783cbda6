"""docs/spec.md is written from the spec."""

from pathlib import Path

from docs.spec_page import spec_page
from spec.rules import RULES, WARNINGS

PAGE = Path(__file__).parents[2] / "docs" / "spec.md"


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text() == spec_page(), "python -m docs.generate writes it anew"


def test_every_rule_is_on_the_page() -> None:
    assert all((rule.__doc__ or "?") in PAGE.read_text() for rule in (*RULES, *WARNINGS))
