"""What making, changing, probing and deleting an endpoint decides."""

from collections.abc import Sequence
from typing import Any

import httpx
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.endpoints.look import Seen, Target
from api.endpoints.wire import Endpoint, EndpointChange, NewEndpoint, NewLimits, NewPrice
from api.errors import Conflicting, Forbidden, Invalid, NotFound, Unavailable
from gateway.call import Endpoint as Called
from gateway.client import refusal
from gateway.meter import Meter
from gateway.seal import Keyring, Sealed, Unsealable
from gateway.throttle import Limits
from models import batch as batches
from models import endpoint as endpoints
from models import job as jobs
from models import purse


def keyring(text: str) -> Keyring:
    """Raises Unavailable (`no_sealing_keys`) where the server has none."""
    try:
        return Keyring.parse(text)
    except ValueError as error:
        raise Unavailable(
            "This server cannot keep keys of endpoints: STILLHOUSE_SEALING_KEYS is not set, or is no keyring.",
            code="no_sealing_keys",
        ) from error


def create(session: Session, project: str, sealing_keys: str, body: NewEndpoint) -> tuple[Endpoint, set[str]]:
    """The row, not yet probed. Raises Invalid, Conflicting (`name_taken`), Unavailable."""
    check_url(body.url, private=body.allow_private)
    id = f"ep_{body.name}"
    if session.scalar(endpoints.one(project, id)) is not None:
        raise Conflicting(
            f"There is an endpoint {id} already.", code="name_taken", hint="PATCH it, or take another name."
        )
    row = endpoints.Endpoint(
        project=project,
        id=id,
        wire=body.wire,
        url=body.url,
        private=body.allow_private,
        licence=body.licence,
        limits=body.limits.model_dump(),
        prices=[priced(body.price, [])] if body.price else [],
        metadata_=body.metadata,
    )
    if body.key is not None:
        seal(row, sealing_keys, body.key)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:  # another call was faster
        raise Conflicting(f"There is an endpoint {id} already.", code="name_taken") from error
    return Endpoint.of(row), set()


def change(
    session: Session, project: str, id: str, sealing_keys: str, body: EndpointChange, *, admin: bool
) -> tuple[endpoints.Endpoint, bool]:
    """The row, and whether it has to be probed anew. Raises NotFound, Invalid (`key_needed`, `price_needed`), Forbidden, Conflicting (`in_use`), Unavailable.

    A new URL never gets the stored key, which was given for the old one; nor does it inherit price, licence, or that private addresses are
    allowed. While a batch is at the old one, there is none.
    """
    row = held(session, project, id)
    elsewhere = body.url is not None and body.url != row.url
    if elsewhere and row.sealed is not None and body.key is None:
        message = "The stored key was given for another URL: send it with the new one."
        raise Invalid(message, code="key_needed", param="key")
    if elsewhere and row.private and not admin:
        message = "Only a key with the scope `admin` moves an endpoint that may call private addresses."
        raise Forbidden(message, code="missing_scope", param="url")
    if elsewhere and row.prices and body.price is None:
        message = "The price was given for another URL, and caps would be held at it: send it with the new one."
        raise Invalid(message, code="price_needed", param="price")
    if body.allow_private is not None:
        row.private = body.allow_private
    if body.url is not None or body.allow_private is not None:
        check_url(body.url or row.url, private=row.private)
    if elsewhere:
        check_batches(session, row)
        row.url, row.facts, row.error, row.probed_at, row.licence = str(body.url), None, None, None, None
    if body.key is not None:
        seal(row, sealing_keys, body.key)
    restate(row, body, elsewhere=elsewhere)
    session.flush()
    return row, elsewhere or body.key is not None


def restate(row: endpoints.Endpoint, body: EndpointChange, *, elsewhere: bool) -> None:
    """What the owner says of it, which no probe can see. Raises Invalid (`not_probed`)."""
    row.licence = body.licence or row.licence
    if body.price is not None:
        row.prices = [*row.prices, priced(body.price, row.prices, elsewhere=elsewhere)]
    if body.limits is not None:
        row.limits = {**row.limits, **body.limits.model_dump(exclude_unset=True)}
        check_stream(row, body.limits)
    if body.metadata is not None:
        row.metadata_ = body.metadata


def check_stream(row: endpoints.Endpoint, limits: NewLimits) -> None:
    """Raises Invalid (`not_probed`) where models were probed and none was seen to stream; of one model a job's rules say it."""
    probed = row.known().probed
    if limits.stream_idle is not None and probed and not any(able.streaming for able in probed.values()):
        message = f"{', '.join(sorted(probed))} behind {row.id} was not seen to stream its replies."
        hint = f"Probe it again (POST /v1/endpoints/{row.id}/probe), or leave stream_idle out."
        raise Invalid(message, code="not_probed", param="limits.stream_idle", hint=hint)


def check_batches(session: Session, row: endpoints.Endpoint) -> None:
    """Raises Conflicting (`in_use`) until the endpoint has told what each batch has cost: URL and key are needed for it."""
    jobs = session.scalars(batches.awaited(row.project, row.id).limit(5)).all()
    if jobs:
        message = f"{row.id} still has batches of {', '.join(jobs)}, and has not told what they cost."
        hint = (
            "Cancel the jobs that have not ended. Batches of ended ones are cancelled and settled within minutes, "
            f"or given up {batches.KEPT.days} days after the first look at them."
        )
        raise Conflicting(message, code="in_use", hint=hint)


def seal(row: endpoints.Endpoint, sealing_keys: str, key: str) -> None:
    sealed = keyring(sealing_keys).seal(key, project=row.project, endpoint=row.id)
    row.sealed_by, row.sealed, row.hint = sealed.key, sealed.box, key[-4:] if len(key) >= 16 else "…"


def priced(price: NewPrice, before: Sequence[dict[str, Any]], *, elsewhere: bool = False) -> dict[str, Any]:
    """A new version: what it does not say is as in the last one, unless that was of another URL."""
    last = before[-1] if before and not elsewhere else price.model_dump()
    return {**last, **price.model_dump(exclude_unset=True), "version": len(before) + 1}


def check_url(text: str, *, private: bool) -> None:
    """Raises Invalid (`url_refused`). Its host's address is checked at every call."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise Invalid("This is not a URL.", code="url_refused", param="url") from error
    if reason := refusal(url, private=private):
        hint = "An administrator may allow private addresses and HTTP with allow_private (--allow-private of the command line)."
        raise Invalid(f"The URL cannot be called: {reason}.", code="url_refused", param="url", hint=hint)


def get(session: Session, project: str, id: str) -> endpoints.Endpoint:
    """Raises NotFound."""
    row = session.scalar(endpoints.one(project, id))
    if row is None:
        raise NotFound.of("endpoint", id)
    return row


def held(session: Session, project: str, id: str) -> endpoints.Endpoint:
    """The same, held until the transaction ends: two changes come one after the other. Raises NotFound."""
    session.execute(endpoints.one(project, id).with_for_update())
    return get(session, project, id)


def target(session: Session, project: str, id: str, sealing_keys: str) -> Target:
    """What to call, with the key, at today's price. Raises NotFound, Unavailable."""
    row = get(session, project, id)
    key = None
    if row.sealed_by is not None and row.sealed is not None:
        try:
            key = keyring(sealing_keys).open(Sealed(row.sealed_by, row.sealed), project=project, endpoint=id)
        except Unsealable as error:
            raise Conflicting(
                f"The key of {id} cannot be opened: {error}.", code="endpoint_key", hint="PATCH it with its key."
            ) from error
    called = Called(row.url, key, "anthropic" if row.wire == "anthropic" else "openai")
    known, month = row.known(), purse.month(session, project)
    meter = Meter(id, known.price, None if month is None else month.left)
    return Target(called, row.private, Limits(**row.limits).concurrency, known.probed, meter)


def note(session: Session, project: str, id: str, url: str, seen: Seen) -> endpoints.Endpoint:
    """Writes what a probe of `url` saw, if that is still its URL. Of what was seen before it takes back only models that are gone. Raises NotFound."""
    row = held(session, project, id)
    if row.url != url:
        return row
    before = row.facts or {}
    models = before.get("models", ())
    if seen.models or (seen.models is not None and seen.problem is None):
        models = seen.models
    probed = {**before.get("probed", {}), **seen.probed}
    unlisted = () if seen.models is None else seen.refused.difference(models)
    for model in gone(session, row, frozenset(unlisted)):
        probed.pop(model, None)
    row.probed_at, row.facts = func.now(), {"models": models, "probed": probed}
    row.error = seen.problem.model_dump(exclude_none=True) if seen.problem else None
    session.flush()
    session.refresh(row)
    return row


def gone(session: Session, row: endpoints.Endpoint, unlisted: frozenset[str]) -> frozenset[str]:
    """Models that were refused and are not listed; none while a job that has not ended asks the endpoint, for it asks as they were seen to take it."""
    asked = unlisted and session.scalar(jobs.asking(row.project, row.id).limit(1))
    return frozenset() if asked else unlisted


def delete(session: Session, project: str, id: str) -> None:
    """Its answers stay: they are paid for. Raises NotFound, Conflicting (`in_use`)."""
    row = held(session, project, id)
    needing = session.scalars(jobs.asking(project, id).limit(5)).all()
    if needing:
        raise Conflicting(
            f"{id} is needed by {', '.join(needing)}.",
            code="in_use",
            hint="Wait for the end of these jobs, or cancel them.",
        )
    check_batches(session, row)
    session.delete(row)
