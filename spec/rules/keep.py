"""Rules about filters on a teacher's answers: each can be read, and each can drop a row."""

import re
from collections.abc import Iterator

from spec import rows
from spec.distillation import Distillation
from spec.facts import Facts
from spec.grader import Agreement, JsonSchema, Length, Regex, RowGrader
from spec.json_schema import fault
from spec.problem import Problem
from spec.responses import TeacherResponses
from spec.rules.data import one_list, unknown


def filters_have_conditions(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The condition of a filter has one list, and names a column of the training rows and values that it has."""
    train = rows.train(spec, facts)
    for param, grader in _filters(spec):
        if grader.where is not None:
            yield from one_list(grader.where, f"{param}.where")
            yield from unknown(grader.where, f"{param}.where", train)


def lengths_have_bounds(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A filter by length has a bound, and the least length is not over the largest."""
    for param, grader in _filters(spec):
        if not isinstance(grader, Length):
            continue
        if grader.max is None and grader.min == 0:
            message = "Every answer has a length of at least 0: without min or max the filter drops nothing."
            yield Problem(code="changes_nothing", message=message, param=param, hint="Set max, for instance 40.")
        if grader.max is not None and grader.min > grader.max:
            message = f"No answer has at least {grader.min:,} and at most {grader.max:,} {grader.unit}."
            yield Problem(code="length_bounds", message=message, param=f"{param}.min")


def patterns_can_be_read(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The pattern of a filter is a regular expression of Python."""
    for param, grader in _filters(spec):
        if isinstance(grader, Regex) and (why := _unreadable(grader.pattern)):
            yield Problem(code="pattern_invalid", message=why, param=f"{param}.pattern")


def _unreadable(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except re.error as error:
        place = "" if error.pos is None else f", at character {error.pos + 1:,}"
        return f"The pattern cannot be read{place}: {error.msg}."
    except (RecursionError, OverflowError):
        return "The pattern cannot be read: it is too deep, or repeats too often."
    return None


def schemas_are_schemas(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The schema of a filter is one of draft 2020-12, and refers to nothing outside of it."""
    for param, grader in _filters(spec):
        if isinstance(grader, JsonSchema) and (why := fault(grader.document)):
            yield Problem(
                code="schema_invalid", message=f"This is no schema to use here. {why}", param=f"{param}.schema"
            )


def agreement_is_of_several(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Agreement is of several answers, and asks for more than one of them."""
    responses = spec.data.responses
    for param, grader in _filters(spec):
        if not isinstance(grader, Agreement) or not isinstance(responses, TeacherResponses):
            continue
        number = responses.sampling.n
        if number < 2:
            message = "One answer always agrees with itself: sampling.n is 1."
            yield Problem(code="one_vote", message=message, param=param, hint="Set sampling.n, for instance 5.")
        elif grader.least * number <= 1:
            message = f"One of {number} answers is {1 / number:.2g} of them already: the filter drops nothing."
            yield Problem(code="changes_nothing", message=message, param=f"{param}.least")


def _filters(spec: Distillation) -> list[tuple[str, RowGrader]]:
    """(param, filter)."""
    responses = spec.data.responses
    kept = responses.keep if isinstance(responses, TeacherResponses) else ()
    return [(f"data.responses.keep[{index}]", grader) for index, grader in enumerate(kept)]


RULES = (
    filters_have_conditions,
    lengths_have_bounds,
    patterns_can_be_read,
    schemas_are_schemas,
    agreement_is_of_several,
)
