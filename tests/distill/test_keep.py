"""Filters on a teacher's answers: each grader, the rule by which a row is kept, and the step on a made run folder."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import TypeAdapter

from distill.answers.filters import Filters
from distill.answers.graders import Given, check_of
from distill.answers.patience import TooLong, within
from distill.report.answers import section
from distill.report.asked import Asked, Kept, Tally
from distill.signals.scores import SHARD, Scores, index_path, shard_path
from spec.grader import RowGrader
from spec.params import KeepParams
from spec.run import Result
from tests.distill.reports import report
from tests.distill.runs import here, messages, run_folder, write_rows

GRADER: TypeAdapter[Any] = TypeAdapter(RowGrader)
CLASSES = ("animals", "plants")
OBJECT = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/a"}},
    "required": ["a"],
    "$defs": {"a": {"type": "integer"}},
}


def grader(**told: Any) -> Any:
    return GRADER.validate_python(told)


@pytest.mark.parametrize(
    ("told", "passing", "failing"),
    [
        ({"type": "length", "min": 2, "max": 3}, ["äö", "abc"], ["a", "abcd", ""]),
        ({"type": "length", "min": 2}, ["ab", "a" * 60_000], ["a"]),
        ({"type": "length", "max": 2, "unit": "words"}, ["", "one", " two  words\n"], ["not two words"]),
        ({"type": "regex", "pattern": "ca[tr]"}, ["a cat", "cars"], ["CAT", "dog"]),
        ({"type": "regex", "pattern": "ca[tr]", "match": "full"}, ["cat", "car"], ["a cat", "cars", "cat\n"]),
        ({"type": "regex", "pattern": "(?s)(?!.*sorry).*", "match": "full"}, ["yes\nno"], ["yes\nsorry"]),
        ({"type": "json_schema", "schema": OBJECT}, ['{"a": 1}', ' {"a":2, "b": []}\n'], ['{"a": 1.5}', "{}", "a", '{"a": 1} b', ""]),
        ({"type": "json_schema", "schema": {}}, ["1", "null"], ["NaN", "-Infinity", "[" * 50_000, "1" * 5000]),
        ({"type": "json_schema", "schema": {"$ref": "#"}}, [], ["1"]),
        ({"type": "json_schema", "schema": {"multipleOf": 0.5}}, ["1.5"], ["1.7", "1" * 400]),
    ],
)  # fmt: skip
def test_a_grader_reads_the_text(told: dict[str, Any], passing: list[str], failing: list[str]) -> None:
    passes = check_of(grader(**told))
    assert [text for text in passing if not passes(Given(texts=(text,)))] == []
    assert [text for text in failing if passes(Given(texts=(text,)))] == []


def tester_several_answers_each_must_pass() -> None:
    passes = check_of(grader(type="length", max=3))
    assert passes(Given(texts=("cat", "dog"), votes=1)) and not passes(Given(texts=("cat", "horse"), votes=1))


@pytest.mark.parametrize(("least", "votes", "kept"), [(0.6, 3, True), (0.6, 2, False), (1.0, 5, True), (1.0, 4, False)])
def test_agreement_is_a_share_of_all_answers(least: float, votes: int, kept: bool) -> None:
    assert check_of(grader(type="agreement", least=least))(Given(texts=("",) * 5, votes=votes)) == kept


def test_what_computes_without_an_end_is_ended() -> None:
    passes = check_of(grader(type="regex", pattern="(a+)+$"))
    with pytest.raises(TooLong), within(0.05):
        passes(Given(texts=("a" * 40 + "b",)))


SHORT, WORD = grader(type="length", max=6), grader(type="regex", pattern="a", where={"column": "y", "among": ["1"]})


@pytest.mark.parametrize(
    ("graders", "row", "text", "expected"),
    [
        ([SHORT], 0, "cat", ()),
        ([SHORT], 0, "elephant", (0,)),
        ([SHORT, WORD], 1, "cat", ()),
        ([SHORT, WORD], 1, "dog", (1,)),
        ([SHORT, WORD], 1, "tortoise", (0, 1)),
        ([SHORT, WORD], 0, "dog", ()),
        ([WORD], 0, "cat", None),
        ([WORD], 1, "cat", ()),
    ],
)
def test_a_row_is_kept_if_a_filter_applies_and_all_that_apply_pass(
    graders: list[Any], row: int, text: str, expected: tuple[int, ...] | None
) -> None:
    applies = [None if one.where is None else np.array([False, True]) for one in graders]
    filters = Filters(graders, applies)
    assert filters.take(row, Given(texts=(text,))) == expected
    assert (filters.dropped, filters.unmatched) == (int(expected != ()), int(expected is None))


ROWS = 100
SAID = ["ok", "a long answer", "ok", "no"]
"""Of each training row, in turn."""


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """As `answer` leaves them: a share of the training file is held out (each fifth row), and each seventh was not answered."""
    folder = tmp_path / "answered"
    rows = np.array([row for row in range(ROWS) if row % 7], dtype=np.int64)
    for part in ("train", "heldout"):
        (folder / f"teacher.0/{part}").mkdir(parents=True)
        (folder / part).mkdir()
    np.save(folder / index_path("train"), rows)
    np.save(folder / shard_path(0, "train", 0), scores(rows))
    np.save(folder / index_path("heldout"), np.arange(3))
    np.save(folder / shard_path(0, "heldout", 0), scores(np.arange(3)))
    lines = [line(row) for row in reversed(range(ROWS))]
    (folder / "answers.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    kinds = {"answered": sum(one["side"] == "train" and one["kind"] == "answered" for one in lines)}
    side = Asked(asked=ROWS, kinds=kinds, outside=0.0, gold=None)
    tally = Tally(model="m", read="text", samples=1, classes=CLASSES, parts={"heldout": side, "train": side})
    (folder / "answers.json").write_text(tally.model_dump_json())
    return folder


def scores(rows: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Each row's tell which row it is."""
    return np.stack([rows, -rows], axis=1).astype(np.float32)


def line(row: int) -> dict[str, Any]:
    side, kind = "heldout" if row % 5 == 0 else "train", "answered" if row % 7 else "empty"
    return {"side": side, "row": row, "kind": kind, "label": None, "answers": [SAID[row % 4]], "finish_reason": "stop"}


def kept(path: Path, answers: Path, *graders: Any, **context: float) -> Result:
    rows = write_rows(path / "rows.arrow", np.zeros((ROWS, 2), np.uint8), [str(row % 3) for row in range(ROWS)])
    inputs, params = {"answers": answers, "train/rows.arrow": rows}, KeepParams(graders=graders)
    return here(run_folder(path / "keep", "keep", params, inputs, context=context))


def test_a_step_writes_what_was_kept_and_counts_the_rest(tmp_path: Path, answers: Path) -> None:
    some = grader(type="regex", pattern="ok|long", where={"column": "y", "not_among": ["0"]})
    result = kept(tmp_path, answers, grader(type="length", max=5, where={"column": "y", "among": ["0", "1"]}), some)
    outputs = tmp_path / "keep/outputs"
    train = [row for row in range(ROWS) if row % 7 and row % 5]
    long = [row for row in train if row % 4 == 1 and row % 3 < 2]  # the first does not apply to the label 2
    no = [row for row in train if row % 4 == 3 and row % 3]  # the second does not apply to the label 0
    left = [row for row in range(ROWS) if row % 7 and row not in (*long, *no)]
    assert np.load(outputs / "train/rows.npy").tolist() == left
    found = Scores(outputs, 1, tmp_path).gather(("train",), np.array(left))[:, 0]
    assert np.array_equal(found, scores(np.array(left)))
    for path in ("heldout/rows.npy", "teacher.0/heldout/00000.npy"):
        assert (outputs / path).read_bytes() == (answers / path).read_bytes()
    told = Tally.model_validate_json((outputs / "answers.json").read_bytes()).kept
    assert told is not None and (told.answered, told.kept, told.unmatched) == (
        len(train),
        len(train) - len(long) - len(no),
        0,
    )
    assert [(one.applied, one.dropped) for one in told.filters] == [
        (sum(row % 3 < 2 for row in train), len(long)),
        (sum(row % 3 > 0 for row in train), len(no)),
    ]
    assert {one.by for one in told.dropped} == {(0,), (1,)}
    assert all(one.row in (long if one.by == (0,) else no) for one in told.dropped)
    log = [json.loads(one) for one in (outputs / "answers.jsonl").read_text().splitlines()]
    assert sorted(one["row"] for one in log if one["kind"] == "dropped") == sorted(long + no) and len(log) == ROWS
    assert result.summary["kept"] == told.kept and f"drops {len(long)}." in messages(tmp_path / "keep")


def test_a_row_to_which_no_filter_applies_is_dropped_and_counted(tmp_path: Path, answers: Path) -> None:
    result = kept(tmp_path, answers, grader(type="length", max=99, where={"column": "y", "among": ["2"]}))
    train = [row for row in range(ROWS) if row % 7 and row % 5]
    assert result.summary["kept"] == sum(row % 3 == 2 for row in train)
    assert result.summary["unmatched"] == sum(row % 3 < 2 for row in train)
    written = np.load(tmp_path / "keep/outputs/train/rows.npy").tolist()
    assert written == [row for row in range(ROWS) if row % 7 and (row % 5 == 0 or row % 3 == 2)]
    assert "no filter applies" in messages(tmp_path / "keep")


def test_filters_that_drop_everything_are_an_error(tmp_path: Path, answers: Path) -> None:
    result = kept(tmp_path, answers, grader(type="regex", pattern="never"))
    assert result.status == "failed" and result.error is not None and result.retry == "never"
    assert (result.error.code, result.error.param) == ("nothing_kept", "data.responses.keep")
    assert "regex: pattern never" in result.error.message and "ok (keep[0])" in messages(tmp_path / "keep")


def test_a_pattern_without_an_end_fails_the_step(tmp_path: Path, answers: Path) -> None:
    log = answers / "answers.jsonl"
    log.write_text(log.read_text().replace('"ok"', f'"{"a" * 40}b"'))
    hopeless = grader(type="regex", pattern="(a+)+$")
    result = kept(tmp_path, answers, grader(type="length", max=99), hopeless, filter_seconds=0.05)
    assert result.error is not None
    assert (result.error.code, result.error.param) == ("filter_too_slow", "data.responses.keep[1].pattern")


def test_filters_that_are_slow_on_every_row_end_the_step(tmp_path: Path, answers: Path) -> None:
    """Each answer for itself is soon read: together they may compute for as long as a step of so many rows is allowed, and no longer."""
    log = answers / "answers.jsonl"
    log.write_text(log.read_text().replace('"ok"', f'"{"a" * 22}b"'))
    slow = grader(type="regex", pattern="(a+)+$")
    began = time.process_time()
    result = kept(tmp_path, answers, grader(type="length", max=99), slow, filter_seconds=99)
    assert result.error is not None and result.retry == "never"
    assert (result.error.code, result.error.param) == ("filter_too_slow", "data.responses.keep[1].pattern")
    assert "on all rows they may take 1.6." in result.error.message and time.process_time() - began < 8


def test_scores_of_many_rows_are_cut_into_shards_anew(tmp_path: Path, answers: Path) -> None:
    rows = np.arange(2 * SHARD, dtype=np.int64)
    np.save(answers / index_path("train"), rows)
    for shard in range(2):
        np.save(answers / shard_path(0, "train", shard), scores(rows[shard * SHARD : (shard + 1) * SHARD]))
    kept(tmp_path, answers, grader(type="length", max=5))
    left, outputs = np.load(tmp_path / "keep/outputs/train/rows.npy"), tmp_path / "keep/outputs"
    assert len(left) < 2 * SHARD
    assert len(np.load(outputs / shard_path(0, "train", 0))) == SHARD
    assert np.array_equal(Scores(outputs, 1, tmp_path).gather(("train",), left)[:, 0], scores(left))


def test_the_report_shows_what_was_dropped() -> None:
    told = {"what": "length: max 5", "applied": 9, "dropped": 6, "unread": 1, "failed": 3, "unasked": 2}
    shown = Kept(answered=10, kept=3, unmatched=1, filters=[told], dropped=[{"row": 7, "by": [0], "said": "<b>long"}])
    part = Asked(asked=10, kinds={"answered": 10}, outside=0.0, gold=None)
    tally = Tally(model="m", read="text", samples=1, classes=CLASSES, parts={"train": part}, kept=shown)
    html = str(section(report().model_copy(update={"answers": tally, "endpoint": "ep_a/m"})))
    for words in (
        "length: max 5",
        "keep[0]",
        "no filter applies",
        "training row 7",
        "&lt;b&gt;long",
        "10 answered",
        "6 (1 neither yes nor no, 3 without a reply, 2 not asked)",
    ):
        assert words in html
