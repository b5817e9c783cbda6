"""What follows from rows with any number of classes: the signature, the graders, the plan, the question."""

from typing import Any

import pytest

from spec.bill import bill
from spec.facts import Facts
from spec.params import AnswerParams
from spec.plan import plan
from spec.resolve import resolve
from spec.rows import transfer_labelled
from spec.rules import problems
from spec.signature import output_kind
from tests.spec.builders import DIGITS, LABELS_ONLY, facts, job
from tests.spec.leaves import ASKED
from tests.spec.refused_multilabel import several, taught, texts


@pytest.mark.parametrize(
    ("changes", "known", "kind"),
    [
        ({}, facts(), "classes"),
        ({}, several(), "multilabel"),
        (LABELS_ONLY, several(), "multilabel"),
        (LABELS_ONLY, facts(), "classes"),
        (LABELS_ONLY | {"data.columns": {"label": "tags"}}, several(), "multilabel"),
        (LABELS_ONLY | {"data.columns": {"label": "form"}}, several(), "classes"),
        ({"data.columns": {"label": None}}, facts(models={f"mdl_{one}": taught(one) for one in "xyz"}), "multilabel"),
    ],
)
def test_the_kind_is_the_teachers_else_the_label_columns(changes: dict[str, Any], known: Facts, kind: str) -> None:
    assert output_kind(job(changes), known) == kind


def test_a_job_of_lists_is_accepted_and_every_step_is_told() -> None:
    changes = {"evaluation": {"baselines": ["no_teacher", "all_labels", "untrained"]}}
    assert not problems(job(changes), several())
    resolved = resolve(job(changes), several())
    graders = resolved.model_dump(exclude_defaults=True)["evaluation"]["graders"]
    assert list(graders) == [
        {"type": "f1", "average": "micro"}, {"type": "f1"}, {"type": "accuracy"}, {"type": "nll"}, {"type": "calibration"},
    ]  # fmt: skip
    assert resolve(resolved, several()) == resolved
    for step in plan(resolved, several()):
        if step.verb in ("train", "grade", "package"):
            assert step.params["signature"]["output"] == {"kind": "multilabel", "classes": list(DIGITS)}


def test_labelled_rows_are_counted_not_their_names() -> None:
    assert transfer_labelled(job(), several()) == 1029 * 9 // 10
    assert transfer_labelled(job(), facts()) == sum(facts().datasets["ds_digits"].splits["train"].labels.values())


def test_a_teacher_is_asked_for_a_list() -> None:
    known = texts()
    changes = ASKED | {"data.responses.read": "auto", "data.responses.structured": True}
    assert not problems(job(changes), known)
    resolved = resolve(job(changes), known)
    (step,) = [step for step in plan(resolved, known) if step.verb == "answer"]
    told = AnswerParams.model_validate(step.params)
    assert (told.several, told.read, told.question.top_logprobs) == (True, "text", 0), (
        "not the log probabilities that it could give"
    )
    system = "Any number of these names may fit. Answer with those that fit, an empty list if none does, and nothing else: 0, 1"
    assert system in (told.question.system or "")
    in_words = resolve(job(ASKED), known).data.responses.model_dump()["prompt"]["system"]
    assert "separated by commas, or none if none of them fits, and nothing else: 0, 1" in in_words


def test_an_answer_with_several_names_is_dearer() -> None:
    known = texts()
    made = known.datasets["ds_texts"]
    splits = {name: one.model_copy(update={"labels": dict.fromkeys(DIGITS, 600)}) for name, one in made.splits.items()}
    dense = known.model_copy(update={"datasets": {"ds_texts": made.model_copy(update={"splits": splits})}})
    one, some = (bill(job(ASKED), each) for each in (known, dense))
    assert one is not None and some is not None and some.expected > one.expected
