"""Rules about the terms under which teachers stand: whoever trains on their outputs has read them."""

from collections.abc import Iterator

from spec.asked import judging
from spec.distillation import Distillation
from spec.facts import EndpointFacts, Facts, ModelFacts, Standing
from spec.problem import Problem
from spec.teacher import behind
from spec.terms import standing


def standings(spec: Distillation, facts: Facts) -> tuple[Standing, ...]:
    """Of the teachers that are known, and of the judges of their answers, in the order of the job."""
    named = {model: _known(model, facts) for model in _places(spec)}
    return tuple(standing(model, known) for model, known in named.items() if known is not None)


def _places(spec: Distillation) -> dict[str, str]:
    """Everybody whose word the student learns from, and where the job names them."""
    teachers = enumerate(spec.teacher.models if spec.teacher else ())
    found = {f"{one.endpoint}/{one.model}": one.param for _, one in judging(spec)}
    return {model: f"teacher.models[{index}]" for index, model in teachers} | found


def _known(model: str, facts: Facts) -> EndpointFacts | ModelFacts | None:
    apart = behind(model)
    return facts.endpoints.get(apart[0]) if apart else facts.models.get(model)


def terms_are_accepted(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Where known terms of a teacher's host or licence, or of whoever taught it, restrict training on outputs, the job says that its owner has read them."""
    if spec.teacher is None:
        return
    held = standings(spec, facts)
    forbidding = [(one.model, terms) for one in held for terms in one.terms if terms.forbids]
    if not spec.teacher.accept_terms:
        for model, terms in forbidding:
            message = f"Forbidden by {terms.name} (of {terms.effective}), under which {model} stands: {terms.forbids}."
            hint = f"Read {terms.source}; if what you make is allowed, set it to true."
            yield Problem(code="terms_not_accepted", message=message, param="teacher.accept_terms", hint=hint)
    elif not forbidding and len(held) == len(_places(spec)):
        message = "teacher.accept_terms changes nothing here: no terms are known that ask for it."
        yield Problem(code="changes_nothing", message=message, param="teacher.accept_terms", hint="Leave it out.")


def terms_ask_for_more(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Known terms that allow training on outputs, and ask something of whoever does it."""
    for one in standings(spec, facts):
        for terms in one.terms:
            if terms.asks:
                message = f"Asked by {terms.name} (of {terms.effective}), under which {one.model} stands: {terms.asks}."
                hint = f"Read {terms.source}."
                yield Problem(code="terms_ask", message=message, param=_places(spec)[one.model], hint=hint)


RULES = (terms_are_accepted,)
WARNINGS = (terms_ask_for_more,)
