"""`python -m standalone up`, as a person runs it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from standalone import supervisor
from standalone.process import ROOT
from tests.standalone.processes import alive, descendants, memory, wait_until

IDLE_BYTES = 300e6


class Up:
    """A running `up`: what it printed."""

    def __init__(self, home: Path) -> None:
        argv = [sys.executable, "-m", "standalone", "--home", str(home), "up", "--port", "0"]
        self.process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        found = re.search(r"ready at (\S+)", self.said)
        assert found, self.said + self.process.stdout.read()
        self.url = found[1]

    def status(self, path: str, key: str) -> int:
        """0: no reply."""
        try:
            return httpx.get(self.url + path, headers={"authorization": f"Bearer {key}"}).status_code
        except httpx.TransportError:
            return 0


@contextmanager
def up(home: Path) -> Iterator[Up]:
    running = Up(home)
    try:
        yield running
    finally:
        running.process.send_signal(signal.SIGINT)
        running.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_it_starts_says_where_and_gives_a_key(home: Path) -> None:
    with up(home) as running:
        assert running.process.stdout is not None
        lines = [running.process.stdout.readline() for _ in range(3)]
        key = (home / "admin-key").read_text().strip()
        assert key in "".join(lines)
        assert (home / "admin-key").stat().st_mode & 0o777 == 0o600
        assert running.status("/v1/projects", key) == 200
        sent = {"name": "kept"}
        made = httpx.post(f"{running.url}/v1/projects", json=sent, headers={"authorization": f"Bearer {key}"})
        assert made.status_code == 201
        held = sum(memory(pid) for pid in {running.process.pid, *descendants(running.process.pid)})
        print(f"idle stack: {held / 1e6:.0f} MB")
        assert held < IDLE_BYTES


def test_again_and_the_data_is_there(home: Path) -> None:
    """Relies on the test before, as a second start relies on a first one."""
    key = (home / "admin-key").read_text().strip()
    began = time.monotonic()
    with up(home) as running:
        print(f"ready after {time.monotonic() - began:.1f} s")
        found = httpx.get(f"{running.url}/v1/projects", headers={"authorization": f"Bearer {key}"}).json()["data"]
        assert "kept" in [project["name"] for project in found]


def test_what_dies_comes_back(home: Path) -> None:
    key = (home / "admin-key").read_text().strip()
    with up(home) as running:
        for pid in descendants(running.process.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"uvicorn" in command or b"bin/postgres" in command:
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: running.status("/v1/projects", key) == 200, 60)


def test_a_second_one_is_refused(home: Path) -> None:
    with up(home):
        argv = [sys.executable, "-m", "standalone", "--home", str(home), "up", "--port", "0"]
        second = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "another stack runs in" in second.stderr


def test_killed_it_leaves_no_process(home: Path) -> None:
    running = Up(home)
    children = descendants(running.process.pid)
    assert len(children) >= 4
    running.process.kill()
    running.process.communicate()
    wait_until(lambda: not any(map(alive, children)))


def test_env_tells_what_processes_need(home: Path) -> None:
    argv = [sys.executable, "-m", "standalone", "--home", str(home), "env"]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = set(re.findall(r"^export (STILLHOUSE_\w+)=", said, re.MULTILINE))
    assert names >= {"STILLHOUSE_DATABASE_URL", "STILLHOUSE_BROKER_URL", "STILLHOUSE_PEPPER", "STILLHOUSE_API_KEY"}


def test_run_lends_servers_to_a_command() -> None:
    argv = [sys.executable, "-m", "standalone", "run", "--", sys.executable, "-m", "alembic", "current"]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "(head)" in said.stdout


def test_logs_rotate(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"a" * (supervisor.LOG_BYTES + 1))
    with log.open("ab") as writer:
        supervisor.rotate(log)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "x.log.1").stat().st_size == supervisor.LOG_BYTES + 1


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        argv = [sys.executable, "-m", "standalone", "--home", str(tmp_path), "up", "--port", port]
        said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert port in said.stderr and "Traceback" not in said.stderr
