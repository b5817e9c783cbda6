"""Filters on answers in the plan: a step of their own, whose key is not the question's; and schemas that cannot harm."""

import json
from typing import Any

import pytest

from spec import cost, rows
from spec.errors import parse
from spec.facts import Facts
from spec.json_schema import fault, fits
from spec.params import KeepParams
from spec.problem import Refused
from spec.resolve import resolve
from spec.rules import problems
from spec.step import Step
from tests.spec.builders import document, job
from tests.spec.keyed import keys, steps
from tests.spec.leaves import ASKED, VOTES, kept
from tests.spec.refused_endpoints import known

LABEL = {"column": "label", "among": [8, 7, "7"]}


def made(changes: dict[str, Any]) -> dict[str, Step]:
    return steps(job(changes), known())


def test_filters_are_a_step_between_answers_and_all_that_reads_them() -> None:
    assert list(made(ASKED)) == ["answer", "train", "train.no_teacher", "grade", "package"]
    filtered = made(kept("length"))
    assert list(filtered) == ["answer", "keep", "train", "train.no_teacher", "grade", "package"]
    step = filtered["keep"]
    assert (step.verb, step.queue, step.needs, step.inputs) == ("keep", "cpu", {"answers": "answer"}, {})
    read = {name: {*one.needs.values()} & {"answer", "keep"} for name, one in filtered.items()}
    assert [name for name, sources in read.items() if sources == {"keep"}] == [*list(filtered)[2:]]


def test_a_condition_reads_the_training_rows_and_has_one_spelling() -> None:
    step = made(kept("length", where=LABEL))["keep"]
    assert list(step.inputs) == ["train/rows.arrow"]
    (grader,) = KeepParams.model_validate(step.params).graders
    assert grader.where is not None and grader.where.among == ("7", "8")


def test_other_filters_ask_nothing_again_and_another_question_filters_nothing_anew() -> None:
    plain, one, other = (keys(job(changes), known()) for changes in (VOTES, kept("length"), kept("length", min=3)))
    assert plain["answer"] == one["answer"] == other["answer"] and one["keep"] != other["keep"]
    assert one["train"] not in (plain["train"], other["train"])
    asked = made(kept("length") | {"data.responses.prompt.system": "Which digit?"})
    assert asked["keep"].params == made(kept("length"))["keep"].params
    assert asked["answer"].params != made(kept("length"))["answer"].params


def test_what_filters_may_compute_is_in_proportion_to_what_is_expected_of_them() -> None:
    one, two = made(kept("length")), made(VOTES | {"data.responses.keep": [{"type": "length", "max": 9}] * 2})
    expected = one["keep"].seconds - cost.START
    count = rows.counts(job(VOTES), known())
    answers = 5 * (count.items + count.heldout)
    assert expected > 0 and two["keep"].seconds - cost.START == pytest.approx(2 * expected)
    assert cost.filtering(answers, 1) - cost.START == pytest.approx(cost.SLOWEST * expected)


@pytest.mark.parametrize(
    "changes", [kept("json_schema"), kept("agreement", where=LABEL), kept("regex", pattern=r"\u0000")]
)
def test_a_filtered_job_can_be_posted_as_it_stands(changes: dict[str, Any]) -> None:
    resolved = resolve(job(changes), known())
    again = parse(json.loads(resolved.model_dump_json()))
    assert again == resolved and resolve(again, known()) == resolved


NUL, DEEP = {"pattern": "a\0"}, json.loads('{"not":' * 40 + "{}" + "}" * 40)


@pytest.mark.parametrize(
    "schema", [NUL, DEEP, {"const": float("nan")}, {"const": "\ud800"}, {"a\0": 1}, {"const": "x" * 20_000}, []]
)
def test_a_schema_that_cannot_be_stored_is_refused(schema: Any) -> None:
    with pytest.raises(Refused) as refused:
        parse(document(kept("json_schema", schema=schema)))
    (problem,) = refused.value.problems
    assert (problem.param, problem.code) == ("data.responses.keep[0].schema", "invalid_value")
    assert "an object of at most 20,000 characters of JSON and 32 levels" in problem.message


def test_a_schema_is_not_tried_before_its_job_runs() -> None:
    """Each name stands for two of the next one: to try it on anything takes 2^40 looks."""
    doubling = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(40)} | {"a40": {}}
    assert fault({"$ref": "#/$defs/a0", "$defs": doubling}) is None


def test_references_lead_to_parts_of_the_schema() -> None:
    schema = {"items": {"$ref": "#word"}, "$defs": {"word": {"$anchor": "word", "type": "string"}}}
    assert fault(schema) is None and fits(schema)(["a"]) and not fits(schema)([1])


def test_conditions_wait_for_facts() -> None:
    found = problems(job(kept("length", where=LABEL)), Facts())
    assert not [problem for problem in found if (problem.param or "").startswith("data.responses.keep")]
