"""Rules about filters on a teacher's answers: each can be read, and each can drop a row."""

from collections.abc import Iterator
from typing import TypeVar

from spec import rows
from spec.distillation import Distillation
from spec.facts import LISTS, Facts
from spec.grader import Agreement, JsonSchema, Judge, Length, OfRows, Regex
from spec.json_schema import fault
from spec.nearest import suggestion
from spec.pattern import unreadable
from spec.problem import Problem
from spec.responses import FILTERS, TeacherResponses, filters
from spec.rules.data import one_list, unknown
from spec.template import ANSWER, fields

T = TypeVar("T", bound=OfRows)


def filters_have_conditions(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The condition of a filter has one list, and names a column of the training rows and values that it has."""
    train = rows.train(spec, facts)
    for param, grader in _filters(spec, OfRows):
        if grader.where is not None:
            yield from one_list(grader.where, f"{param}.where")
            yield from unknown(grader.where, f"{param}.where", train)


def lengths_have_bounds(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A filter by length has a bound, and the least length is not over the largest."""
    for param, grader in _filters(spec, Length):
        if grader.max is None and grader.min == 0:
            message = "Every answer has a length of at least 0: without min or max the filter drops nothing."
            yield Problem(code="changes_nothing", message=message, param=param, hint="Set max, for instance 40.")
        if grader.max is not None and grader.min > grader.max:
            message = f"No answer has at least {grader.min:,} and at most {grader.max:,} {grader.unit}."
            yield Problem(code="length_bounds", message=message, param=f"{param}.min")


def patterns_can_be_read(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The pattern of a filter is a regular expression of Python."""
    for param, grader in _filters(spec, Regex):
        if why := unreadable(grader.pattern):
            yield Problem(code="pattern_invalid", message=why, param=f"{param}.pattern")


def schemas_are_schemas(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The schema of a filter is one of draft 2020-12, and refers to nothing outside of it."""
    for param, grader in _filters(spec, JsonSchema):
        if why := fault(grader.document):
            yield Problem(
                code="schema_invalid", message=f"This is no schema to use here. {why}", param=f"{param}.schema"
            )


def agreement_is_of_several(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Agreement is of several answers, and asks for more than one of them."""
    responses = spec.data.responses
    number = responses.sampling.n if isinstance(responses, TeacherResponses) else 1
    for param, grader in _filters(spec, Agreement):
        if number < 2:
            message = "One answer always agrees with itself: sampling.n is 1."
            yield Problem(code="one_vote", message=message, param=param, hint="Set sampling.n, for instance 5.")
        elif grader.least * number <= 1:
            message = f"One of {number} answers is {1 / number:.2g} of them already: the filter drops nothing."
            yield Problem(code="changes_nothing", message=message, param=f"{param}.least")


def judges_are_shown_the_answer(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The question to a judge shows the answer, no label, and only columns of texts or names that the training rows have."""
    train = rows.train(spec, facts)
    for place, grader in _filters(spec, Judge):
        columns = train.dataset.columns if train else {}
        named, param = fields(grader.question, columns), f"{place}.question"
        if ANSWER not in named:
            message = "The question does not show {answer}: the judge would not know what to judge."
            yield Problem(code="question_columns", message=message, param=param)
        if rows.label(spec, facts) in named:
            message = (
                f'The question shows "{rows.label(spec, facts)}", the label: gold would be among the judge\'s reasons.'
            )
            yield Problem(code="template_shows_label", message=message, param=param)
        texts = [name for name, column in columns.items() if column.kind not in LISTS]
        for name in named if train else ():
            if name != ANSWER and name not in texts:
                message = f'The training rows have no column of texts or names "{name}".'
                yield Problem(code="question_columns", message=message, param=param, hint=suggestion(name, texts))


def _filters(spec: Distillation, kind: type[T]) -> list[tuple[str, T]]:
    """(param, filter) of those of a kind."""
    places = enumerate(filters(spec.data.responses))
    return [(f"{FILTERS}[{place}]", grader) for place, grader in places if isinstance(grader, kind)]


RULES = (
    filters_have_conditions,
    lengths_have_bounds,
    patterns_can_be_read,
    schemas_are_schemas,
    agreement_is_of_several,
    judges_are_shown_the_answer,
)
