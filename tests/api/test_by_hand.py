"""The commands of docs/operations.md by which the api alone is started, as they stand there."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from standalone.process import ROOT
from standalone.services import CeleryWorker, Worker
from tests.api.service import Service, eventually

PAGE = (ROOT / "docs" / "operations.md").read_text()
BLOCKS = re.findall(r"```sh\n(set -a.*?)```", PAGE, re.DOTALL)
UNITS = re.findall(r"^ExecStart=((?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
PYTHON = ".venv/bin/python"


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_the_api_comes_up(service: Service, tmp_path: Path) -> None:
    """With what the page's file of variables holds, in its quotes; the first key is there already."""
    named = re.findall(r"^(STILLHOUSE_\w+)='", PAGE, re.MULTILINE)
    own = {name: value for name, value in service.environment.items() if name in named}
    path, port = tmp_path / "api.env", free()
    path.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in own.items()))
    assert {"STILLHOUSE_DATABASE_URL", "STILLHOUSE_BROKER_URL", "STILLHOUSE_STORAGE", "STILLHOUSE_PEPPER"} <= own.keys()
    script = BLOCKS[0].replace("/etc/stillhouse/api.env", str(path)).replace(PYTHON, sys.executable)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("STILLHOUSE_")}
    with subprocess.Popen(["/bin/sh", "-ec", script.replace("8400", str(port))], cwd=ROOT, env=bare) as api:
        try:
            eventually(lambda: ready(port), 30)
        finally:
            api.send_signal(signal.SIGTERM)
            assert api.wait(10) in (0, -signal.SIGTERM)


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_units_and_hands_start_the_same_processes() -> None:
    """And a worker's command is the one that the embedded stack runs, but for its name, queues and slots."""
    by_hand = [words(block.partition("exec ")[2]) for block in BLOCKS]
    by_unit = [words(unit.replace("%%", "%")) for unit in UNITS]
    assert [argv[1:] for argv in by_hand] == [argv[1:] for argv in by_unit]
    known = CeleryWorker(Worker(name="gpu-1", queues="gpu", slots=1), {}, ROOT / "logs").argv
    assert by_hand[1][1:] == known[1:]


def words(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", " "))
