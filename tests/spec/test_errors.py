"""Problems of structure: every param names a place in what was sent, in our own words."""

import re
import time
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from spec.data import Columns
from spec.errors import parse, problems_of
from spec.problem import Problem, Refused
from tests.spec.builders import ABSENT, document, job


def found(body: object) -> tuple[Problem, ...]:
    with pytest.raises(Refused) as refused:
        parse(body)
    return refused.value.problems


CASES: list[tuple[dict[str, Any], list[tuple[str, str, str]]]] = [
    ({"name": ABSENT}, [("name", "required", "name is missing.")]),
    ({"student.type": ABSENT}, [("student.type", "required", "student.type is missing.")]),
    (
        {"student.type": "mpl"},
        [
            (
                "student.type",
                "unknown_type",
                'student.type must be "mlp", "convnet", "text_classifier", or "text_encoder", not "mpl".',
            )
        ],
    ),
    (
        {"student": 4},
        [
            (
                "student",
                "invalid_value",
                'student must be an object with a type: "mlp", "convnet", "text_classifier", or "text_encoder", not 4.',
            )
        ],
    ),
    (
        {"data.heldout": 2.0},
        [
            (
                "data.heldout",
                "invalid_value",
                'data.heldout must be "auto", a number over 0 and under 1, or a dataset or a file: ds_…, ds_…/split or file-…, not 2.0.',
            )
        ],
    ),
    (
        {"objective.0.temperature": 0},
        [
            (
                "objective[0].temperature",
                "invalid_value",
                "objective[0].temperature must be a number over 0 and at most 1,000,000, not 0.",
            )
        ],
    ),
    (
        {"evaluation.graders": [{"type": "calibration", "bins": 1}]},
        [
            (
                "evaluation.graders[0].bins",
                "invalid_value",
                "evaluation.graders[0].bins must be a whole number from 2 to 100, not 1.",
            )
        ],
    ),
    (
        {"training.precision": "fp16"},
        [
            (
                "training.precision",
                "invalid_value",
                'training.precision must be "auto", "float32", or "bfloat16", not "fp16".',
            )
        ],
    ),
    (
        {"training.seed": 10**30},
        [
            (
                "training.seed",
                "invalid_value",
                "training.seed must be a whole number at least 0 and under 2^63, not 1000000000000000000000000000000.",
            )
        ],
    ),
    (
        {"training.steps": "20"},
        [
            (
                "training.steps",
                "invalid_value",
                'training.steps must be a whole number from 1 to 100,000,000 or null, not "20".',
            )
        ],
    ),
    (
        {"training.epochs": True},
        [
            (
                "training.epochs",
                "invalid_value",
                "training.epochs must be a number over 0 and at most 100,000, or null, not true.",
            )
        ],
    ),
    (
        {"training.learning_rate": float("nan")},
        [
            (
                "training.learning_rate",
                "invalid_value",
                'training.learning_rate must be "auto" or a number over 0 and at most 100, not nan.',
            )
        ],
    ),
    (
        {"name": "a\0b"},
        [("name", "invalid_value", "name must be text of 1 to 64 characters, not text with the character NUL.")],
    ),
    (
        {"teacher.models": ["large"]},
        [
            (
                "teacher.models[0]",
                "invalid_value",
                'teacher.models[0] must be the id of a model (mdl_…), or ep_name/model behind an endpoint, not "large".',
            )
        ],
    ),
    (
        {"metadata": {"k": 3}},
        [("metadata.k", "invalid_value", "metadata.k must be text of at most 512 characters, not 3.")],
    ),
    (
        {"metadata": {str(i): "" for i in range(17)}},
        [("metadata", "invalid_value", "metadata must be an object of at most 16 fields, not an object of 17.")],
    ),
    (
        {"objective": []},
        [("objective", "invalid_value", "objective must be a list of 1 to 8 items, not a list of 0.")],
    ),
    (
        {"data.where": [{"column": "label", "among": [7, None]}]},
        [
            (
                "data.where[0].among[1]",
                "invalid_value",
                "data.where[0].among[1] must be text or a whole number, not null.",
            )
        ],
    ),
]


@pytest.mark.parametrize(("changes", "expected"), CASES)
def test_each_problem_has_its_place_and_words(changes: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert [(p.param, p.code, p.message) for p in found(document(changes))] == expected


def test_a_flood_is_told_in_time() -> None:
    """Thousands of errors in a small body: the first hundred, and how many more there are."""
    objective = [{"type": "labels", "weight": "x", **{f"field{i}": 0 for i in range(5000)}}]
    began = time.process_time()
    problems = found(document({"objective": objective}))
    assert time.process_time() - began < 2
    assert len(problems) == 101
    assert (problems[-1].code, problems[-1].message) == ("more_problems", "There are 4,902 more problems of this kind.")


@pytest.mark.parametrize("field", ["data.where", "teacher.models", "teacher.weights"])
def test_lists_are_bounded(field: str) -> None:
    items = {"data.where": {"column": "label", "among": [7]}, "teacher.models": "mdl_x", "teacher.weights": 1.0}
    [problem] = found(document({field: [items[field]] * 2000}))
    assert (problem.param, problem.code) == (field, "invalid_value")
    assert problem.message.endswith("not a list of 2000.")


HINTS = [
    ({"training.learningrate": 1.0}, 'Did you mean "learning_rate"?'),
    (
        {"data.temperature": 4.0},
        "temperature belongs to data.responses.sampling.temperature (teacher) and data.responses.keep[].sampling.temperature (judge) and data.synthesise.sampling.temperature and objective[].temperature (soft_targets).",
    ),
    (
        {"objective.1.temperature": 4.0},
        "temperature belongs to data.responses.sampling.temperature (teacher) and data.responses.keep[].sampling.temperature (judge) and data.synthesise.sampling.temperature and objective[].temperature (soft_targets).",
    ),
    (
        {"seed": 1},
        "seed belongs to data.seed and data.responses.sampling.seed (teacher) and data.responses.keep[].sampling.seed (judge) and data.synthesise.seed and training.seed.",
    ),
    (
        {"data.dropout": 0.5},
        "dropout belongs to student.dropout.",
    ),
    (
        {"data.tempertaure": 4.0},
        'Did you mean "temperature"? It belongs to data.responses.sampling.temperature (teacher) and data.responses.keep[].sampling.temperature (judge) and data.synthesise.sampling.temperature and objective[].temperature (soft_targets).',
    ),
    ({"student.max_norm": 2.0}, 'Did you mean "norm"? max_norm belongs to student.max_norm (mlp).'),
    ({"xyzzy": 4.0}, None),
]


@pytest.mark.parametrize(("changes", "hint"), HINTS)
def test_an_unknown_field_gets_the_nearest_name_and_all_its_places(changes: dict[str, Any], hint: str | None) -> None:
    (problem,) = found(document(changes))
    assert (problem.code, problem.hint) == ("unknown_field", hint)


def test_all_problems_come_at_once() -> None:
    body = document({"training.seed": -1, "student.hidden": 0, "objective.0.weight": "x", "colour": 1})
    assert [p.param for p in found(body)] == ["student.hidden", "objective[0].weight", "training.seed", "colour"]


def test_a_bad_item_does_not_make_its_list_too_short() -> None:
    body = document({"student": {"type": "mlp", "hidden_sizes": ["3", 0]}})
    assert [p.param for p in found(body)] == ["student.hidden_sizes[0]", "student.hidden_sizes[1]"]


@pytest.mark.parametrize("body", [[], None, "text", 3])
def test_what_is_no_object_is_told_what_to_send(body: object) -> None:
    (problem,) = found(body)
    assert (problem.code, problem.param) == ("not_an_object", None)
    assert "application/json" in (problem.hint or "")


def paths(body: Any, path: str = "") -> set[str]:
    """Every place in a document."""
    if isinstance(body, dict):
        inner = [(f"{path}.{key}" if path else key, value) for key, value in body.items()]
    elif isinstance(body, list):
        inner = [(f"{path}[{index}]", value) for index, value in enumerate(body)]
    else:
        inner = []
    return {path}.union(*(paths(value, place) for place, value in inner))


def places(body: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every value in a document."""
    items = list(body.items() if isinstance(body, dict) else enumerate(body)) if isinstance(body, dict | list) else []
    return [(body, key) for key, _ in items] + [place for _, value in items for place in places(value)]


junk = st.sampled_from([None, True, -1, 0, 1.5, "x", "", "a\0", [], {}, [1], {"a": 1}, 10**30, "auto", {"type": "f1"}])


@settings(max_examples=400)
@given(data=st.data())
def test_every_param_is_a_place_in_what_was_sent(data: st.DataObject) -> None:
    body = document({"data.where": [{"column": "form", "among": ["a"]}], "data.columns": {"label": "label"}})
    for _ in range(data.draw(st.integers(1, 4))):
        container, key = data.draw(st.sampled_from(places(body)))
        change = data.draw(st.sampled_from(["replace", "drop", "rename"]))
        if change == "replace" or isinstance(container, list):
            container[key] = deepcopy(data.draw(junk))
        else:
            value = container.pop(key)
            if change == "rename":
                container["zz"] = value
    try:
        parse(body)
    except Refused as refused:
        known = paths(body)
        for problem in refused.problems:
            param = problem.param or ""
            parent = re.sub(r"(\.?[^.\[\]]+|\[\d+\])$", "", param)
            assert param in known or (problem.code == "required" and parent in known), problem
            assert "Input should" not in problem.message


def test_the_demo_parses() -> None:
    assert job().name == "digits"


def test_other_bodies_are_explained_by_the_same_words() -> None:
    with pytest.raises(ValidationError) as error:
        Columns.model_validate({"labels": "y"})
    (problem,) = problems_of(error.value, Columns)
    assert (problem.param, problem.hint) == ("labels", 'Did you mean "label"?')
