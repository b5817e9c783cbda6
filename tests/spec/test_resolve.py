"""What `auto` becomes, from spec and facts alone."""

from typing import Any

import pytest
from hypothesis import given

from spec.baseline import with_all_labels, without_teacher
from spec.digest import digest
from spec.distillation import Distillation
from spec.errors import parse
from spec.facts import PairFacts, Roles
from spec.plan import plan
from spec.price import estimate
from spec.resolve import refusal, resolve
from spec.responses import TeacherResponses
from spec.rules import problems
from spec.signature import ordered, signature
from spec.template import LONGEST_PROMPT
from tests.spec.builders import (
    ABSENT,
    DIGITS,
    LABELS_ONLY,
    dataset,
    document,
    endpoint,
    facts,
    images,
    job,
    model,
    names,
    split,
)
from tests.spec.jobs import KNOWN, jobs
from tests.spec.leaves import ASKED
from tests.spec.refused_endpoints import TEXTS, labelled

BARE: dict[str, Any] = {
    "teacher.combine": ABSENT,
    "data": {"train": "ds_digits"},
    "training": {},
    "evaluation": {},
}
"""Nothing said that `auto` could decide."""
MLP = {"type": "mlp", "hidden_sizes": [800, 800]}
LARGE = dataset({"train": split("train", 60_000)}, roles=Roles(input="image", label="label", group="form"), overlaps={})
SMALL = dataset({"train": split("train", 20)}, overlaps={})


def at(made: Distillation, path: str) -> Any:
    place: Any = made.model_dump(mode="json")
    for step in path.split("."):
        place = place[step]
    return place


RESOLVED: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    ("data.train", {}, {}, "ds_digits/train"),
    ("data.heldout", {}, {}, "ds_digits/test"),
    ("data.heldout", {}, {"ds_digits": LARGE}, 0.1),
    ("data.heldout", {"data.train": "ds_digits/test"}, {}, 0.1),
    ("data.heldout", {"data.heldout": "ds_other"}, {"ds_other": LARGE}, "ds_other/train"),
    ("data.validation", {}, {}, None),
    ("data.validation", {"training.select": "best"}, {}, 0.1),
    ("data.validation", {"training.bias_correction": True}, {}, 0.1),
    ("data.validation", {"data.validation": 0.2}, {}, 0.2),
    ("data.columns", {}, {}, {"input": "image", "label": "label", "group": None, "id": None}),
    ("data.columns.group", {}, {"ds_digits": LARGE}, "form"),
    ("data.columns.group", {"data.columns": {"group": None}}, {"ds_digits": LARGE}, None),
    ("student.normalise", {}, {}, True),
    ("student.normalise", {"student.normalise": False}, {}, False),
    ("teacher.weights", {}, {}, [1.0, 1.0, 1.0]),
    ("teacher.weights", {"teacher.weights": [1, 2, 3]}, {}, [1.0, 2.0, 3.0]),
    ("training.epochs", {}, {}, 20.0),
    ("training.epochs", {"training.steps": 5}, {}, None),
    ("training.batch_size", {}, {}, 64),
    ("training.batch_size", {}, {"ds_digits": LARGE}, 256),
    ("training.batch_size", {}, {"ds_digits": SMALL}, 18),
    ("training.learning_rate", {}, {}, 0.005),
    ("training.learning_rate", {"student": MLP}, {}, 0.001),
    ("training.learning_rate", {"training.optimizer": "sgd"}, {}, 0.1),
    ("training.precision", {}, {}, "float32"),
    ("training.precision", {"training.precision": "bfloat16"}, {}, "bfloat16"),
    ("evaluation.graders", {}, {}, [{"type": "accuracy"}, {"type": "nll"}, {"type": "calibration", "bins": 10}]),
    ("evaluation.baselines", {}, {}, ["no_teacher"]),
    ("evaluation.baselines", LABELS_ONLY | {"evaluation": {}}, {}, []),
]


@pytest.mark.parametrize(("path", "changes", "datasets", "expected"), RESOLVED)
def test_auto_becomes(path: str, changes: dict[str, Any], datasets: dict[str, Any], expected: Any) -> None:
    made = resolve(job(BARE | changes), facts(datasets=datasets))
    assert at(made, path) == expected
    assert '"auto"' not in made.model_dump_json()


def test_without_labels_the_baseline_is_not_offered_and_says_why() -> None:
    unlabelled = dataset({"train": split("train", 1029, labels={}), "test": split("test", 768)})
    soft = {"objective": [{"type": "soft_targets"}]}
    known = facts(datasets={"ds_digits": unlabelled})
    made = resolve(job(BARE | soft), known)
    assert made.evaluation.baselines == ()
    found = refusal(made, known)
    assert found is not None
    assert found.code == "labels_missing"


@given(body=jobs())
def test_resolved_specs_can_be_posted_again(body: dict[str, Any]) -> None:
    made = resolve(parse(body), KNOWN)
    again = parse(made.model_dump(mode="json"))
    assert again == made
    assert not problems(again, KNOWN)
    assert resolve(again, KNOWN) == made


@given(body=jobs())
def test_the_baseline_differs_in_teacher_and_objective_alone(body: dict[str, Any]) -> None:
    made = resolve(parse(body), KNOWN)
    other = without_teacher(made)
    differing = {name for name in Distillation.model_fields if getattr(made, name) != getattr(other, name)}
    assert differing <= {"teacher", "objective"}
    assert other.teacher is None
    assert {term.type for term in other.objective} == {"labels"}
    assert sum(term.weight for term in other.objective) == pytest.approx(1.0)


def test_without_terms_of_its_own_the_baseline_learns_from_labels() -> None:
    made = without_teacher(job({"objective": [{"type": "soft_targets", "temperature": 20.0, "weight": 5.0}]}))
    assert [term.model_dump() for term in made.objective] == [{"type": "labels", "weight": 1.0, "balance": "none"}]


def test_a_baseline_of_labels_for_balanced_soft_targets_is_balanced() -> None:
    """Where it has labels of its own they stay as written."""
    balanced = {"objective.0.balance": "inverse_frequency"}
    assert [term.balance for term in without_teacher(job(balanced)).objective] == ["none"]
    alone = {"objective": [{"type": "soft_targets", "balance": "inverse_frequency"}]}
    assert [term.balance for term in without_teacher(job(alone)).objective] == ["inverse_frequency"]


def test_weights_of_the_rest_are_divided_by_their_sum() -> None:
    made = without_teacher(job())
    assert [term.weight for term in made.objective] == [1.0]


def test_the_sceptics_baseline_sees_every_label() -> None:
    made = with_all_labels(job())
    assert (made.data.labelled, made.teacher) == (1.0, None)
    assert made == without_teacher(job({"data.labelled": 1.0}))


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        ({"10", "9", "2"}, ("2", "9", "10")),
        ({"b", "a", "10", "9"}, ("10", "9", "a", "b")),
        ({"-1", "1", "0"}, ("-1", "0", "1")),
        (set(), ()),
    ],
)
def test_classes_come_in_their_natural_order(labels: set[str], order: tuple[str, ...]) -> None:
    assert ordered(labels) == order


def test_the_student_takes_over_its_first_teachers_classes_and_scale() -> None:
    known = facts(models={"mdl_x": model(classes=DIGITS[::-1], scale=0.25)})
    made = signature(resolve(job(), known), known)
    assert made.output.classes == DIGITS[::-1]
    assert (made.input.scale, made.input.dtype, made.input.shape) == (0.25, "uint8", (8, 8))


def test_without_a_teacher_unsigned_integers_are_divided_by_the_highest() -> None:
    made = signature(resolve(job(LABELS_ONLY), facts()), facts())
    assert (made.input.scale, made.output.classes) == (1 / 16, DIGITS)
    raw = signature(job(LABELS_ONLY | {"student.normalise": False}), facts())
    assert raw.input.scale == 1.0
    floats = facts(datasets={"ds_digits": dataset(columns={"image": images(dtype="float32"), "label": names()})})
    assert signature(job(LABELS_ONLY), floats).input.scale == 1.0


def test_the_document_is_complete() -> None:
    made = resolve(parse(document()), facts())
    assert parse(made.model_dump(mode="json")) == made


@pytest.mark.parametrize("changes", [{"budget": {"preview": 20}}, {"data.synthesise": {"rows": 50}}])
def test_what_only_a_teacher_makes_sense_of_bars_no_baseline(changes: dict[str, Any]) -> None:
    known = facts(datasets={"ds_texts": TEXTS}, endpoints={"ep_open": endpoint()})
    resolved = resolve(job(ASKED | changes), known)
    assert resolved.evaluation.baselines == ("no_teacher",)
    assert resolve(resolved, known) == resolved


LONG = tuple(f"{place} {'x' * 254}" for place in range(10))
ODD = ("U.S.", '"', "{text}", "a\nb", " spaced ", "日本", "\\", "\x01", "none", "null")
MANY = tuple(f"{place:03} class name" for place in range(1000))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("labels", [LONG, ODD, MANY], ids=["long", "odd", "many"])
def test_whatever_labels_inspection_takes_can_be_planned(
    labels: tuple[str, ...], structured: bool, several: bool
) -> None:
    """Resolved once, and again as it is posted back; only names that no list can show are refused."""
    known = labelled(*labels, several=several)
    body = ASKED | {"data.responses.structured": structured, "data.responses.prompt.examples": 8, "budget.preview": 20}
    asked = job(body | {"data.responses.sampling.max_tokens": 200})
    if found := problems(asked, known):
        assert {problem.code for problem in found} == {"choice_unlistable"} and several and labels is ODD
        return
    resolved = resolve(asked, known)
    steps = plan(resolved, known)
    assert resolve(parse(resolved.model_dump(mode="json")), known) == resolved
    assert next(step for step in steps if step.name == "answer").params["classes"] == list(ordered(set(labels)))
    assert estimate(steps, known, resolved=resolved).usd is not None


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("pair", [False, True])
def test_a_system_text_that_is_longer_than_a_prompt_by_one_character_is_refused(more: int, pair: bool) -> None:
    what = "pair of texts" if pair else "text"
    asks = f"Classify the {what}. Answer with exactly one of these names and nothing else: ."
    room = LONGEST_PROMPT - len(asks) + more
    each, longer = divmod(room - 2 * 78, 79)
    known = labelled(*(f"{place:03}{'x' * (each - 3 + (place < longer))}" for place in range(79)))
    asked = job(ASKED | ({"data.columns.input": ["text", "other"]} if pair else {}))
    if pair:
        rows = known.datasets["ds_texts"]
        wider = rows.model_copy(update={"columns": rows.columns | {"other": rows.columns["text"]}})
        splits = "|".join(split.digest for split in rows.splits.values())
        compared = {f"{splits}|{digest(('text', 'other'))}": PairFacts(overlap=0)}
        known = known.model_copy(update={"datasets": {"ds_texts": wider}, "pairs": compared})
    assert [problem.code for problem in problems(asked, known)] == ["prompt_too_long"] * more
    if not more:
        said = resolve(asked, known).data.responses
        assert isinstance(said, TeacherResponses) and len(said.prompt.system or "") == LONGEST_PROMPT
