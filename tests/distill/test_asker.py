"""The child's end of the gateway, against a socket that answers."""

import os
import socket
import threading
from pathlib import Path

from distill.answers.asker import connect
from spec.gateway import Answer, Asked, Message, Told


def serve(listener: socket.socket) -> None:
    """Answers every question with its own text, the last one first."""
    with listener, listener.accept()[0] as talk, talk.makefile("rw") as lines:
        asked = [Asked.model_validate_json(lines.readline()) for _ in range(3)]
        for one in reversed(asked):
            lines.write(Told(id=one.id, answers=(Answer(text=one.messages[0].content),)).model_dump_json() + "\n")
        lines.flush()


def test_a_run_folder_may_have_a_long_path(tmp_path: Path) -> None:
    """A socket's own path has 107 bytes at most."""
    folder = tmp_path / ("deep" * 25) / ("deeper" * 15)
    folder.mkdir(parents=True)
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(folder)
    listener.bind("gateway")
    os.chdir(here)
    listener.listen()
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    asker = connect(folder / "gateway", 1.0)
    questions = iter([(i, (Message(role="user", content=f"{i}?"),)) for i in range(3)])
    told = [(one.id, one.answers[0].text) for one in asker.ask(questions, lambda: False)]
    asker.close()
    assert told == [(2, "2?"), (1, "1?"), (0, "0?")] and Path.cwd() == here
