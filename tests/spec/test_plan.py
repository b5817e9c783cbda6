"""Plans: which steps there are, what each reads, and which keys they share."""

from typing import Any

import pytest
from hypothesis import given

from spec.digest import serving_keys
from spec.errors import parse
from spec.facts import ColumnFacts, Facts, Roles
from spec.params import GradeParams, PackageParams, ScoreParams, TrainParams
from spec.resolve import resolve
from spec.step import VERSIONS
from tests.spec.builders import ABSENT, DIGITS, LABELS_ONLY, dataset, endpoint, facts, job, names, signals, split
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


def test_a_report_is_made_for_every_job() -> None:
    assert {name for name, step in steps(job()).items() if not serving_keys(step, "prj_1", {})} == {"package"}
    seen = steps(job(ASKED | {"budget.preview": 7}), ASKING)
    assert {name for name, step in seen.items() if not serving_keys(step, "prj_1", {})} == {"preview", "package"}


def test_a_step_that_asks_knows_how_often_it_may() -> None:
    """A question a row of both splits; of a preview no more than its rows."""
    made = steps(job(ASKED | {"budget.preview": 7}), ASKING)
    assert {name: made[name].context["questions"] for name in ("answer", "preview")} == {"answer": 1797, "preview": 7}


def test_values_of_conditions_are_compared_as_text_and_as_sets() -> None:
    ways: list[list[Any]] = [[7, 8], ["8", "7"], ["7", 8, 7]]
    assert len({keys(job({"data.where": [{"column": "label", "among": way}]}))["train"] for way in ways}) == 1
