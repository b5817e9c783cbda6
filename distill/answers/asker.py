"""The child's end of the gateway: many questions in flight, replies as they come."""

import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from distill.run import RunFolder
from spec.gateway import LONGEST, Asked, Batches, Message, Told
from spec.problem import Problem, Refused
from spec.run import GATEWAY

WINDOW = 1024
"""Questions without a reply at once: more than the calls in flight, for replies are kept before they are told."""
PATIENCE = 5.0
"""Seconds that the gateway has to open."""
OVER_BUDGET = "over_budget"
"""The one reason to stop after which a step goes on with what it has."""
LISTEN = 0.1
"""Seconds between two looks at the wish to stop."""
CHUNK = 1 << 20
ALL = Asked(id=0, messages=(), whole=True).model_dump_json().encode() + b"\n"


class Closed(Exception):
    """The worker has gone, or has closed the gateway."""


class Asker:
    """A connection. `OSError`: there is no gateway, as where a person has typed the command."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path has 107 bytes at most, a run folder's more
        try:
            self._socket.connect(path.name)
        finally:
            os.chdir(here)
        self._socket.setblocking(False)
        self._out, self._in = bytearray(), bytearray()
        self.stopped: str | None = None
        """Why nothing more is answered."""

    def ask(
        self,
        questions: Iterator[tuple[int, tuple[Message, ...]]],
        stop: Callable[[], bool],
        far: Callable[[Batches], None] | None = None,
    ) -> Iterator[Told]:
        """Replies in the order in which they come, until all are there, or it was stopped. Raises Closed.

        `far`: questions are gathered for batches, so that all are put before the first is answered; it hears how far batches are.
        """
        open_questions, more = 0, True
        window = WINDOW if far is None else None
        while (more or open_questions) and self.stopped is None and not stop():
            while more and (window is None or open_questions < window) and len(self._out) < CHUNK:
                following = next(questions, None)
                more = following is not None
                if following is None:
                    self._out += ALL if far is not None else b""
                    break
                line = Asked(id=following[0], messages=following[1]).model_dump_json().encode() + b"\n"
                if len(line) > LONGEST:
                    yield too_large(following[0], len(line))
                    continue
                self._out += line
                open_questions += 1
            for told in self._exchange():
                if told.stop is not None:
                    self.stopped = told.stop
                    break
                if told.batches is not None:
                    if far is not None:
                        far(told.batches)
                    continue
                open_questions -= 1
                yield told

    def _exchange(self) -> Iterator[Told]:
        """Sends and receives what can be now."""
        reading, writing, _ = select.select([self._socket], [self._socket] if self._out else [], [], LISTEN)
        if writing:
            del self._out[: self._socket.send(self._out[:CHUNK])]
        if not reading:
            return
        said = self._socket.recv(CHUNK)
        if not said:
            raise Closed
        self._in += said
        *lines, rest = bytes(self._in).split(b"\n")
        self._in = bytearray(rest)
        for line in lines:
            yield Told.model_validate_json(line)

    def close(self) -> None:
        self._socket.close()


def too_large(id: int, size: int) -> Told:
    """What is said of a question that no gateway would take: nobody is asked."""
    message = f"The question has {size:,} bytes as a line, and {LONGEST:,} are the most."
    return Told(id=id, failed="too_large", message=message)


def connect(path: Path, patience: float) -> Asker:
    """Waits for the gateway for a moment. OSError: there is none."""
    until = time.monotonic() + patience
    while True:
        try:
            return Asker(path)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(LISTEN)


def connected(folder: RunFolder) -> Asker:
    """To the gateway of a run. Refused (`no_gateway`): there is none."""
    try:
        return connect(folder.path / GATEWAY, PATIENCE)
    except OSError as error:
        message = "There is no gateway in the run folder to ask a model through."
        hint = "A worker opens it; without one, run the job through the service."
        raise Refused(Problem(code="no_gateway", message=message, hint=hint)) from error
