"""Rules about a teacher behind an endpoint: it answers, it is asked what it can answer, and the cap can be held."""

from collections.abc import Iterator

from spec import rows
from spec.asked import everybody
from spec.bill import able
from spec.bills import WHY, bills
from spec.distillation import Distillation
from spec.facts import LISTS, Capabilities, Facts
from spec.money import dollars
from spec.nearest import suggestion
from spec.problem import Problem
from spec.prompt import examples_of, labels_seen, template_of
from spec.responses import TeacherResponses
from spec.rows import RowSet
from spec.signature import classes
from spec.teacher import asked, behind
from spec.template import fields


def one_kind_of_teacher(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Models that we hold score together; an endpoint answers alone."""
    models = spec.teacher.models if spec.teacher else ()
    for index, model in enumerate(models):
        if behind(model) and len(models) > 1:
            message = f"{model} is behind an endpoint, and the job names {len(models)} teachers."
            yield Problem(
                code="one_endpoint",
                message=message,
                param=f"teacher.models[{index}]",
                hint="Name one model behind an endpoint, or models that we hold.",
            )


def endpoints_answer(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """An endpoint teaches by answering (`responses: teacher`), and nobody else answers yet."""
    answers = isinstance(spec.data.responses, TeacherResponses)
    if asked(spec.teacher) and not answers:
        yield Problem(
            code="endpoint_answers",
            message="A model behind an endpoint cannot score given rows: it can only answer.",
            param="data.responses",
            hint='Set data.responses to {"type": "teacher"}.',
        )
    if answers and not asked(spec.teacher):
        yield Problem(
            code="nobody_answers",
            message="data.responses asks the teacher for answers, and no teacher is behind an endpoint.",
            param="data.responses",
            hint="Name ep_name/model in teacher.models, or leave responses out.",
        )


def model_is_served(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The endpoint lists the model, where it lists any, or has answered as it: an alias or a deployment answers and is in no list."""
    for one in everybody(spec):
        known = one.known(facts)
        if known and known.models and one.model not in (*known.models, *known.probed):
            yield Problem(
                code="no_such_model",
                message=f'{one.endpoint} serves no model "{one.model}".',
                param=one.param,
                hint=suggestion(one.model, known.models),
            )


def what_was_not_probed_is_not_asked(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Log probabilities and structured outputs are asked only of a model that was seen to give them."""
    responses, seen = spec.data.responses, able(spec, facts)
    named = asked(spec.teacher)
    if seen is None or named is None or not isinstance(responses, TeacherResponses):
        return
    hint = f'Probe it: POST /v1/endpoints/{named[0]}/probe {{"model": "{named[1]}"}}.'
    if responses.read == "logprobs" and not seen.top_logprobs:
        message = f"{named[0]}/{named[1]} was not seen to give log probabilities."
        yield Problem(code="not_probed", message=message, param="data.responses.read", hint=hint)
    if responses.structured and not seen.structured:
        message = f"{named[0]}/{named[1]} was not seen to keep to a JSON schema."
        yield Problem(code="not_probed", message=message, param="data.responses.structured", hint=hint)


def who_is_streamed_streams(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Where an endpoint's replies are asked for as a stream, each model that the job asks was seen to stream."""
    for one in everybody(spec):
        known = one.known(facts)
        if known and known.streamed and not known.probed.get(one.model, Capabilities()).streaming:
            probe = f'POST /v1/endpoints/{one.endpoint}/probe {{"model": "{one.model}"}}'
            yield Problem(
                code="not_probed",
                message=f"{one.endpoint} is asked by stream, and {one.model} was not seen to stream.",
                param=one.param,
                hint=f"Probe it ({probe}), or PATCH the endpoint with limits.stream_idle null.",
            )


def batches_are_answered(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Batches are sent to an endpoint that was seen to have an API for them, on a wire that has one here."""
    if spec.teacher is None or not spec.teacher.batch:
        return
    param, named = "teacher.batch", asked(spec.teacher)
    if named is None:
        message = "teacher.batch changes nothing here: no teacher is behind an endpoint."
        yield Problem(code="changes_nothing", message=message, param=param, hint="Leave it out.")
        return
    known, seen = facts.endpoints.get(named[0]), able(spec, facts)
    if known is not None and known.wire != "openai":
        message = f"{named[0]} speaks Anthropic's wire, on which calls are made one by one here."
        yield Problem(code="no_batches", message=message, param=param, hint="Leave teacher.batch out.")
    elif seen is not None and not seen.batch:
        message = f"{named[0]}/{named[1]} was not seen to have a batch API."
        hint = f'Probe it: POST /v1/endpoints/{named[0]}/probe {{"model": "{named[1]}"}}; or leave teacher.batch out.'
        yield Problem(code="not_probed", message=message, param=param, hint=hint)


def reading_fits(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Votes need several answers, and several answers are votes; the tokens of a choice are not those of JSON."""
    responses = spec.data.responses
    if not isinstance(responses, TeacherResponses):
        return
    if responses.read == "votes" and responses.sampling.n < 2:
        message = "One answer is no vote: sampling.n is 1."
        yield Problem(
            code="one_vote", message=message, param="data.responses.sampling.n", hint="Set n, for instance 5."
        )
    if responses.read in ("logprobs", "text") and responses.sampling.n > 1:
        yield Problem(
            code="changes_nothing",
            message=f"{responses.sampling.n} answers a row change nothing where {responses.read} is read of one.",
            param="data.responses.sampling.n",
            hint='Leave n out, or read "votes".',
        )
    if responses.read == "logprobs" and responses.structured:
        message = (
            "Log probabilities are read at the first tokens of a choice, and a structured answer begins with JSON."
        )
        yield Problem(code="structured_logprobs", message=message, param="data.responses.structured")


def template_shows_the_row(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The template names columns of texts or names that all rows have, and no label: the answer would stand in the question. `auto` shows every input."""
    responses, train = spec.data.responses, rows.train(spec, facts)
    if not isinstance(responses, TeacherResponses) or train is None:
        return
    param = "data.responses.prompt.template"
    if responses.prompt.template == "auto":
        yield from _auto_shows_the_input(spec, facts, responses, train)
        return
    named = fields(responses.prompt.template, rows.columns(spec, facts))
    if not named:
        message = "The template shows nothing of the row: every question would be the same."
        yield Problem(code="template_columns", message=message, param=param, hint="Name a column, such as {text}.")
    for one in rows.row_sets(spec, facts):
        for name in named:
            column = one.dataset.columns.get(name)
            if column is None or column.kind in LISTS:
                what = "has no column" if column is None else "cannot be shown in words by its column"
                texts = [other for other, kind in one.dataset.columns.items() if kind.kind not in LISTS]
                message = f'{one.reference} {what} "{name}".'
                yield Problem(code="template_columns", message=message, param=param, hint=suggestion(name, texts))
    if rows.label(spec, facts) in named:
        message = f'The template shows "{rows.label(spec, facts)}", the label: the answer would stand in the question.'
        yield Problem(code="template_shows_label", message=message, param=param)


def _auto_shows_the_input(
    spec: Distillation, facts: Facts, responses: TeacherResponses, train: RowSet
) -> Iterator[Problem]:
    param, column = "data.responses.prompt.template", rows.input_column(spec, facts, train)
    if column is not None and column.kind in ("array", "image"):
        message = f"The input is {column.kind} values, which no prompt can show."
        yield Problem(code="template_columns", message=message, param=param, hint="Name columns of texts.")
    named = rows.roles(spec, facts)
    inputs = named.inputs if named else ()
    shown = fields(template_of(responses, inputs), train.dataset.columns)
    for name in inputs:
        if name in train.dataset.columns and name not in shown:
            message = f'No template can show column "{name}", whose name has braces.'
            yield Problem(code="template_columns", message=message, param=param, hint="Give it another name.")


def examples_have_labels(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """There are as many labelled training rows as examples are to be shown."""
    responses = spec.data.responses
    if not isinstance(responses, TeacherResponses) or rows.train(spec, facts) is None:
        return
    seen, shown = labels_seen(spec, facts), examples_of(spec, facts)
    if shown > seen:
        yield Problem(
            code="too_few_examples",
            message=f"{shown} examples are to be shown, and {seen:,} training rows have labels that may be seen.",
            param="data.responses.prompt.examples",
            hint="Fewer, or labelled rows among the training rows: held-out rows are never shown.",
        )


def answers_suit_the_rows(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Rows that are asked about are not jittered: no prompt shows a copy."""
    if spec.data.jitter is not None and isinstance(spec.data.responses, TeacherResponses):
        message = "The teacher answers rows, and has no answers for jittered copies."
        yield Problem(code="jitter_unscored", message=message, param="data.augment", hint="Leave augment out.")


def labels_are_balanced_by_nothing(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Bias correction needs gold labels to know what is absent, and answers are on every row."""
    if spec.training.bias_correction and isinstance(spec.data.responses, TeacherResponses):
        message = "bias_correction is for classes that the rows lack; the teacher answers with any of them."
        yield Problem(code="changes_nothing", message=message, param="training.bias_correction", hint="Leave it out.")


def cap_bounds_a_call(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Under a cap in dollars an answer has a bound, or nothing could be set aside for it."""
    for one in everybody(spec) if isinstance(spec.data.responses, TeacherResponses) else ():
        known = one.known(facts)
        if known is None or known.price is None:
            continue
        if spec.budget.usd is not None and known.price.output > 0 and one.sampling.max_tokens is None:
            yield Problem(
                code="unbounded_answers",
                message="A cap in dollars needs a bound for each answer, and sampling.max_tokens is null.",
                param=f"{one.sampling_param}.max_tokens",
                hint="Set it, for instance to 16 for class names.",
            )


def preview_has_answers(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A preview shows a teacher's answers: without one there is nothing to approve."""
    if spec.budget.preview is not None and not isinstance(spec.data.responses, TeacherResponses):
        message = "budget.preview changes nothing here: no teacher answers."
        yield Problem(code="changes_nothing", message=message, param="budget.preview", hint="Leave it out.")


def cap_covers_answers(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """`budget.usd` covers what cannot be cut: answers for held-out rows, and a first few for training; where there is a judge, all answers."""
    if spec.budget.usd is None or rows.train(spec, facts) is None or len(classes(spec, facts)) < 2:
        return
    expected = bills(spec, facts)
    if expected is not None and spec.budget.usd < expected.minimum / 1e6:
        least = dollars(expected.minimum / 1e6, up=True)
        yield Problem(
            code="cap_too_small",
            message=f"A cap of {dollars(spec.budget.usd)} does not cover the {least} that the job needs at least.",
            param="budget.usd",
            hint=f"Allow {least} or more, or hold out fewer rows. {WHY}",
        )


def cap_has_something_to_pay(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A cap in dollars on an endpoint needs its price: without one every call is booked at nothing."""
    for endpoint in dict.fromkeys(one.endpoint for one in everybody(spec)):
        known = facts.endpoints.get(endpoint)
        if spec.budget.usd is not None and known is not None and known.price is None:
            yield Problem(
                code="price_unknown",
                message=f"{endpoint} has no price, so a cap in dollars cannot be held.",
                param="budget.usd",
                hint=f"PATCH /v1/endpoints/{endpoint} with its price, or leave the cap out.",
            )


RULES = (
    one_kind_of_teacher, endpoints_answer, model_is_served, what_was_not_probed_is_not_asked, who_is_streamed_streams, batches_are_answered, reading_fits,
    template_shows_the_row, examples_have_labels, answers_suit_the_rows, labels_are_balanced_by_nothing, cap_bounds_a_call,
    cap_has_something_to_pay, cap_covers_answers, preview_has_answers,
)  # fmt: skip
