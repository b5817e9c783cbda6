"""The noise of a teacher's labels by class: counted again from the log of answers, before and after filters."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.answers.noise import Log, noise, of_arrays
from distill.answers.tally import agreement
from distill.graders.wilson import Z
from distill.report.answers import section
from distill.report.asked import Asked, Kept, Noise, Share, Tally
from tests.distill.reports import report
from tests.distill.test_judging import judged, said
from tests.distill.test_keep import ROWS, answers, grader, kept

__all__ = ["answers"]
NAMES = ("animals", "plants", "stones", "stars")
DRAW = np.random.default_rng(4)
GOLD = DRAW.integers(0, 3, 200)
SAID = np.where(DRAW.random(200) < 0.7, GOLD, DRAW.integers(0, 3, 200))
LOGS = np.full((200, 4), -3.0, np.float32)
LOGS[np.arange(200), SAID] = -0.1


def is_wilson(found: Share | None, part: int, whole: int) -> bool:
    """The bounds are the shares from which the observed one lies just Z standard errors of theirs away (Wilson 1927)."""
    assert found is not None and found.value == part / whole
    return (
        all(
            (found.value - bound) ** 2 == pytest.approx(Z * Z * bound * (1 - bound) / whole, abs=1e-12)
            for bound in (found.low, found.high)
        )
        and found.low <= found.value <= found.high
    )


def matches(found: Noise, pairs: list[tuple[str, str]], names: tuple[str, ...]) -> bool:
    """Whether it is what these pairs of gold and answer give, counted one by one."""
    for name, one in zip(names, found.classes, strict=True):
        gold, told = [b for a, b in pairs if a == name], [a for a, b in pairs if b == name]
        assert (one.gold, one.said, one.right) == (len(gold), len(told), gold.count(name))
        assert is_wilson(one.of_gold, gold.count(name), len(gold)) if gold else one.of_gold is None
        assert is_wilson(one.of_said, told.count(name), len(told)) if told else one.of_said is None
    wrong = Counter((a, b) for a, b in pairs if a != b)
    assert {(names[one.gold], names[one.said]): one.rows for one in found.confused} == wrong
    assert is_wilson(found.right, sum(a == b for a, b in pairs), len(pairs))
    return found.rows == len(pairs)


def test_answers_are_counted_against_gold() -> None:
    gold = np.where(np.arange(200) % 4 == 0, -1, GOLD)
    found = agreement(LOGS, gold)
    assert found is not None and found.noise is not None and found.noise.right.value == found.accuracy
    pairs = [(NAMES[a], NAMES[b]) for a, b in zip(gold.tolist(), SAID.tolist(), strict=True) if a >= 0]
    assert matches(found.noise, pairs, NAMES)
    assert [one.rows for one in found.noise.confused] == sorted(
        (one.rows for one in found.noise.confused), reverse=True
    )
    assert agreement(LOGS, np.full(200, -1)) is None


def test_lists_are_counted_class_by_class() -> None:
    gold = np.array([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 0]])
    odds = np.array([[2, -2, -2, 2], [2, -2, -2, -2], [-2, 2, -2, -2]], np.float32)
    found = noise(of_arrays(odds, gold), 4, several=True)
    assert found is not None and (found.right.value, found.confused) == (1 / 3, ())
    assert [(one.gold, one.said, one.right) for one in found.classes] == [(2, 2, 1), (1, 1, 1), (0, 0, 0), (1, 1, 1)]
    log = Log(NAMES)
    for row, truth in zip(odds > 0, gold == 1, strict=True):
        log.add({"label": [NAMES[i] for i in np.flatnonzero(row)], "gold": [NAMES[i] for i in np.flatnonzero(truth)]})
    assert log.noise() == found


def labelled(folder: Path) -> list[dict[str, Any]]:
    """Lines of a log, with gold for two rows of three; as many names as the tally of these tests has."""
    lines = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    for line in lines:
        row = line["row"]
        line |= {
            "label": ("plants", "animals")[row % 5 % 2],
            "gold": ("animals", "plants")[row % 2] if row % 3 else None,
        }
    (folder / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    tally = Tally.model_validate_json((folder / "answers.json").read_bytes())
    (folder / "answers.json").write_text(tally.model_copy(update={"classes": NAMES}).model_dump_json())
    return lines


def left(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (one["gold"], one["label"])
        for one in lines
        if one["gold"] and (one["side"], one["kind"]) == ("train", "answered")
    ]


def test_what_filters_have_left_is_counted_again(tmp_path: Path, answers: Path) -> None:
    before = left(labelled(answers))
    result = kept(tmp_path, answers, grader(type="regex", pattern="ok"))
    outputs = tmp_path / "keep/outputs"
    told = Tally.model_validate_json((outputs / "answers.json").read_bytes()).kept
    after = left([json.loads(line) for line in (outputs / "answers.jsonl").read_text().splitlines()])
    assert told is not None and told.noise is not None and 0 < len(after) < len(before) < ROWS
    assert matches(told.noise, after, NAMES)
    assert result.summary["noise"]["rows"] == len(after)
    assert result.summary["noise"]["classes"][0] == told.noise.classes[0].model_dump(include={"gold", "said", "right"})


def test_so_is_what_a_judge_has_left(tmp_path: Path, answers: Path) -> None:
    labelled(answers)
    judged(tmp_path, answers, lambda question: said("yes" if int(question.split()[1]) % 4 else "no"))
    outputs = tmp_path / "judge/outputs"
    found = Tally.model_validate_json((outputs / "answers.json").read_bytes())
    after = left([json.loads(line) for line in (outputs / "answers.jsonl").read_text().splitlines()])
    assert found.kept is not None and found.kept.noise is not None and after
    assert matches(found.kept.noise, after, NAMES)


def test_the_report_says_it_before_and_after() -> None:
    gold = agreement(LOGS, GOLD)
    after = noise(of_arrays(LOGS[:60], GOLD[:60]), 4, several=False)
    part = Asked(asked=200, kinds={"answered": 200}, outside=0.0, gold=gold)
    shown = Kept(answered=200, kept=60, unmatched=0, filters=(), noise=after)
    tally = Tally(model="m", read="text", samples=1, classes=("<b>", *NAMES[1:]), parts={"train": part}, kept=shown)
    html = str(section(report().model_copy(update={"answers": tally, "endpoint": "ep_a/m"})))
    assert gold is not None and gold.noise is not None and after is not None
    one, other = gold.noise.classes[1], after.classes[1]
    assert one.of_gold is not None and other.of_said is not None and other.of_gold is not None
    for words in (
        f"{100 * one.of_gold.value:.1f} [{100 * one.of_gold.low:.1f}, {100 * one.of_gold.high:.1f}]",
        f"{100 * other.of_gold.value:.1f} [{100 * other.of_gold.low:.1f}, {100 * other.of_gold.high:.1f}]",
        f"{100 * other.of_said.value:.1f} [{100 * other.of_said.low:.1f}, {100 * other.of_said.high:.1f}]",
        f"Of 200 training rows with gold {100 * gold.accuracy:.1f}% [",
        "of the 60 that the filters have left",
        "&lt;b&gt;",
    ):
        assert words in html, words
    bare = tally.model_copy(update={"parts": {"train": part.model_copy(update={"gold": None})}})
    assert "class by class" not in str(section(report().model_copy(update={"answers": bare, "endpoint": "ep_a/m"})))
