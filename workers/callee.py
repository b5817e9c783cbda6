"""An endpoint of the database as the gateway takes it: its key, its limits, its price, what it can do."""

from gateway.form import Form
from gateway.reply import Sampling
from gateway.seal import Keyring, Sealed, Unsealable
from gateway.throttle import Limits
from models.endpoint import Endpoint
from settings import Settings
from spec.facts import Capabilities
from spec.params import AnswerParams, SynthesiseParams
from spec.problem import Problem
from spec.responses import schema

Params = AnswerParams | SynthesiseParams


def unholdable(row: Endpoint, params: Params) -> Problem | None:
    """Why no cap of a month can be held: calls would be booked at nothing, or have no bound. A job's own cap has rules for it (spec/rules/endpoint.py)."""
    price = row.known().price
    if price is None:
        message = f"The project has a cap of this month, which cannot be held: {row.id} has no price."
        hint = f"PATCH /v1/endpoints/{row.id} with its price, or the project with no usd_per_month; then resume."
        return Problem(code="month_cap", message=message, hint=hint)
    if price.output > 0 and params.question.sampling.max_tokens is None:
        message = "The project has a cap of this month, which cannot be held: sampling.max_tokens is null, so an answer has no bound."
        hint = "Post the job with max_tokens, or PATCH the project with no usd_per_month and resume."
        return Problem(code="month_cap", message=message, hint=hint)
    return None


def opened(row: Endpoint, settings: Settings) -> str | None:
    """The endpoint's key. Raises Unsealable."""
    if row.sealed_by is None or row.sealed is None:
        return None
    try:
        keyring = Keyring.parse(settings.sealing_keys)
    except ValueError as error:
        raise Unsealable("STILLHOUSE_SEALING_KEYS is not set here") from error
    return keyring.open(Sealed(row.sealed_by, row.sealed), project=row.project, endpoint=row.id)


def limits_of(row: Endpoint) -> Limits:
    return Limits(**row.limits)


def form(params: Params, row: Endpoint) -> Form:
    """What all questions of a step have in common, as its params say and the endpoint's row stands now."""
    question, known = params.question, row.known()
    able = known.probed.get(question.model, Capabilities())
    sampling = question.sampling
    return Form(
        endpoint=row.id,
        digest=question.endpoint,
        model=question.model,
        sampling=Sampling(
            temperature=sampling.temperature, top_p=sampling.top_p, max_tokens=sampling.max_tokens, seed=sampling.seed
        ),
        samples=sampling.n,
        several=able.several,
        top_logprobs=question.top_logprobs or None,
        schema=schema(params.classes, several=params.several)
        if isinstance(params, AnswerParams) and params.question.structured
        else None,
        price=known.price,
        able=able,
        bounded_by=able.bounded_by,
    )
