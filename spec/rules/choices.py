"""Rules about the names that a teacher is to answer with: they can be told apart, and a prompt has room for them."""

from collections.abc import Iterator

from spec.distillation import Distillation
from spec.facts import Facts
from spec.marks import alike, readings
from spec.problem import Problem
from spec.prompt import system_of
from spec.responses import MOST_CHOICES, NONE, TeacherResponses
from spec.signature import classes, output_kind
from spec.template import LONGEST_PROMPT

CHOICES = "data.responses.choices"


def lists_are_read(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Where a row has any number of classes, an answer is a list: no log probabilities are read of it, no name has what stands between names, and no two are one but for marks or a bullet."""
    responses = spec.data.responses
    if not isinstance(responses, TeacherResponses) or output_kind(spec, facts) != "multilabel":
        return
    if responses.read == "logprobs":
        message = "Log probabilities are read of an answer with one name, and a row has any number of them."
        hint = 'Read "votes" of several answers, or "text".'
        yield Problem(code="not_for_multilabel", message=message, param="data.responses.read", hint=hint)
    listed = () if responses.structured else classes(spec, facts)
    others = alike(listed)
    for index, name in enumerate(listed):
        if set(name) & set(",;\n[]{}") or NONE in readings(name) or name in others:
            beside = f' beside "{others[name]}"' if name in others else ""
            yield Problem(
                code="choice_unlistable",
                message=f'"{name}" cannot be told apart in a list of names{beside}.',
                param=f"{CHOICES}[{index}]",
                hint="Set data.responses.structured, or give the class another name.",
            )


def choices_differ(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """No two choices are one name but for case."""
    listed = classes(spec, facts) if isinstance(spec.data.responses, TeacherResponses) else ()
    first: dict[str, int] = {}
    for index, name in enumerate(listed):
        place = first.setdefault(name.strip().casefold(), index)
        if place != index:
            message = f'"{name}" is already choices[{place}], but for case.'
            yield Problem(code="class_twice", message=message, param=f"{CHOICES}[{index}]")


def choices_are_few_enough(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The labels of all rows together are no more names than a job may list."""
    listed = classes(spec, facts) if isinstance(spec.data.responses, TeacherResponses) else ()
    if len(listed) > MOST_CHOICES:
        yield Problem(
            code="too_many_classes",
            message=f"The rows have {len(listed):,} different labels together; {MOST_CHOICES:,} are the most that a teacher chooses from.",
            param=CHOICES,
            hint="Label the rows with fewer classes.",
        )


def prompt_has_room(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The system text that `auto` stands for, which lists all choices, is no longer than one that a job may give."""
    responses = spec.data.responses
    if not isinstance(responses, TeacherResponses) or responses.prompt.system != "auto":
        return
    text = system_of(spec, facts)
    if text is not None and len(text) > LONGEST_PROMPT:
        yield Problem(
            code="prompt_too_long",
            message=f"The system text that lists all choices has {len(text):,} characters; {LONGEST_PROMPT:,} are allowed.",
            param="data.responses.prompt.system",
            hint="Write a shorter one. With data.responses.structured the schema lists the choices, and it may be null.",
        )


RULES = (choices_differ, choices_are_few_enough, lists_are_read, prompt_has_room)
