"""The table of terms: what is found by a host or a name, and that no entry says nothing."""

from datetime import date
from itertools import chain

import pytest

from spec.terms import KNOWN, of_host, of_licence


@pytest.mark.parametrize(
    ("licence", "forbids"),
    [("llama2", True), (" Llama-2 ", True), ("LLAMA3.1", False), ("gemma", False), ("CC-BY-NC-4.0", True)],
)
def test_a_licence_is_found_by_its_name(licence: str, forbids: bool) -> None:
    (found,) = of_licence(licence)
    assert bool(found.forbids) == forbids and bool(found.asks) != forbids


@pytest.mark.parametrize("licence", [None, "", "apache-2.0", "MIT", "llama", "cc-by-4.0"])
def test_of_others_nothing_is_known(licence: str | None) -> None:
    assert of_licence(licence) == ()


def test_every_entry_says_something_with_a_source_and_a_date() -> None:
    for terms in KNOWN:
        assert (terms.hosts or terms.licences) and (terms.forbids or terms.asks)
        assert terms.source.startswith("https://") and date.fromisoformat(terms.effective).year > 2000
    named = list(chain.from_iterable((*terms.hosts, *terms.licences) for terms in KNOWN))
    assert len(named) == len(set(named)) and [name.lower() for name in named] == named
    assert of_host("API.OpenAI.com") and not of_host("openai.com.example.org")
