"""A judge of answers, on a made run folder and a real socket."""

import json
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.answers.side import LOT
from distill.report.asked import Filter, Kept, Tally
from distill.signals.scores import index_path
from spec.condition import Condition
from spec.facts import Roles
from spec.gateway import Answer, Asked, Told
from spec.params import AnswerParams, Judged, Question, Selection
from spec.run import Result
from tests.distill.runs import here, messages, run_folder, write_rows
from tests.distill.test_keep import ROWS, answers

__all__ = ["answers"]
LEFT = [row for row in range(ROWS) if row % 7 and row % 5]
FILTERS = (
    Filter(what="length: max 9", applied=30, dropped=2),
    Filter(what="judge: model ep_a/m", applied=0, dropped=0),
)
Say = Callable[[str], Told]


def answering(folder: Path, say: Say) -> None:
    """A gateway that says this to each question, until the child has gone."""
    listener, before = socket.socket(socket.AF_UNIX), Path.cwd()
    os.chdir(folder)
    listener.bind("gateway")
    os.chdir(before)
    listener.listen()

    def serve() -> None:
        gone = suppress(BrokenPipeError, ConnectionResetError)
        with gone, listener, listener.accept()[0] as talk, talk.makefile("rb") as lines:
            for line in lines:
                asked = Asked.model_validate_json(line)
                told = say(asked.messages[0].content).model_copy(update={"id": asked.id})
                talk.sendall(told.model_dump_json().encode() + b"\n")

    threading.Thread(target=serve, daemon=True).start()


def judged(path: Path, given: Path, say: Say, where: Condition | None = None) -> Result:
    tally = Tally.model_validate_json((given / "answers.json").read_bytes())
    kept = Kept(answered=len(LEFT) + 2, kept=len(LEFT), unmatched=0, filters=FILTERS)
    (given / "answers.json").write_text(tally.model_copy(update={"kept": kept}).model_dump_json())
    log = [json.loads(line) for line in (given / "answers.jsonl").read_text().splitlines()]
    (given / "answers.jsonl").write_text("".join(json.dumps(one | {"label": "plants"}) + "\n" for one in log))
    rows = write_rows(path / "rows.arrow", np.zeros((ROWS, 2), np.uint8), [str(row) for row in range(ROWS)])
    params = AnswerParams(
        question=Question(endpoint="e", model="m", system=None, template="Is {y} {answer}?"),
        classes=("yes", "no"),
        read="text",
        take=Selection(roles=Roles(input=None)),
        judged=Judged(place=1, where=where),
    )
    folder = run_folder(path / "judge", "answer", params, {"answers": given, "train/rows.arrow": rows})
    answering(folder, say)
    return here(folder)


def said(text: str) -> Told:
    return Told(answers=(Answer(text=text),))


def odd(question: str) -> Told:
    """No to even rows; of every eleventh it says nothing that can be read, or the call fails, for now or for good."""
    row = int(question.removeprefix("Is ").removesuffix(" plants?"))
    if row % 26 == 0:
        return Told(failed="bad_request", message="no")
    if row % 11 == 0:
        return said("Well, no and yes.") if row % 2 else Told(failed="server_error", message="down", passing=True)
    return said("Yes." if row % 2 else "no")


def read(path: Path) -> tuple[list[int], Any]:
    outputs = path / "judge/outputs"
    tally = Tally.model_validate_json((outputs / "answers.json").read_bytes())
    return np.load(outputs / index_path("train")).tolist(), tally.kept


def test_a_row_is_kept_if_the_judge_says_yes(tmp_path: Path, answers: Path) -> None:
    done = judged(tmp_path, answers, odd)
    assert (done.status, done.passing) == ("succeeded", sum(row % 22 == 0 for row in LEFT))
    rows, kept = read(tmp_path)
    passed = [row for row in LEFT if row % 2 and row % 11]
    assert rows == [row for row in range(ROWS) if row % 7 and (row % 5 == 0 or row in passed)]
    assert (kept.answered, kept.kept) == (len(LEFT) + 2, len(passed))
    unread = sum(row % 22 == 11 for row in LEFT)
    failed = sum(row % 22 == 0 or row % 26 == 0 for row in LEFT)
    one = kept.filters[1]
    assert (one.applied, one.dropped, one.unread, one.unasked) == (len(LEFT), len(LEFT) - len(passed), unread, 0)
    assert (
        one.failed == failed > done.passing > 0
        and f"({unread} neither yes nor no, {failed} without a reply)" in one.drops
    )
    assert kept.filters[0] == FILTERS[0] and all(row.by == (1,) and "judge: " in row.said for row in kept.dropped)
    log = [json.loads(line) for line in (tmp_path / "judge/outputs/answers.jsonl").read_text().splitlines()]
    assert sorted(one["row"] for one in log if one["kind"] == "dropped") == sorted(set(LEFT) - set(passed))
    assert f"keep[1] (judge: model ep_a/m) applies to {len(LEFT)} rows" in messages(tmp_path / "judge")


def test_it_is_not_asked_of_rows_to_which_it_does_not_apply(tmp_path: Path, answers: Path) -> None:
    asked: list[str] = []
    few = tuple(str(row) for row in LEFT[:3])

    def no(question: str) -> Told:
        asked.append(question)
        return said("no")

    judged(tmp_path, answers, no, Condition(column="y", among=few))
    rows, kept = read(tmp_path)
    assert sorted(asked) == sorted(f"Is {row} plants?" for row in few)
    assert (kept.kept, kept.filters[1].applied) == (len(LEFT) - 3, 3) and not set(LEFT[:3]) & set(rows)


@pytest.mark.parametrize(("yes", "code"), [(0, "over_budget"), (5, None)])
def test_a_cap_drops_what_was_not_asked(tmp_path: Path, answers: Path, yes: int, code: str | None) -> None:
    asked: list[str] = []

    def say(question: str) -> Told:
        asked.append(question)
        return said("yes") if len(asked) <= yes else Told(stop="over_budget")

    result = judged(tmp_path, answers, say)
    if code is not None:
        assert result.error is not None and (result.error.code, result.error.param) == (code, "budget.usd")
        return
    rows, kept = read(tmp_path)
    assert result.status == "stopped" and kept.kept == yes == len(set(rows) & set(LEFT))
    assert (kept.filters[1].unasked, kept.filters[1].unread) == (len(LEFT) - yes, 0)


def test_a_judge_who_says_no_to_all_leaves_nothing(tmp_path: Path, answers: Path) -> None:
    result = judged(tmp_path, answers, lambda _: said("No."))
    assert result.error is not None and result.error.code == "nothing_kept"


@pytest.mark.parametrize(("reads", "code"), [(False, "no_answers"), (True, None)])
def test_a_judge_who_cannot_be_read_is_given_up_after_a_lot(
    tmp_path: Path, answers: Path, reads: bool, code: str | None
) -> None:
    asked: list[str] = []

    def think(question: str) -> Told:
        """Every twelfth call fails for now; one verdict of the first fifty can be read, or none."""
        asked.append(question)
        if len(asked) % 12 == 0:
            return Told(failed="server_error", message="down", passing=True)
        return said("Yes." if reads and len(asked) == LOT else "Let me think")

    result = judged(tmp_path, answers, think)
    if code is None:
        assert result.status == "succeeded" and read(tmp_path)[1].kept == 1
        return
    assert result.error is not None
    assert (result.error.code, result.error.param) == (code, "data.responses.keep[1]")
    told = LOT + LOT // 11  # those that failed for now say nothing
    assert f"Of the first {told} of {len(LEFT)} rows" in result.error.message and told < len(LEFT)
    assert "judge: Let me think" in messages(tmp_path / "judge")


def test_a_judge_is_asked_of_spread_rows_first(tmp_path: Path, answers: Path) -> None:
    asked: list[int] = []

    def yes(question: str) -> Told:
        asked.append(int(question.split()[1]))
        return said("Yes.")

    judged(tmp_path, answers, yes)
    assert sorted(asked) == LEFT and asked[:LOT] == sorted(asked[:LOT], reverse=True), "as its log has them"
    assert (asked[0], asked[LOT - 1]) == (LEFT[-1], LEFT[0])
