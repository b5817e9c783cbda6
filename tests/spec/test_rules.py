"""Each rule, by the jobs of refused.py."""

from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from spec.facts import Facts
from spec.plan import plan
from spec.problem import Refused
from spec.resolve import resolve
from spec.rules import RULES, WARNINGS, Rule, problems, warnings
from spec.waiting import waiting
from tests.spec.builders import DIGITS, LABELS_ONLY, dataset, endpoint, facts, job, model
from tests.spec.leaves import ASKED
from tests.spec.refused import BROKEN, SIGNALS, Case
from tests.spec.refused import REFUSED as HELD
from tests.spec.refused import WARNED as HELD_WARNED
from tests.spec.refused_endpoints import ENDPOINTS, TEXTS, UNPRICED
from tests.spec.refused_multilabel import MULTILABEL
from tests.spec.refused_synthesis import SYNTHESIS, UNWRITTEN
from tests.spec.refused_words import OF_WORDS

REFUSED = HELD + ENDPOINTS + SYNTHESIS + OF_WORDS + MULTILABEL
WARNED = HELD_WARNED + UNWRITTEN + UNPRICED


@pytest.mark.parametrize(
    ("rule", "changes", "known", "expected"), REFUSED, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_rule_refuses(
    rule: Rule, changes: dict[str, Any], known: Facts, expected: list[tuple[str, str, str]]
) -> None:
    assert [(p.param, p.code, p.message) for p in rule(job(changes), known)] == expected
    assert not list(rule(job(), facts())), "the demo breaks no rule"


def test_every_rule_has_a_case_and_a_sentence() -> None:
    tested = {case[0] for case in REFUSED} | {case[0] for case in WARNED}
    for rule in (*RULES, *WARNINGS):
        assert rule in tested, rule
        sentence = (rule.__doc__ or "").strip()
        assert sentence.endswith("."), rule
        assert "\n" not in sentence, rule


def test_a_failed_inspection_keeps_its_file_and_line() -> None:
    (found,) = problems(job({"data.train": "file-bad", "data.heldout": 0.1}), facts(failed={"file-bad": BROKEN}))
    assert (found.file, found.line) == ("digits.csv", 8)


@pytest.mark.parametrize("changes", [{}, SIGNALS, LABELS_ONLY, {"training.select": "best", "budget": {"hours": 1.0}}])
def test_rules_are_silent_without_facts(changes: dict[str, Any]) -> None:
    changes = changes | ({"teacher.accept_terms": True} if "teacher" not in changes else {})
    awaited = dict.fromkeys(("ds_digits", "ds_signals", "mdl_x", "mdl_y", "mdl_z"), "inspection")
    assert not problems(job(changes), Facts(processing=awaited))
    assert not warnings(job(changes), Facts(processing=awaited))


def test_all_problems_come_at_once() -> None:
    changes = {"teacher.models": ["mdl_x", "mdl_gone"], "training.epochs": 2.0, "data.labelled": 1.0}
    assert [p.code for p in problems(job(changes), facts())] == ["not_found", "epochs_and_steps", "all_labels_seen"]


def test_overlap_passes_where_it_is_allowed_and_is_said() -> None:
    changes, known = {"data.allow_overlap": True}, facts(datasets={"ds_digits": dataset(overlaps={"train|test": 12})})
    assert not problems(job(changes), known)
    assert [p.code for p in warnings(job(changes), known)] == ["overlap"]


def test_the_same_split_on_two_sides_overlaps() -> None:
    (found,) = problems(job({"data.heldout": "ds_digits/train"}), facts())
    assert found.message.startswith("1,029 of 1,029 rows")


def test_a_model_that_answered_is_served_whatever_the_list_says() -> None:
    alias, able = "large-latest", endpoint().probed["large"]
    known = facts(datasets={"ds_texts": TEXTS}, endpoints={"ep_open": endpoint(probed={alias: able})})
    assert not problems(job(ASKED | {"teacher.models": [f"ep_open/{alias}"]}), known)


def test_a_permuted_class_order_and_another_scale_are_no_fault() -> None:
    assert not problems(job(), facts(models={"mdl_y": model(classes=DIGITS[::-1], scale=1 / 255)}))


@pytest.mark.parametrize(("rule", "changes", "known", "expected"), WARNED, ids=lambda one: getattr(one, "__name__", ""))
def test_a_warning_is_said(
    rule: Rule, changes: dict[str, Any], known: Facts, expected: list[tuple[str, str, str]]
) -> None:
    assert [(p.param, p.code, p.message) for p in rule(job(changes), known)] == expected
    assert not list(rule(job(), facts())), "the demo gives no warning"


@settings(max_examples=300)
@given(first=st.sampled_from(REFUSED), second=st.sampled_from(REFUSED), third=st.sampled_from([*REFUSED, *WARNED]))
def test_what_the_rules_accept_can_be_planned(first: Case, second: Case, third: Case) -> None:
    """Faults in any company: no rule stumbles over what another one refuses."""
    try:
        made = job(first[1] | second[1] | third[1])
    except (LookupError, TypeError, Refused):
        reject()  # the changes do not go together, `teacher` null and `teacher.weights`
    for known in (first[2], second[2], third[2]):
        warnings(made, known)
        if not problems(made, known) and not waiting(made, known):
            assert plan(resolve(made, known), known)
