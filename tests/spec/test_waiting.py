"""What a job waits for, and what it names."""

from typing import Any

import pytest

from spec.digest import digest
from spec.facts import ColumnFacts, Facts, PairFacts, Roles
from spec.rules import problems
from spec.waiting import references, waiting
from tests.spec.builders import LABELS_ONLY, dataset, endpoint, facts, job, names, signals, split
from tests.spec.leaves import ASKED

OTHER = dataset({"train": split("other", 500)}, overlaps={})


def test_everything_named_has_its_param() -> None:
    made = job({"teacher": {"models": ["mdl_x"], "signals": "ds_s/train"}, "data.validation": "file-v"})
    assert references(made) == (
        ("mdl_x", "teacher.models[0]"),
        ("ds_s", "teacher.signals"),
        ("ds_digits", "data.train"),
        ("ds_digits", "data.heldout"),
        ("file-v", "data.validation"),
    )


def test_a_tokenizer_is_waited_for_by_its_name() -> None:
    made = job(LABELS_ONLY | {"student": {"type": "text_encoder", "width": 8, "tokenizer": "file-t"}})
    assert references(made)[-1] == ("file-t", "student.tokenizer")
    assert waiting(made, facts(processing={"file-t": "inspection of file-t"})) == ("file-t",)


def test_shares_and_auto_name_nothing() -> None:
    made = job(LABELS_ONLY | {"data.heldout": 0.1, "data.validation": None})
    assert references(made) == (("ds_digits", "data.train"),)
    assert references(job(LABELS_ONLY | {"data.heldout": "auto"})) == (("ds_digits", "data.train"),)


def test_complete_facts_are_not_waited_for() -> None:
    assert waiting(job(), facts()) == ()


def test_what_is_processing_is_waited_for_once_and_what_is_absent_is_not() -> None:
    awaited = Facts(processing={"ds_digits": "inspection of ds_digits", "mdl_y": "dst_1"})
    assert waiting(job(), awaited) == ("mdl_y", "ds_digits")
    assert waiting(job(), Facts()) == ()


PAIRS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"data.heldout": "ds_other"}, ("pair:digest-of-train-1029|digest-of-other-500",)),
    ({"data.heldout": 0.1}, ()),
    ({"data.heldout": "auto"}, ()),
    (
        {"data.validation": "ds_other", "training.select": "best"},
        ("pair:digest-of-train-1029|digest-of-other-500", "pair:digest-of-other-500|digest-of-test-768"),
    ),
    (
        {"teacher": {"signals": "ds_signals"}},
        ("pair:digest-of-train-1029|digest-of-signals-1797", "pair:digest-of-test-768|digest-of-signals-1797"),
    ),
]


@pytest.mark.parametrize(("changes", "expected"), PAIRS)
def test_pairs_from_different_datasets_are_compared(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    known = facts(datasets={"ds_other": OTHER, "ds_signals": signals()})
    assert waiting(job(changes), known) == expected
    compared = {pair.removeprefix("pair:"): PairFacts(overlap=0) for pair in expected}
    assert waiting(job(changes), known.model_copy(update={"pairs": compared})) == ()


def test_equal_bytes_need_no_comparison() -> None:
    known = facts(datasets={"ds_copy": dataset()})
    assert waiting(job({"data.heldout": "ds_copy/train"}), known) == ()


TEXT = ColumnFacts(kind="text", dtype="str")


@pytest.mark.parametrize(("own", "compared"), [("text", True), ("prompt", False)])
def test_rows_are_compared_by_the_input_that_the_job_takes(own: str, compared: bool) -> None:
    """Gold rows whose own input is another column than that of the job: by their own they would share nothing with the prompts."""
    columns = {"prompt": TEXT, "text": TEXT, "label": names()}
    sets = {
        "ds_prompts": dataset({"train": split("train", 1029)}, columns, Roles(input="prompt", label="label")),
        "ds_gold": dataset({"test": split("test", 100)}, columns, Roles(input=own, label="label")),
    }
    asked = job(ASKED | {"data.train": "ds_prompts", "data.heldout": "ds_gold"})
    known = facts(datasets=sets, endpoints={"ep_open": endpoint()})
    (key,) = waiting(asked, known)
    plain = "pair:digest-of-train-1029|digest-of-test-100"
    assert key == (f"{plain}|{digest('prompt')}" if compared else plain)
    shared = known.model_copy(update={"pairs": {key.removeprefix("pair:"): PairFacts(overlap=7)}})
    (problem,) = problems(asked, shared)
    assert problem.code == "overlap" and problem.message.startswith("7 of 100 rows")


def test_splits_of_one_dataset_are_compared_anew_for_another_input() -> None:
    columns = {"text": TEXT, "other": TEXT, "label": names()}
    splits = {"train": split("train", 1029), "test": split("test", 100)}
    known = facts(
        datasets={"ds_texts": dataset(splits, columns, Roles(input="text", label="label"))},
        endpoints={"ep_open": endpoint()},
    )
    assert waiting(job(ASKED), known) == ()
    (key,) = waiting(job(ASKED | {"data.columns.input": "other"}), known)
    assert key.endswith(digest("other"))
