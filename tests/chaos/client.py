"""A patient user: repeats a call until it is answered, under one idempotency key, through kills of the api."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

PATIENCE = 120.0


class Client:
    """One project's key. Every reply is a dict; a call that stays unanswered for two minutes raises."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(base_url=url + "/v1", headers={"Authorization": f"Bearer {key}"}, timeout=10)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return self._call("POST", path, headers={"Idempotency-Key": uuid.uuid4().hex}, **body)

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        return self._call("GET", path, params=params)

    def all(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        while True:
            page = self.get(path, limit=100, **params)
            yield from page["data"]
            if not page["has_more"]:
                return
            params["after"] = page["data"][-1]["id"]

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                reply = self._http.request(method, path, **options)
            except httpx.TransportError:
                reply = None
            if reply is not None and reply.status_code < 500:
                assert reply.status_code < 400, f"{method} {path}: {reply.status_code} {reply.text}"
                body: dict[str, Any] = reply.json()
                return body
            assert time.monotonic() < deadline, f"{method} {path} stays unanswered"
            time.sleep(0.25)
