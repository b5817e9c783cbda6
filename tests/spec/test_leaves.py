"""Every leaf of the spec does something: changing it changes what a step is told, or what is refused or warned of.

A field that is parsed and ignored, or only echoed, has no case that passes. Name and metadata are echo by design.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from spec.distillation import Distillation
from spec.errors import parse
from spec.facts import ColumnFacts, Facts, Roles, TokenizerFacts
from spec.plan import plan
from spec.problem import Refused
from spec.resolve import resolve
from spec.rules import problems, warnings
from spec.terms import KNOWN as KNOWN_TERMS
from tests.spec.builders import dataset, document, endpoint, facts, images, names, signals, split
from tests.spec.leaves import CASES, Changes

EXEMPT = ("name", "metadata")
FREE = ["data.responses.teacher.keep[].json_schema.schema{}"]
"""Documents in a language of their own: each is one leaf."""
ECHOES = ("spec", "baseline_spec")
"""Params that hold the document itself: a change in them alone is no effect."""
COLUMNS = {"image": images(), "again": images(), "label": names(), "other": names(), "form": names(("a", "b"))}
TEXT = ColumnFacts(kind="text", dtype="str")
TEXTS = {"text": TEXT, "label": names()}
PAIRS = {"query": TEXT, "passage": TEXT, "title": TEXT, "label": names()}
KNOWN = facts(
    tokenizers={"file-tokens": TokenizerFacts(digest="digest-of-tokens", bytes=9, vocabulary=30_522)},
    endpoints={"ep_open": endpoint(), "ep_closed": endpoint(terms=KNOWN_TERMS[:1])},
    datasets={
        "ds_digits": dataset(columns=COLUMNS, roles=Roles(input="image", label="label", id="form")),
        "ds_more": dataset({"train": split("more", 2000)}, COLUMNS, overlaps={}),
        "ds_texts": dataset(columns=TEXTS, roles=Roles(input="text", label="label")),
        "ds_pairs": dataset(columns=PAIRS, roles=Roles(input=("query", "passage"), label="label")),
        "ds_signals": signals().model_copy(
            update={"splits": {name: split(name, 1797, labels={}) for name in ("train", "other")}}
        ),
    },
)

Schema = dict[str, Any]


def leaves(schema: Schema, root: Schema, path: str = "") -> Iterator[str]:
    """Paths of all scalars: `student.mlp.norm`, `objective[].labels.weight`; a list item is `[]`, a branch its tag."""
    parts = inside(schema, root, path)
    if parts is None:
        yield path
    for inner, place in parts or ():
        yield from leaves(inner, root, place)


def inside(schema: Schema, root: Schema, path: str) -> list[tuple[Schema, str]] | None:
    """Schemas inside of a schema, with their paths; None for a scalar, and an untyped object is one, marked `{}`."""
    if "$ref" in schema:
        return [(root["$defs"][schema["$ref"].rpartition("/")[2]], path)]
    if "discriminator" in schema:
        return [({"$ref": ref}, f"{path}.{tag}") for tag, ref in schema["discriminator"]["mapping"].items()]
    if "anyOf" in schema:
        return [(branch, path) for branch in schema["anyOf"] if branch != {"type": "null"}]
    if "items" in schema:
        return [(schema["items"], f"{path}[]")]
    if "properties" in schema:
        return [(inner, f"{path}.{name}" if path else name) for name, inner in schema["properties"].items()]
    return [({}, f"{path}{{}}")] if schema.get("type") == "object" else None


def all_leaves() -> list[str]:
    schema = Distillation.model_json_schema()
    return list(dict.fromkeys(leaves(schema, schema)))


def effects(changes: Changes, known: Facts) -> object:
    """What is refused and warned of, and what every step is told, reads and waits for."""
    try:
        made = parse(document(changes))
    except Refused as refused:
        return [problem.code for problem in refused.problems]
    refusals = problems(made, known)
    if refusals:
        return refusals
    steps = [
        (step.name, {name: value for name, value in step.params.items() if name not in ECHOES}, step.inputs, step.needs)
        for step in plan(resolve(made, known), known)
    ]
    return steps, warnings(made, known)


def test_every_leaf_has_a_case_and_every_case_is_a_leaf() -> None:
    listed = [leaf for leaf in all_leaves() if leaf.split(".")[0].removesuffix("{}") not in EXEMPT]
    assert [leaf for leaf in listed if leaf.endswith("{}")] == FREE, "an untyped object hides its leaves"
    assert sorted(CASES) == sorted(listed)


@pytest.mark.parametrize("leaf", CASES)
def test_a_leaf_has_an_effect(leaf: str) -> None:
    base, change = CASES[leaf]
    ((path, _),) = change.items()
    steps = [step for step in path.split(".") if not step.isdigit()]
    assert [steps[0], steps[-1]] == [
        leaf.split(".", maxsplit=1)[0].removesuffix("[]"),
        leaf.rsplit(".", maxsplit=1)[-1].removesuffix("[]").removesuffix("{}"),
    ]
    assert effects(base, KNOWN) != effects(base | change, KNOWN)


@pytest.mark.parametrize("change", [{"name": "other"}, {"metadata": {"k": "v"}}])
def test_what_is_only_echoed_would_be_found(change: Changes) -> None:
    """The test can fail: an echo has no effect on what steps are told (the package's name is its own)."""
    without = {} if "metadata" in change else {"package"}
    before, after = effects({}, KNOWN), effects(change, KNOWN)
    assert isinstance(before, tuple) and isinstance(after, tuple)
    assert [step for step in before[0] if step[0] not in without] == [s for s in after[0] if s[0] not in without]
