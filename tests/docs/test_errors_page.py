"""docs/errors.md has every code that the source can give, and no other."""

import re
from collections.abc import Iterator
from typing import get_args

from api.distillations.wire import Waiting
from api.errors import Failure
from standalone.process import ROOT
from tests.docs.codes import Reader

TEMPLATES = {
    "{name}_unavailable": {"postgres_unavailable", "storage_unavailable"},
    "endpoint_{error.kind}": {
        f"endpoint_{kind}"
        for kind in (
            "bad_request",
            "unauthorized",
            "unpaid",
            "forbidden",
            "not_found",
            "refused",
            "redirected",
            "too_large",
            "rate_limited",
            "server_error",
            "unreachable",
            "reset",
            "timeout",
            "malformed",
        )
    },
    "tokenizer_{found['refused']}": {f"tokenizer_{why}" for why in ("invalid", "too_large", "random", "fails")},
    "{role}_is_array": {"label_is_array", "group_is_array", "id_is_array"},
    "{role}_missing": {"label_missing", "id_missing"},
    "{phrase.lower().replace(' ', '_').replace('-', '_')}": {"bad_request", "method_not_allowed", "not_found"},
}
"""Codes that the source puts together, and what they become."""
PAGE = (ROOT / "docs" / "errors.md").read_text()
ERRORS, _, WAITING = PAGE.partition("## Why a job waits")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]*) \|", re.MULTILINE)


def test_every_code_is_documented_and_no_other() -> None:
    given = Reader().codes()
    told = {code for code, _ in ROW.findall(ERRORS)}
    known = {code for name in given for code in TEMPLATES.get(name, {name})}
    assert not {name for name in given if "{" in name} - TEMPLATES.keys(), "say what it becomes"
    assert sorted(f"{code} ({given.get(code, 'composed')})" for code in known - told) == []
    assert sorted(told - known) == [], "the page has codes that nothing gives"


def test_status_of_each_failure() -> None:
    told = dict(ROW.findall(ERRORS))
    for failure in below(Failure):
        if failure.status != 400:
            assert str(failure.status) in told[failure.code], failure


def test_every_reason_to_wait_is_documented() -> None:
    assert {code for code, _ in ROW.findall(WAITING)} == set(get_args(Waiting.model_fields["code"].annotation))


def below(kind: type[Failure]) -> Iterator[type[Failure]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)
