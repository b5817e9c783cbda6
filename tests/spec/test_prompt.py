"""What `auto` in a prompt becomes, and that it stays that."""

from typing import Any

import pytest

from spec.distillation import Distillation
from spec.facts import ColumnFacts, Facts, Roles
from spec.prompt import EXAMPLES
from spec.resolve import resolve
from spec.responses import Prompt, TeacherResponses
from spec.rules import problems
from tests.spec.builders import dataset, endpoint, facts, job, names, split
from tests.spec.leaves import ASKED

ONE = {"You sort mail.": 1100}
AUTO = ASKED | {"data.responses.prompt.examples": "auto"}


def known(values: dict[str, int] | None, missing: int = 0, labelled: int = 1000) -> Facts:
    """Conversations with these system texts."""
    columns = {
        "system": ColumnFacts(kind="string", dtype="str", values=values, missing=missing),
        "text": ColumnFacts(kind="text", dtype="str"),
        "label": names(("cat", "dog")),
    }
    splits = {
        "train": split("train", 1000, labels={"cat": labelled - labelled // 2, "dog": labelled // 2}),
        "test": split("test", 100, labels={"cat": 50, "dog": 50}),
    }
    rows = dataset(splits, columns, Roles(input="text", label="label"), system="system")
    return facts(datasets={"ds_texts": rows}, endpoints={"ep_open": endpoint()})


def prompt(found: Facts, changes: dict[str, Any] = AUTO) -> Prompt:
    """As it is resolved, once and again."""
    spec: Distillation = job(changes)
    assert problems(spec, found) == ()
    resolved = resolve(spec, found)
    assert resolve(resolved, found) == resolved
    assert isinstance(resolved.data.responses, TeacherResponses)
    return resolved.data.responses.prompt


def test_a_system_text_that_all_have_in_common_goes_before_the_question() -> None:
    said = prompt(known(ONE))
    assert (
        said.system is not None and said.system.startswith("You sort mail.\n\n") and said.system.endswith("cat, dog.")
    )
    assert said.template == "{text}"


@pytest.mark.parametrize(("values", "missing"), [({"a": 600, "b": 500}, 0), ({"a": 600}, 500), (None, 0)])
def test_system_texts_that_differ_are_shown_with_their_rows(values: dict[str, int] | None, missing: int) -> None:
    said = prompt(known(values, missing))
    assert said.template == "{system}\n\n{text}"
    assert said.system is not None and said.system.startswith("Classify")


def test_where_no_row_has_a_system_text_none_is_shown() -> None:
    said = prompt(known({}, missing=1100))
    assert said.template == "{text}" and said.system is not None and said.system.startswith("Classify")


def test_what_the_job_says_itself_goes_before() -> None:
    said = prompt(
        known(ONE), AUTO | {"data.responses.prompt.system": None, "data.responses.prompt.template": "Q: {text}"}
    )
    assert said.system is None and said.template == "Q: {text}"


@pytest.mark.parametrize("name", ["Review Text", "问题"])
def test_the_question_shows_the_input_whatever_its_name(name: str) -> None:
    text = ColumnFacts(kind="text", dtype="str")
    columns = {name: text, "Its label": names(("cat", "dog")), "Second Text": text}
    rows = dataset(None, columns, Roles(input=name, label="Its label"))
    found = facts(datasets={"ds_texts": rows}, endpoints={"ep_open": endpoint()})
    assert prompt(found).template == f"{{{name}}}"
    pairs = prompt(found, AUTO | {"data.columns.input": [name, "Second Text"]})
    assert pairs.template == f"{name}: {{{name}}}\n\nSecond Text: {{Second Text}}"
    assert (pairs.system or "").startswith("Classify the pair of texts.")
    spec = job(AUTO | {"data.responses.prompt.template": f"{{{name}}} {{no column}}"})
    assert problems(spec, found) == ()


def test_as_many_examples_as_there_are_labels() -> None:
    assert prompt(known(ONE)).examples == EXAMPLES
    assert prompt(known(ONE, labelled=3), AUTO | {"data.labelled": 1.0}).examples == 3
    assert prompt(known(ONE), AUTO | {"data.responses.prompt.examples": 0}).examples == 0
