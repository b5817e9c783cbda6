"""The teacher's server in a process of its own, and its wires as a client sees them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gateway.subject import SHORT
from spec.passages import PASSAGES

MODEL, KEY = "minilm-docstrings", "k"
LABELS = ("networkx", "psycopg", "pydantic", "pygments", "torch")
PROBED = (SHORT, "Say maybe.", *PASSAGES.values())
"""What a probe says."""
TEXTS = {f"text number {number} about {label}": label for number in range(40) for label in LABELS}


@dataclass(frozen=True)
class Client:
    """`url` ends in /v1."""

    url: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {KEY}"}

    def chat(self, text: str, **fields: Any) -> httpx.Response:
        """At temperature 0, unless told otherwise."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": text}], "temperature": 0, **fields}
        return httpx.post(f"{self.url}/chat/completions", json=body, headers=self.headers)

    def answer(self, text: str, **fields: Any) -> str:
        return str(self.chat(text, **fields).raise_for_status().json()["choices"][0]["message"]["content"])

    def message(self, text: str, version: str | None = "2023-06-01", key: str = KEY, **fields: Any) -> httpx.Response:
        body = {"model": MODEL, "max_tokens": 16, "messages": [{"role": "user", "content": text}], **fields}
        headers = {"x-api-key": key} | ({} if version is None else {"anthropic-version": version})
        return httpx.post(f"{self.url}/messages", json={"temperature": 0, **body}, headers=headers)

    def ledger(self) -> dict[str, Any]:
        return self.control("GET", "/ledger")

    def faults(self, **faults: Any) -> dict[str, Any]:
        return self.control("POST", "/faults", faults)

    def control(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        url = self.url.removesuffix("/v1") + path
        found: dict[str, Any] = httpx.request(method, url, json=body, headers=self.headers).raise_for_status().json()
        return found


@contextmanager
def serving(*flags: str | Path) -> Iterator[Client]:
    argv = [sys.executable, "-m", "examples.teacher_server", "--key", KEY, *map(str, flags)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, "the server ended before it was ready"
            yield Client(url)
        finally:
            process.terminate()


def table(path: Path) -> Path:
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in TEXTS.items()))
    return path
