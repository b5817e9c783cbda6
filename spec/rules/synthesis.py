"""Rules about new texts: somebody writes them, they are whole rows, and there are examples to write from."""

from collections.abc import Iterator

from spec import rows
from spec.distillation import Distillation
from spec.facts import Facts
from spec.problem import Problem
from spec.prompt import own_system, template_of
from spec.responses import FILTERS, TeacherResponses, filters, judges
from spec.synthesis import fewest, instruction, most
from spec.teacher import asked
from spec.template import ANSWER, fields


def a_teacher_writes(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """New texts are written, and then answered, by a teacher behind an endpoint (`responses: teacher`)."""
    answers = isinstance(spec.data.responses, TeacherResponses) and asked(spec.teacher)
    if spec.data.synthesise is not None and not answers:
        yield Problem(
            code="nobody_writes",
            message="No teacher behind an endpoint is there to write new texts and to answer them.",
            param="data.synthesise",
            hint='Name ep_name/model in teacher.models and set data.responses to {"type": "teacher"}, or leave it out.',
        )


def new_rows_are_texts(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The input is one column of texts: a pair has no text of its own, and nobody writes arrays."""
    if spec.data.synthesise is not None and (what := rows.unlike_texts(spec, facts)) is not None:
        yield Problem(
            code="not_written",
            message=f"The input is {what}; new rows are single texts.",
            param="data.synthesise",
            hint="Leave it out, or name one column of texts as the input.",
        )


def the_question_shows_what_new_rows_have(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The template of questions shows the input alone: a new row has no other column."""
    responses, named = spec.data.responses, rows.roles(spec, facts)
    if spec.data.synthesise is None or named is None or not isinstance(responses, TeacherResponses):
        return
    shown = {"data.responses.prompt.template": template_of(responses, named.inputs, own_system(spec, facts))}
    shown |= {f"{FILTERS}[{place}].question": judge.question for place, judge in judges(responses)}
    for param, template in shown.items():
        for name in fields(template, rows.columns(spec, facts)):
            if name not in (*named.inputs, ANSWER):
                yield Problem(
                    code="template_of_old_rows",
                    message=f'The template shows "{name}", which new rows do not have.',
                    param=param,
                    hint=f"Show {' and '.join(f'{{{one}}}' for one in named.inputs) or 'the input'} alone.",
                )


def new_rows_meet_no_condition(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """New rows have no value in any column but the input: filters that all keep to some values apply to none of them."""
    graders, named = filters(spec.data.responses), rows.roles(spec, facts)
    if spec.data.synthesise is None or named is None or not graders:
        return
    conditions = [grader.where for grader in graders if grader.where is not None and grader.where.among is not None]
    if len(conditions) == len(graders) and not {one.column for one in conditions} & set(named.inputs):
        message = "No filter applies to new rows, which have no value in the columns of the conditions: all of them are dropped."
        hint = "Add a filter without a condition, or leave data.synthesise out."
        yield Problem(code="new_rows_dropped", message=message, param=FILTERS, hint=hint)


def there_are_examples(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """There are as many training rows as a call is to show."""
    wanted, count = spec.data.synthesise, rows.counts(spec, facts)
    old = count.train - count.written
    if wanted is not None and rows.train(spec, facts) is not None and old < wanted.examples:
        yield Problem(
            code="too_few_seeds",
            message=f"A call is to show {wanted.examples} texts, and there are {old:,} training rows.",
            param="data.synthesise.examples",
        )


def the_instruction_counts(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The instruction says how many texts are wanted, by `{count}`, and has no other place to fill."""
    wanted = spec.data.synthesise
    if wanted is None:
        return
    named = fields(instruction(wanted), ())
    for name in named:
        if name != "count":
            yield Problem(
                code="instruction_place",
                message=f'Nothing is known to put into "{{{name}}}".',
                param="data.synthesise.instruction",
                hint="There is {count}; the examples follow by themselves. Braces are written {{ and }}.",
            )
    if "count" not in named:
        yield Problem(
            code="instruction_count",
            message="The instruction does not say how many texts are wanted.",
            param="data.synthesise.instruction",
            hint="Put {count} where the number belongs.",
        )


def calls_reach_the_rows(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """`most_calls` are enough for the wanted rows, if every text were kept."""
    wanted = spec.data.synthesise
    if wanted is not None and most(wanted) < fewest(wanted):
        yield Problem(
            code="too_few_calls",
            message=f"{most(wanted):,} calls of {wanted.per_call} texts cannot give {wanted.rows:,} rows.",
            param="data.synthesise.most_calls",
            hint=f"Allow {fewest(wanted):,} or more, or leave it out.",
        )


def cap_bounds_a_text(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Under a cap in dollars a call for new texts has a bound, or nothing could be set aside for it."""
    wanted, named = spec.data.synthesise, asked(spec.teacher)
    known = facts.endpoints.get(named[0]) if named else None
    if wanted is None or spec.budget.usd is None or known is None or known.price is None:
        return
    if known.price.output > 0 and wanted.sampling.max_tokens is None:
        yield Problem(
            code="unbounded_answers",
            message="A cap in dollars needs a bound for each call, and synthesise.sampling.max_tokens is null.",
            param="data.synthesise.sampling.max_tokens",
            hint="Set it, for instance to 100 for each text of a call.",
        )


RULES = (
    a_teacher_writes, new_rows_are_texts, the_question_shows_what_new_rows_have, new_rows_meet_no_condition,
    there_are_examples, the_instruction_counts, calls_reach_the_rows, cap_bounds_a_text,
)  # fmt: skip
