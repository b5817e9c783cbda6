"""A real server process that says what a test wants it to say."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from stillhouse import Stillhouse


@dataclass
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    close: bool = False
    """Break the connection: after the body, or instead of a reply where there is none."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Scripted:
    """Replies in the order given; remembers what was asked."""

    def __init__(self, port: int = 0) -> None:
        self.replies: list[Reply] = []
        self.requests: list[Request] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", port), handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def will(self, *replies: Reply | dict[str, Any]) -> None:
        self.replies += [reply if isinstance(reply, Reply) else Reply(body=reply) for reply in replies]


def handler(script: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.headers.get("transfer-encoding") == "chunked":
                body = b"".join(self.chunks())
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.requests.append(Request(self.command, self.path, headers, body))
            reply = script.replies.pop(0)
            self.close_connection = reply.close
            if reply.close and reply.body is None:
                return
            sent = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"content-length": str(len(sent)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_DELETE = do  # noqa: N815  # the names that http.server looks for

        def chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def scripted(port: int = 0) -> Iterator[Scripted]:
    found = Scripted(port)
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        found.server.shutdown()
        thread.join()
        found.server.server_close()


@pytest.fixture
def script() -> Iterator[Scripted]:
    with scripted() as found:
        yield found


@pytest.fixture
def client(script: Scripted) -> Iterator[Stillhouse]:
    with Stillhouse(script.url, "sh_live_test", max_retries=2) as found:
        yield found
