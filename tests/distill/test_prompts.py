"""Rows as questions: a place is of any column that the rows have."""

from pathlib import Path

import pyarrow as pa

from distill.answers.judging import Questions
from distill.answers.prompts import Prompts
from distill.data.canonical import Heading, digest_array, text_digests, write
from distill.data.rows import Rows
from spec.facts import ColumnFacts, Roles
from spec.params import Question

TEMPLATE = "{Review Text} is of {{{问题}}}, {no column}"


def rows(path: Path) -> Rows:
    texts = {"Review Text": ["good", None], "问题": ["what?", "{Review Text}"]}
    facts = {name: ColumnFacts(kind="text", dtype="str") for name in texts}
    columns = {name: pa.array(values, pa.large_string()) for name, values in texts.items()}
    heading = Heading(columns=facts, roles=Roles(input="问题"))
    write(path, columns, digest_array(text_digests(["what?", "{Review Text}"])), heading)
    return Rows.open(path)


def test_a_teacher_is_shown_columns_of_any_name(tmp_path: Path) -> None:
    prompts = Prompts(
        Question(endpoint="e", model="m", system=None, template=TEMPLATE), rows(tmp_path / "rows.arrow"), ()
    )
    assert prompts.text(0) == "good is of {what?}, {no column}"
    assert prompts.text(1) == " is of {{Review Text}}, {no column}"


def test_a_judge_is_shown_them_too(tmp_path: Path) -> None:
    asked = Questions(f"{TEMPLATE}: {{answer}}", rows(tmp_path / "rows.arrow")).of(0, "yes")
    assert asked[0].content == "good is of {what?}, {no column}: yes"
