"""The client."""

from __future__ import annotations

import os
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from stillhouse.accounts import Keys, Projects, Usages, Workers
from stillhouse.answers import Answers
from stillhouse.datasets import Datasets
from stillhouse.distillations import Distillations
from stillhouse.endpoints import Endpoints
from stillhouse.errors import StillhouseError
from stillhouse.files import Files
from stillhouse.models import Models
from stillhouse.transport import Transport

if TYPE_CHECKING:
    from openai import OpenAI

DEFAULT_URL = "http://127.0.0.1:8400"


class Stillhouse:
    """A server and a key. Threads may share it; `close()` it, or use it in a `with`."""

    def __init__(
        self, base_url: str | None = None, api_key: str | None = None, *, timeout: float = 60.0, max_retries: int = 4
    ) -> None:
        """Without arguments: STILLHOUSE_URL (else http://127.0.0.1:8400) and STILLHOUSE_API_KEY. `timeout` in seconds."""
        key = api_key or os.environ.get("STILLHOUSE_API_KEY")
        if not key:
            raise StillhouseError("no API key: give api_key, or set STILLHOUSE_API_KEY")
        url = base_url or os.environ.get("STILLHOUSE_URL") or DEFAULT_URL
        self._key = key
        self._transport = Transport(url, key, timeout=timeout, max_retries=max_retries)
        self.files = Files(self._transport)
        self.datasets = Datasets(self._transport, self.files)
        self.models = Models(self._transport, self.files)
        self.endpoints = Endpoints(self._transport)
        self.answers = Answers(self._transport)
        self.distillations = Distillations(self._transport)
        self.projects = Projects(self._transport)
        self.keys = Keys(self._transport)
        self.usage = Usages(self._transport)
        self.workers = Workers(self._transport)

    @property
    def base_url(self) -> str:
        return self._transport.base_url

    @cached_property
    def openai(self) -> OpenAI:
        """The `openai` client on the same server, for what has OpenAI's shape: files, models. Needs the extra `openai`."""
        from openai import OpenAI

        return OpenAI(base_url=f"{self.base_url}/v1", api_key=self._key)

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
