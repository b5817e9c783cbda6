"""Plans: which steps there are, what each reads, and which keys they share."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spec.digest import serving_keys
from spec.errors import parse
from spec.facts import ColumnFacts, Facts, Roles
from spec.params import GradeParams, PackageParams, ScoreParams, TrainParams
from spec.resolve import resolve
from spec.step import VERSIONS
from spec.terms import of_licence
from tests.spec.builders import ABSENT, DIGITS, LABELS_ONLY, dataset, endpoint, facts, job, model, names, signals, split
from tests.spec.jobs import KNOWN, jobs
from tests.spec.keyed import keys, steps
from tests.spec.leaves import ASKED, WORDS, WRITTEN
from tests.spec.refused_endpoints import TEXTS

SIGNALS = {"teacher": {"signals": "ds_signals"}}
SIGNALLED = facts(
    datasets={"ds_signals": signals(), "ds_digits": dataset(roles=Roles(input="image", label="label", id="form"))}
)
ASKING = facts(
    endpoints={"ep_open": endpoint()},
    datasets={
        "ds_texts": dataset(
            columns={"text": ColumnFacts(kind="text", dtype="str"), "label": names()},
            roles=Roles(input="text", label="label"),
        )
    },
)
SHAPES: list[tuple[dict[str, Any], Facts, list[str]]] = [
    ({}, facts(), ["score", "train", "train.no_teacher", "train.all_labels", "grade", "package"]),
    ({"evaluation.baselines": ["no_teacher"]}, facts(), ["score", "train", "train.no_teacher", "grade", "package"]),
    ({"evaluation.baselines": ["untrained"]}, facts(), ["score", "train", "grade", "package"]),
    (SIGNALS | {"evaluation.baselines": "auto"}, SIGNALLED, ["train", "train.no_teacher", "grade", "package"]),
    (LABELS_ONLY, facts(), ["train", "grade", "package"]),
]


def test_new_texts_are_written_before_they_are_answered_and_all_later_steps_read_them() -> None:
    known = facts(datasets={"ds_texts": TEXTS}, endpoints={"ep_open": endpoint()})
    made = steps(job(WRITTEN | {"budget": {"preview": 20}}), known)
    assert list(made) == ["preview", "synthesise", "answer", "train", "train.no_teacher", "grade", "package"]
    wrote = made["synthesise"]
    assert (wrote.queue, wrote.after, wrote.divisible, wrote.needs) == ("io", ("preview",), True, {})
    assert sorted(wrote.inputs) == ["heldout/rows.arrow", "train/rows.arrow"]
    assert "train/rows.arrow" in made["preview"].inputs and not made["preview"].needs
    for name in list(made)[2:]:
        assert made[name].needs["train"] == "synthesise" and "train/rows.arrow" not in made[name].inputs
    epochs = WRITTEN | {"training.steps": ABSENT, "training.epochs": 1.0, "training.batch_size": 1}
    assert steps(job(epochs), known)["train"].params["steps"] == 1029 + 50
    assert steps(job(epochs), known)["train.no_teacher"].params["steps"] == 1029 + 50, "the same batches"
    others: list[dict[str, Any]] = [
        {"training.seed": 5},
        {"data.labelled": 0.5},
        {"data.responses.sampling.temperature": 1.0},
    ]
    assert all(steps(job(WRITTEN | one), known)["synthesise"].params == wrote.params for one in others)


def test_texts_are_copied_before_they_are_answered_and_all_later_steps_read_the_copies() -> None:
    known = facts(datasets={"ds_texts": TEXTS}, endpoints={"ep_open": endpoint()})
    made = steps(job(WORDS | {"budget": {"preview": 20}}), known)
    assert list(made) == ["preview", "augment", "answer", "train", "train.no_teacher", "grade", "package"]
    copied = made["augment"]
    assert (copied.queue, copied.needs, copied.after) == ("cpu", {}, ())
    assert "train/rows.arrow" in made["preview"].inputs
    for name in list(made)[2:]:
        assert made[name].needs["train"] == "augment" and "train/rows.arrow" not in made[name].inputs
        assert "augment" not in made[name].params.get("take", made[name].params.get("selection", {}))
    epochs = WORDS | {"training.steps": ABSENT, "training.epochs": 1.0, "training.batch_size": 1}
    for name in ("train", "train.no_teacher"):
        assert steps(job(epochs), known)[name].params["steps"] == 3 * 1029
    others: list[dict[str, Any]] = [{"training.seed": 5}, {"data.labelled": 0.5}]
    assert all(steps(job(WORDS | one), known)["augment"].params == copied.params for one in others)


@pytest.mark.parametrize(("changes", "known", "names"), SHAPES)
def test_a_job_has_these_steps(changes: dict[str, Any], known: Facts, names: list[str]) -> None:
    assert list(steps(job(changes), known)) == names


def test_the_digits_plan() -> None:
    made = steps(job())
    assert {name: (step.verb, step.queue) for name, step in made.items()} == {
        "score": ("score", "gpu"),
        "train": ("train", "gpu"),
        "train.no_teacher": ("train", "gpu"),
        "train.all_labels": ("train", "gpu"),
        "grade": ("grade", "gpu"),
        "package": ("package", "cpu"),
    }
    baselines = {"no_teacher": "train.no_teacher", "all_labels": "train.all_labels"}
    assert {name: (step.needs, step.wants) for name, step in made.items()} == {
        "score": ({}, {}),
        "train": ({"scores": "score"}, {}),
        "train.no_teacher": ({}, {}),
        "train.all_labels": ({}, {}),
        "grade": ({"scores": "score", "student": "train"}, baselines),
        "package": ({"student": "train", "grade": "grade"}, baselines),
    }
    teachers = [f"teacher.{i}/model.safetensors" for i in range(3)]
    assert {name: sorted(step.inputs) for name, step in made.items()} == {
        "score": ["heldout/rows.arrow", *teachers, "train/rows.arrow"],
        "train": ["heldout/rows.arrow", "train/rows.arrow"],
        "train.no_teacher": ["heldout/rows.arrow", "train/rows.arrow"],
        "train.all_labels": ["heldout/rows.arrow", "train/rows.arrow"],
        "grade": ["heldout/rows.arrow", "train/rows.arrow"],
        "package": ["heldout/rows.arrow", *teachers, "train/rows.arrow"],
    }
    assert [name for name, step in made.items() if step.optional] == list(baselines.values())
    assert [name for name, step in made.items() if step.divisible] == ["train", *baselines.values()]


def test_params_are_what_the_verbs_read() -> None:
    made = steps(job())
    score = ScoreParams.model_validate(made["score"].params)
    assert (score.classes, score.input, score.take, len(score.teachers)) == (DIGITS, "image", None, 3)
    train = TrainParams.model_validate(made["train"].params)
    assert (train.teachers, train.combine, train.steps, train.selection.labelled) == (3, "geometric", 1500, 0.2)
    assert train.weights == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    alone = TrainParams.model_validate(made["train.no_teacher"].params)
    assert (alone.teachers, alone.combine, alone.weights, alone.steps) == (0, None, None, 1500)
    assert [term.type for term in alone.objective] == ["labels"]
    every = TrainParams.model_validate(made["train.all_labels"].params)
    assert every == alone.model_copy(update={"selection": alone.selection.model_copy(update={"labelled": 1.0})})
    grade = GradeParams.model_validate(made["grade"].params)
    assert [one.role for one in grade.models] == ["student", "no_teacher", "all_labels"]
    assert (grade.temperature, grade.signals) == (4.0, False)
    package = PackageParams.model_validate(made["package"].params)
    assert (package.name, package.baselines) == ("digits", ("no_teacher", "all_labels"))
    assert parse(package.spec) == resolve(job(), facts())
    assert package.baseline_spec is not None
    assert package.baseline_spec["teacher"] is None


def test_epochs_become_steps_over_the_rows_that_are_left() -> None:
    def length(changes: dict[str, Any]) -> int:
        epochs = {"training.steps": ABSENT, "training.epochs": 2.0}
        return int(steps(job(epochs | changes))["train"].params["steps"])

    assert length({}) == 33  # 2 * 1,029 / 64, rounded up
    assert length({"data.heldout": 0.5}) == 17
    assert length({"data.where": [{"column": "label", "among": [7, 8]}]}) == 7
    assert length({"data.share": 0.1}) == 4
    jitter = {"type": "jitter", "pixels": 0.5, "copies": 3}
    assert length({"data.augment": jitter}) == 129, "copies are passed over too"
    assert length({"data.labelled": 0.1}) == 33, "batches run over all rows, whoever has labels"


def test_the_untrained_student_is_made_by_its_seed() -> None:
    grade = GradeParams.model_validate(steps(job({"evaluation.baselines": ["untrained"]}))["grade"].params)
    assert [(one.role, one.path, one.seed) for one in grade.models] == [
        ("student", "student", None),
        ("untrained", None, 1),
    ]


def test_signals_are_an_input_and_the_baseline_does_without() -> None:
    made = steps(job(SIGNALS | {"evaluation.baselines": ["no_teacher"]}), SIGNALLED)
    assert sorted(made["train"].inputs) == ["heldout/rows.arrow", "signals/rows.arrow", "train/rows.arrow"]
    assert sorted(made["train.no_teacher"].inputs) == ["heldout/rows.arrow", "train/rows.arrow"]
    assert GradeParams.model_validate(made["grade"].params).signals
    assert "signals/rows.arrow" in made["grade"].inputs


def test_validation_rows_of_their_own_are_an_input_of_training() -> None:
    known = facts(datasets={"ds_valid": dataset({"train": split("valid", 90)})})
    made = steps(job({"data.validation": "ds_valid", "training.select": "best"}), known)
    assert {name for name, step in made.items() if "validation/rows.arrow" in step.inputs} == {
        "train",
        "train.no_teacher",
        "train.all_labels",
    }


def test_why_a_baseline_is_missing_is_told() -> None:
    unlabelled = dataset({"train": split("train", 1029, labels={}), "test": split("test", 768)})
    soft = {"objective": [{"type": "soft_targets"}], "evaluation.baselines": "auto", "data.labelled": 1.0}
    package = PackageParams.model_validate(
        steps(job(soft), facts(datasets={"ds_digits": unlabelled}))["package"].params
    )
    assert package.baseline_reasons.keys() == {"no_teacher"}
    assert package.baseline_spec is None


@given(body=jobs())
def test_edges_point_backwards_and_no_needed_step_needs_an_optional_one(body: dict[str, Any]) -> None:
    made = steps(parse(body), KNOWN)
    order = list(made)
    for place, (name, step) in enumerate(made.items()):
        others = {*step.needs.values(), *step.wants.values(), *step.after}
        assert all(order.index(other) < place for other in others), name
        assert step.optional or not any(made[other].optional for other in step.needs.values()), name
        assert step.verb in VERSIONS
        assert step.seconds > 0
        assert step.memory > 0


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


def test_a_report_is_made_for_every_job() -> None:
    assert {name for name, step in steps(job()).items() if not serving_keys(step, "prj_1", {})} == {"package"}


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


def test_a_step_that_asks_knows_how_often_it_may() -> None:
    """A question a row of both splits; of a preview no more than its rows."""
    made = steps(job(ASKED | {"budget.preview": 7}), ASKING)
    assert {name: made[name].context["questions"] for name in ("answer", "preview")} == {"answer": 1797, "preview": 7}


def test_values_of_conditions_are_compared_as_text_and_as_sets() -> None:
    ways: list[list[Any]] = [[7, 8], ["8", "7"], ["7", 8, 7]]
    assert len({keys(job({"data.where": [{"column": "label", "among": way}]}))["train"] for way in ways}) == 1


def test_weights_count_by_their_ratio() -> None:
    ways: list[Any] = ["auto", [1, 1, 1], [2.0, 2.0, 2.0]]
    assert len({keys(job({"teacher.weights": way}))["train"] for way in ways}) == 1


def test_projects_share_no_key() -> None:
    assert not set(keys(job(), project="prj_1").values()) & set(keys(job(), project="prj_2").values())


def test_other_weights_of_a_teacher_make_other_keys() -> None:
    other = facts(models={"mdl_y": model(digest="retrained")})
    first, second = keys(job()), keys(job(), other)
    assert {name for name in first if first[name] == second[name]} == {"train.no_teacher", "train.all_labels"}
