"""Keys of steps: what changes a result changes them, and nothing else does."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spec.digest import serving_keys
from spec.errors import parse
from spec.facts import Roles
from spec.resolve import resolve
from spec.terms import of_licence
from tests.spec.builders import LABELS_ONLY, dataset, facts, job, model, signals
from tests.spec.jobs import KNOWN, jobs
from tests.spec.keyed import keys, steps

SIGNALS = {"teacher": {"signals": "ds_signals"}}
SIGNALLED = facts(
    datasets={"ds_signals": signals(), "ds_digits": dataset(roles=Roles(input="image", label="label", id="form"))}
)


def shuffled(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict):
        return {key: shuffled(value[key], data) for key in data.draw(st.permutations(list(value)))}
    return [shuffled(item, data) for item in value] if isinstance(value, list) else value


@given(body=jobs(), data=st.data())
def test_keys_depend_neither_on_order_nor_on_defaults_spelled_out(body: dict[str, Any], data: st.DataObject) -> None:
    made = keys(parse(body), KNOWN)
    spelled = parse(body).model_dump(mode="json")
    assert keys(parse(shuffled(body, data)), KNOWN) == made
    assert keys(parse(shuffled(spelled, data)), KNOWN) == made
    assert keys(resolve(parse(body), KNOWN), KNOWN) == made


@given(body=jobs(), seed=st.integers(0, 2**63 - 1))
def test_a_training_seed_changes_every_train_key_and_no_score_key(body: dict[str, Any], seed: int) -> None:
    assume(body["training"].get("seed", 0) != seed)
    other = body | {"training": body["training"] | {"seed": seed}}
    first, second = keys(parse(body), KNOWN), keys(parse(other), KNOWN)
    for name in first:
        assert (first[name] == second[name]) == (name == "score"), name


def test_arms_that_differ_in_temperature_share_their_scores_and_their_baseline() -> None:
    arms = [keys(job({"objective.0.temperature": t})) for t in (1.0, 3.0, 8.0, 20.0, 4.0)]
    assert {name: len({arm[name] for arm in arms}) for name in arms[0]} == {
        "score": 1,
        "train": 5,
        "train.no_teacher": 1,
        "train.all_labels": 1,
        "grade": 5,
        "package": 5,
    }


def test_the_hard_arm_is_the_soft_arms_baseline() -> None:
    assert keys(job(LABELS_ONLY))["train"] == keys(job())["train.no_teacher"]
    assert keys(job(LABELS_ONLY | {"data.labelled": 1.0}))["train"] == keys(job())["train.all_labels"]


SAME_SCORES = [
    {"teacher.combine": "arithmetic"},
    {"teacher.weights": [3.0, 2.0, 1.0]},
    {"objective.0.weight": 0.5},
    {"training.seed": 2},
    {"training.steps": 3},
    {"data.seed": 5},
    {"data.labelled": 0.5},
    {"data.validation": 0.2},
    {"student.hidden": 32},
    {"evaluation.graders": [{"type": "nll"}]},
]
OTHER_SCORES = [
    {"teacher.models": ["mdl_x"]},
    {"data.where": [{"column": "label", "among": [7]}]},
    {"data.share": 0.03},
    {"data.augment": {"type": "jitter", "pixels": 1.0, "copies": 2}},
    {"data.heldout": 0.1},
    {"data.columns": {"input": "other"}},
]


@pytest.mark.parametrize("changes", SAME_SCORES)
def test_scores_are_reused(changes: dict[str, Any]) -> None:
    assert keys(job(changes))["score"] == keys(job())["score"]


@pytest.mark.parametrize("changes", OTHER_SCORES)
def test_scores_are_made_anew(changes: dict[str, Any]) -> None:
    columns = dict(dataset().columns) | {"other": dataset().columns["image"]}
    known = facts(datasets={"ds_digits": dataset(columns=columns)})
    assert keys(job(changes), known)["score"] != keys(job(), known)["score"]


@pytest.mark.parametrize("changes", OTHER_SCORES)
def test_scores_of_all_rows_serve_a_part_of_them(changes: dict[str, Any]) -> None:
    """But no copies, which only a job that asks for them has."""
    columns = dict(dataset().columns) | {"other": dataset().columns["image"]}
    known = facts(datasets={"ds_digits": dataset(columns=columns)})
    whole = keys(job(), known)["score"]
    served = whole in serving_keys(steps(job(changes), known)["score"], "prj_1", {})
    assert served == bool({"data.where", "data.share"} & changes.keys())


def test_how_a_drawn_split_falls_makes_no_other_scores() -> None:
    halves = [keys(job({"data.heldout": share, "data.seed": seed}))["score"] for share, seed in ((0.1, 0), (0.3, 9))]
    assert len(set(halves)) == 1


@pytest.mark.parametrize("changes", [{"metadata": {"k": "v"}}, {"budget": {"hours": 1.0}}])
def test_what_changes_no_result_is_in_no_key(changes: dict[str, Any]) -> None:
    assert keys(job(changes)) == keys(job())


def test_how_many_labels_a_teacher_saw_is_told_and_makes_no_other_scores() -> None:
    held = {id: facts().models[id].model_copy(update={"labels_seen": 1029}) for id in ("mdl_x", "mdl_y", "mdl_z")}
    declared = facts(models=held)
    assert steps(job(), declared)["grade"].params["teacher_labels"] == [1029, 1029, 1029]
    assert "teacher_labels" not in steps(job())["grade"].params
    first, second = keys(job()), keys(job(), declared)
    assert {name for name in first if first[name] != second[name]} == {"grade", "package"}


def test_a_licence_is_told_and_is_in_no_key() -> None:
    stated = {"licence": "llama3.1", "taught_under": of_licence("gemma")}
    known = facts(models={"mdl_y": facts().models["mdl_y"].model_copy(update=stated)})
    assert keys(job(), known) == keys(job())
    told = steps(job(), known)["package"].context["teachers"]
    assert [(one["model"], one["licence"], [terms["name"] for terms in one["terms"]]) for one in told] == [
        ("mdl_x", None, []),
        ("mdl_y", "llama3.1", ["the Llama 3.1 community licence", "the Gemma terms of use"]),
        ("mdl_z", None, []),
    ]


def test_weights_count_by_their_ratio() -> None:
    ways: list[Any] = ["auto", [1, 1, 1], [2.0, 2.0, 2.0]]
    assert len({keys(job({"teacher.weights": way}))["train"] for way in ways}) == 1


def test_projects_share_no_key() -> None:
    assert not set(keys(job(), project="prj_1").values()) & set(keys(job(), project="prj_2").values())


def test_other_weights_of_a_teacher_make_other_keys() -> None:
    other = facts(models={"mdl_y": model(digest="retrained")})
    first, second = keys(job()), keys(job(), other)
    assert {name for name in first if first[name] == second[name]} == {"train.no_teacher", "train.all_labels"}
