"""Endpoints: somebody's API, whose models can teach as `ep_name/model`."""

from __future__ import annotations

from typing import Unpack

from stillhouse.pages import Order, Pages
from stillhouse.transport import Transport
from stillhouse.types import Endpoint, EndpointChange, EndpointDeleted, NewEndpoint


class Endpoints:
    """`client.endpoints`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, **body: Unpack[NewEndpoint]) -> Endpoint:
        """Makes an endpoint and probes it. `state` says whether it answered; of the key only the last four characters are shown again."""
        made: Endpoint = self._transport.create("/v1/endpoints", dict(body))
        return made

    def list(self, *, order: Order = "desc", after: str = "") -> Pages[Endpoint]:
        return Pages(self._transport, "/v1/endpoints", order=order, after=after)

    def get(self, id: str) -> Endpoint:
        found: Endpoint = self._transport.get(f"/v1/endpoints/{id}")
        return found

    def change(self, id: str, **body: Unpack[EndpointChange]) -> Endpoint:
        """Changes what is given. A new URL is probed, and with a new key all models that were probed before; rates that a new price leaves out stay."""
        changed: Endpoint = self._transport.patch(f"/v1/endpoints/{id}", dict(body))
        return changed

    def probe(self, id: str, model: str | None = None) -> Endpoint:
        """Looks anew at what a model can do; at all that were looked at before where none is named, or else at the first that the endpoint lists."""
        seen: Endpoint = self._transport.post(f"/v1/endpoints/{id}/probe", {"model": model})
        return seen

    def delete(self, id: str) -> EndpointDeleted:
        gone = EndpointDeleted(id=id, object="endpoint", deleted=True)
        return self._transport.delete(f"/v1/endpoints/{id}", gone)
