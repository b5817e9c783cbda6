"""The table of terms: what is found by a host or a name, that no entry says nothing, and what whoever runs the service puts beside it."""

from itertools import chain
from pathlib import Path

import pytest

from spec import terms
from spec.terms import KNOWN, TABLE, add, of_host, of_licence, read

AZURE = """
[[terms]]
name = "our contract with Microsoft"
party = "Microsoft"
hosts = [".openai.azure.com"]
forbids = "what it forbids"
source = "https://intranet.example/contract"
effective = 2026-05-01
"""
OURS = """
[[terms]]
name = "OpenAI's terms of use"
party = "OpenAI"
hosts = ["api.openai.com"]
asks = "what our contract asks"
source = "https://intranet.example/openai"
effective = "2026-06-01"
"""


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


def test_no_two_entries_are_of_one_host_or_licence() -> None:
    named = list(chain.from_iterable((*terms.hosts, *terms.licences) for terms in KNOWN))
    assert len(named) == len(set(named)) and len(KNOWN) == len(read(TABLE)) > 10


@pytest.mark.parametrize("host", ["API.OpenAI.com", "eu.api.openai.com", "us.api.openai.com.", "api.openai.com."])
def test_a_service_is_found_by_any_of_its_hosts(host: str) -> None:
    assert [one.party for one in of_host(host)] == ["OpenAI"]


@pytest.mark.parametrize("host", ["", "openai.com.example.org", "api.openai.com.example.org", "notapi.openai.com"])
def test_and_no_other(host: str) -> None:
    assert of_host(host) == ()


def test_whoever_runs_the_service_adds_entries_and_replaces_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms, "KNOWN", [*KNOWN])
    file = tmp_path / "terms.toml"
    file.write_text(AZURE + OURS)
    for _ in range(2):
        add(file)
        assert len(terms.KNOWN) == len(KNOWN) + 1
    (found,) = of_host("resource.openai.azure.com")
    assert (found.party, found.effective) == ("Microsoft", "2026-05-01")
    (found,) = of_host("api.openai.com")
    assert found.forbids is None and found.asks == "what our contract asks" and of_host("eu.api.openai.com") == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("hosts = [", 'hosts = ["Azure.com", '), "terms[0].hosts[0]: Value error, is a host in lower case"),
        (("hosts = [", 'hosts = ["https://azure.com", '), "terms[0].hosts[0]: Value error, is a host"),
        (("hosts", "host"), "terms[0].host: Extra inputs are not permitted"),
        (('hosts = [".openai.azure.com"]', ""), "terms[0]: Value error, names neither hosts nor licences"),
        (('forbids = "what it forbids"', ""), "terms[0]: Value error, says neither"),
        (("https://", "http://"), "terms[0].source: Value error, begins with https://"),
        (("2026-05-01", '"last May"'), "terms[0].effective: Value error"),
        (("effective = 2026-05-01", ""), "terms[0].effective: Field required"),
        (("[[terms]]", AZURE + "[[terms]]"), "two entries have the same name"),
        (("[[terms]]", "[[terms"), "line 2"),
        (("[[terms]]", "[[services]]"), "terms: Field required"),
    ],
)
def test_a_file_that_is_no_good_says_where(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(AZURE.replace(*change))
    with pytest.raises(ValueError, match=r"terms\.toml: ") as error:
        add(file)
    assert said in str(error.value) and len(KNOWN) == len(read(TABLE))


def test_so_does_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere.toml: .*No such file"):
        add(tmp_path / "nowhere.toml")
