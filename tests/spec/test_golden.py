"""A few golden rows among many prompts: where a teacher answers, held-out rows are golden ones, and so counts whatever counts them. By hand."""

from typing import Any

import pytest

from spec import rows
from spec.bill import bill
from spec.facts import ColumnFacts, Facts, Roles, SplitFacts
from spec.prompt import labels_seen
from spec.rules import problems, warnings
from tests.spec.builders import DIGITS, LABELS_ONLY, dataset, endpoint, facts, job, names, split
from tests.spec.keyed import steps
from tests.spec.leaves import ASKED

PROSE = {"makeup": {"text": {"prose": 1.0}}}
SYSTEM = "Which digit?"
SHARE = ASKED | {"data.heldout": 0.1, "data.responses.prompt.system": SYSTEM}
COLUMNS = {"text": ColumnFacts(kind="text", dtype="str"), "label": names()}


def prompts(name: str, number: int, golden: int) -> SplitFacts:
    """Rows of 60 bytes, the longest of 200, and the labels of the first of them."""
    labels = {digit: golden // 10 + (place < golden % 10) for place, digit in enumerate(DIGITS)}
    sizes: dict[str, Any] = {"text_bytes": {"text": 60 * number}, "longest": {"text": 200}}
    return split(name, number, labels={digit: n for digit, n in labels.items() if n}).model_copy(update=PROSE | sizes)


def known(golden: int, test: int | None = None) -> Facts:
    splits = {"train": prompts("train", 10_000, golden)}
    splits |= {"test": prompts("test", 100, test)} if test is not None else {}
    made = dataset(splits, COLUMNS, Roles(input="text", label="label"))
    return facts(datasets={"ds_texts": made}, endpoints={"ep_open": endpoint()})


def test_a_share_of_the_golden_rows_is_held_out_and_prompts_stay_training_rows() -> None:
    count = rows.counts(job(SHARE | {"data.validation": 0.2}), known(50))
    assert (count.heldout, count.validation, count.train) == (5, 9, 10_000 - 5 - 9)
    assert rows.counts(job(SHARE | {"data.share": 0.5}), known(50)).train == round(0.5 * (10_000 - 5))


def test_whoever_scores_every_row_holds_out_of_every_row() -> None:
    weights = {"data.heldout": 0.1, "data.validation": 0.2, "data.train": "ds_texts/train", "objective.1.weight": 0.2}
    for changes in (weights, weights | LABELS_ONLY):
        count = rows.counts(job(changes), known(50))
        assert (count.heldout, count.validation, count.train) == (1_000, 1_800, 7_200)
        assert all("golden" not in str(step.params) for step in steps(job({"data.heldout": 0.1})).values())


def test_five_held_out_rows_are_paid_for_and_not_a_thousand() -> None:
    found = bill(job(SHARE), known(50))
    assert found is not None and found.rows == 10_000
    bounded = (len(SYSTEM) + 60 + 16 * 3) * 0.4 + 8 * 1.6
    last = (len(SYSTEM) + 200 + 16 * 3) * 0.4 + 8 * 1.6
    written = 0.25 * (len("Whichdigit?") + 60)
    dear = (1.4 * written + 8) * 0.4 + 8 * 1.6
    assert found.heldout == pytest.approx(5 * bounded, abs=1)
    assert found.minimum == pytest.approx(32 * dear + 5 * bounded + last, abs=1)
    assert found.expected == pytest.approx(10_000 * ((written + 8) * 0.4 + 1.25 * 1.6), abs=1)


def test_of_a_split_of_held_out_rows_the_golden_ones_are_paid_for() -> None:
    apart = SHARE | {"data.heldout": "ds_texts/test"}
    (few, all_of_them) = (bill(job(apart), known(50, test=test)) for test in (30, 100))
    assert few and all_of_them and (few.rows, all_of_them.rows) == (10_030, 10_100)
    bounded = (len(SYSTEM) + 60 + 16 * 3) * 0.4 + 8 * 1.6
    assert all_of_them.minimum - few.minimum == pytest.approx(70 * bounded, abs=1)
    assert not problems(job(apart), known(50, test=30))


def test_few_of_them_are_told_and_too_few_are_refused() -> None:
    """A tenth of six is one row, and of five none: the one that the draw would take all the same says nothing."""
    told = [one.message for one in warnings(job(SHARE), known(50)) if one.code == "few_heldout"]
    assert told == ["There are only 5 held-out rows: intervals will be wide."]
    assert not problems(job(SHARE), known(6))
    (found,) = problems(job(SHARE), known(5))
    assert (found.code, found.param) == ("heldout_labels", "data.heldout")
    assert found.message == "ds_texts/train has 5 rows with a label, too few to hold out 0.1 of them."
    assert not problems(job(SHARE | {"data.heldout": 0.2}), known(5))
    assert [one.code for one in problems(job(SHARE), known(0))] == ["heldout_labels", "classes_unknown"]
    assert [one.code for one in problems(job(SHARE | {"data.heldout": "ds_texts/test"}), known(50, test=0))] == [
        "heldout_labels"
    ]


def test_of_a_label_that_is_not_the_datasets_own_no_fewer_are_paid_for_than_there_are() -> None:
    columns = COLUMNS | {"topic": names(("a", "b")).model_copy(update={"missing": 10_060})}
    made = dataset({"train": prompts("train", 10_000, 50), "test": prompts("test", 100, 30)}, columns, Roles(input="text", label="label"))  # fmt: skip
    other = facts(datasets={"ds_texts": made}, endpoints={"ep_open": endpoint()})
    assert rows.counts(job(SHARE | {"data.columns.label": "topic"}), other).heldout == 4


def test_all_steps_of_a_job_divide_its_rows_alike() -> None:
    """The baselines have no teacher, and all the same its draw and its number of steps."""
    changes = SHARE | {
        "data.labelled": 0.5, "training": {"epochs": 2.0, "batch_size": 50, "select": "best"},
        "evaluation": {"baselines": ["no_teacher", "all_labels"]},
    }  # fmt: skip
    found = steps(job(changes), known(50))
    takes = {name: step.params.get("selection") or step.params.get("take") for name, step in found.items()}
    drawn = {name: dict(take) for name, take in takes.items() if take}
    assert drawn.keys() == {"answer", "train", "train.no_teacher", "train.all_labels", "grade"}
    assert {name: take.pop("labelled", 1.0) for name, take in drawn.items()} == dict.fromkeys(drawn, 0.5) | {
        "train.all_labels": 1.0
    }
    assert all(take == drawn["answer"] for take in drawn.values()) and drawn["answer"]["golden"]
    trained = {found[name].params["steps"] for name in drawn if name.startswith("train")}
    assert trained == {2 * -(-(10_000 - 5 - 4) // 50)}


def test_rows_of_their_own_are_no_draw() -> None:
    apart = steps(job(SHARE | {"data.heldout": "ds_texts/test"}), known(50, test=30))
    assert all("golden" not in step.params.get("take", step.params.get("selection", {})) for step in apart.values())


@pytest.mark.parametrize(
    ("golden", "where", "seen"),
    [(8, None, 6), (1000, ["0", "1"], 140), (1000, None, 700)],
)
def test_examples_come_of_golden_rows_that_are_left(golden: int, where: list[str] | None, seen: int) -> None:
    """Three tenths are held out; a condition leaves its share of the rest."""
    changes = SHARE | {"data.heldout": 0.3, "data.labelled": 1.0}
    changes |= {"data.where": [{"column": "label", "among": where}]} if where else {}
    assert labels_seen(job(changes), known(golden)) == seen
    found = problems(job(changes | {"data.responses.prompt.examples": 8}), known(golden))
    assert ("too_few_examples" in [problem.code for problem in found]) == (seen < 8)
