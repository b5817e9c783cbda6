"""Conversations of Bedrock and Vertex: what a line becomes, and every line that is refused, by file, line and reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from distill.data.rows import Rows
from spec.params import AnswerParams, Question, Selection
from tests.distill.runs import here, run_folder
from tests.distill.uploads import facts, inspect, jsonl

Line = dict[str, Any]


def bedrock(prompt: str, response: str | None = None, system: str | None = None) -> Line:
    turns = [{"role": "user", "content": [{"text": prompt}]}]
    turns += [{"role": "assistant", "content": [{"text": response}]}] if response is not None else []
    said = {"system": [{"text": system}]} if system is not None else {}
    return {"schemaVersion": "bedrock-conversation-2024", **said, "messages": turns}


def vertex(prompt: str, response: str | None = None, system: str | None = None) -> Line:
    turns = [{"role": "user", "parts": [{"text": prompt}]}]
    turns += [{"role": "model", "parts": [{"text": response}]}] if response is not None else []
    said = {"systemInstruction": {"parts": [{"text": system}]}} if system is not None else {}
    return {**said, "contents": turns}


@pytest.mark.parametrize("write", [bedrock, vertex])
def test_a_conversation_is_three_columns_with_their_roles(tmp_path: Path, write: Any) -> None:
    lines = [write("a cat", " animals\n", "Sort."), write("an oak", None, "Sort."), write("flint", "stones")]
    found = facts(tmp_path / "run", ("train.jsonl", jsonl(*lines)))
    assert (found.roles.input, found.roles.label, found.system) == ("prompt", "response", "system")
    assert found.splits["train"].labels == {"animals": 1, "stones": 1} and found.splits["train"].labelled == 2
    assert found.columns["prompt"].kind == "text" and found.columns["system"].values == {"Sort.": 2}
    rows = Rows.open(tmp_path / "run/outputs/train.arrow")
    assert rows.texts("prompt").to_pylist() == ["a cat", "an oak", "flint"]
    assert rows.labels == ["animals", None, "stones"] and rows.texts("system").to_pylist() == ["Sort.", "Sort.", None]


def test_pieces_are_lines_and_a_question_of_vertex_needs_no_role(tmp_path: Path) -> None:
    pieces = {"contents": [{"parts": [{"text": "one"}, {"text": "two"}]}]}
    facts(tmp_path / "run", ("train.jsonl", jsonl(pieces, vertex("b"))))
    assert Rows.open(tmp_path / "run/outputs/train.arrow").texts("prompt").to_pylist() == ["one\ntwo", "b"]


def test_the_same_rows_in_both_formats_are_the_same_rows(tmp_path: Path) -> None:
    said = [("a cat", "animals", "Sort."), ("an oak", None, "Sort.")]
    made = [
        facts(tmp_path / write.__name__, ("x.jsonl", jsonl(*(write(*one) for one in said))))
        for write in (bedrock, vertex)
    ]
    assert made[0] == made[1]


def test_an_ordinary_column_called_contents_is_one(tmp_path: Path) -> None:
    found = facts(tmp_path / "run", ("x.jsonl", jsonl({"text": "a", "contents": "b", "label": "c"})))
    assert found.roles.input == "text" and found.system is None and "contents" in found.columns


def turns(*roles: str) -> Line:
    return bedrock("x") | {"messages": [{"role": role, "content": [{"text": "x"}]} for role in roles]}


BAD: dict[str, tuple[Line, str]] = {
    "several turns": (
        turns("user", "assistant", "user"),
        "the conversation has 3 turns, and one question with its answer is read",
    ),
    "two questions": (turns("user", "user"), "messages[1].role is not 'assistant' but 'user'"),
    "an answer first": (turns("assistant"), "messages[0].role is not 'user' but 'assistant'"),
    "no turn": (bedrock("x") | {"messages": []}, "messages is not a list of turns"),
    "a blank prompt": (bedrock(" "), "messages[0] says nothing"),
    "a blank response": (bedrock("x", "\n"), "messages[1] says nothing"),
    "an image": (
        bedrock("x") | {"messages": [{"role": "user", "content": [{"image": {}}]}]},
        "messages[0].content[0] is not a text alone but image",
    ),
    "a text for texts": (
        bedrock("x") | {"messages": [{"role": "user", "content": "x"}]},
        "messages[0].content is not a list of texts",
    ),
    "another version": (
        bedrock("x") | {"schemaVersion": "bedrock-conversation-2025"},
        "schemaVersion is not 'bedrock-conversation-2024' but 'bedrock-conversation-2025'",
    ),
    "a field that is not read": (
        bedrock("x") | {"tools": []},
        "a conversation has no field 'tools', only schemaVersion, system, messages",
    ),
    "the other format": (
        vertex("x"),
        "a conversation has no field 'contents', only schemaVersion, system, messages",
    ),
    "a system text alone": (bedrock("x") | {"system": "Sort."}, "system is not a list of texts"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_line_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    line, reason = BAD[name]
    result = inspect(tmp_path / "run", [("train.jsonl", jsonl(bedrock("first"), line))])
    assert result.error is not None and result.error.code == "bad_rows"
    assert result.error.message.endswith(f"The first: train.jsonl, line 2: {reason}.")
    assert (result.error.file, result.error.line) == ("train.jsonl", 2)


def test_a_system_instruction_that_is_no_content_is_told(tmp_path: Path) -> None:
    line = json.dumps(vertex("x") | {"systemInstruction": "Sort."}) + "\n"
    result = inspect(tmp_path / "run", [("train.jsonl", line)])
    assert result.error is not None and "systemInstruction is not an object with parts" in result.error.message


def test_held_out_rows_without_a_label_are_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    lines = jsonl(bedrock("a cat", "animals"), bedrock("an oak", "plants")), jsonl(bedrock("flint"), bedrock("moss"))
    found = facts(
        tmp_path / "made", ("a.jsonl", lines[0], {"split": "train"}), ("b.jsonl", lines[1], {"split": "test"})
    )
    question = Question(endpoint="e", model="m", system=None, template="{prompt}")
    take = Selection(roles=found.roles)
    params = AnswerParams(question=question, classes=("animals", "plants"), read="text", take=take)
    outputs = tmp_path / "made/outputs"
    inputs = {"train/rows.arrow": outputs / "train.arrow", "heldout/rows.arrow": outputs / "test.arrow"}
    result = here(run_folder(tmp_path / "run", "answer", params, inputs))
    assert result.error is not None and (result.error.code, result.error.param) == ("heldout_labels", "data.heldout")
