"""Rows that cannot be used: told with their places, counted, left out where that is allowed."""

from pathlib import Path

from distill.data.rows import Rows
from spec.facts import DatasetFacts
from tests.distill.uploads import facts, inspect, jsonl

BAD = b"""{"x": [1, 2], "y": 1}
{"x": [1], "y": 1}
{"x": [1, "a"], "y": 1}
{"x": [1, NaN], "y": 1}
{"y": 2}
{"x": [[1], [2, 3]]}
nope
[1]
{"x": [3, 4], "y": 2.5}
{"x": [3, 4], "y": null}
{"x": [1e39, 0]}
{"x": [true, false]}
{"x": [1, 2], "late": 1}
{"x": [1, 2], "y": "\\u0000"}
"""


def test_bad_rows_are_told_with_file_line_and_reason(tmp_path: Path) -> None:
    result = inspect(tmp_path / "a", [("rows.jsonl", BAD)])
    assert (
        result.error and result.error.code == "bad_rows" and (result.error.file, result.error.line) == ("rows.jsonl", 2)
    )
    assert result.error.message.startswith("11 of 14 rows cannot be used.")
    assert "allow_bad_rows" in (result.error.hint or "")
    told = {problem["line"]: problem["message"] for problem in result.summary["problems"][1:]}
    assert told == {
        2: "rows.jsonl, line 2: column 'x' has shape [1], other rows [2].",
        3: "rows.jsonl, line 3: column 'x' is not a number: \"[1, 'a']\".",
        4: "rows.jsonl, line 4: column 'x' has a value that is no finite 32-bit number.",
        5: "rows.jsonl, line 5: column 'x' is missing.",
        6: "rows.jsonl, line 6: column 'x' is ragged: its lists differ in length.",
        7: "rows.jsonl, line 7: the line is not JSON: Expecting value at column 1.",
        8: "rows.jsonl, line 8: the line is not an object but list.",
        9: "rows.jsonl, line 9: label 2.5 is neither text nor a whole number.",
        11: "rows.jsonl, line 11: column 'x' has a value that is no finite 32-bit number.",
        12: "rows.jsonl, line 12: column 'x' is not a number: '[True, False]'.",
        14: "rows.jsonl, line 14: the line has a text that is no Unicode, or has a NUL.",
    }


def test_bad_rows_may_be_left_out(tmp_path: Path) -> None:
    found = facts(tmp_path / "a", ("rows.jsonl", BAD), allow_bad_rows=True)
    assert found.splits["train"].rows == 3 and found.bad_rows_total == 11 and len(found.bad_rows) == 11


def test_twenty_are_told_and_all_are_counted(tmp_path: Path) -> None:
    lines = [{"x": [1, 2]}] * 3 + [{"x": [1]}] * 100 + [{"x": [1, 2]}] * 200
    found: DatasetFacts = facts(tmp_path / "a", ("rows.jsonl", jsonl(*lines)), allow_bad_rows=True)
    assert found.bad_rows_total == 100 and [problem.line for problem in found.bad_rows] == list(range(4, 24))


def test_ranges_count_bad_rows_too(tmp_path: Path) -> None:
    lines = jsonl({"x": [0]}, {"x": [1, 1]}, {"x": [2]}, {"x": [3]})
    facts(tmp_path / "a", ("r.jsonl", lines), allow_bad_rows=True, splits={"train": [0, 3], "test": [3, 4]})
    assert Rows.open(tmp_path / "a/outputs/train.arrow").inputs.tolist() == [[0], [2]]
    assert Rows.open(tmp_path / "a/outputs/test.arrow").inputs.tolist() == [[3]]
