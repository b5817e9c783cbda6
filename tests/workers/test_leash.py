"""The leash: who ends the child, when, and that nothing is left of it."""

import os
import signal
from pathlib import Path

import pytest

from tests.workers.leashed import BWRAP, leashed, until
from workers.sandbox import Sandbox

EACH = pytest.mark.parametrize(
    "sandbox", [Sandbox.NAMESPACE, pytest.param(Sandbox.BUBBLEWRAP, marks=BWRAP), Sandbox.NONE]
)
POLITE = """
import signal, sys, time
def stop(*_):
    print("asked", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("here", flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
mark = sys.argv[1] if len(sys.argv) > 1 else "{mark}"
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600) # " + mark],
                 start_new_session=True)
print("here", flush=True)
time.sleep(600) # {mark}
"""


def alive(mark: str) -> list[int]:
    """Processes with this word on their command line, that are no zombies."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, state = (
                (process / "cmdline").read_bytes(),
                (process / "stat").read_text().rpartition(")")[2].split()[0],
            )
        except OSError:
            continue
        if mark.encode() in command and state != "Z" and b"leash.py" not in command:
            found.append(int(process.name))
    return found


@EACH
def test_a_child_ends_by_itself(tmp_path: Path, sandbox: Sandbox) -> None:
    with leashed(tmp_path, "print('done'); raise SystemExit(3)", sandbox=sandbox) as held:
        end = held.ended()
    assert (end.code, end.stopped_by, end.killed_by) == (3, None, None)
    assert held.said("done") and end.rss > 2**20 and end.cpu > 0


@EACH
def test_a_child_is_asked_to_stop(tmp_path: Path, sandbox: Sandbox) -> None:
    with leashed(tmp_path, POLITE, sandbox=sandbox) as held:
        until(lambda: held.said("here"))
        held.child.stop()
        end = held.ended()
    assert (end.code, end.stopped_by, end.killed_by) == (0, "worker", None) and held.said("asked")


@EACH
def test_a_child_hears_of_its_checkpoints(tmp_path: Path, sandbox: Sandbox) -> None:
    """One byte each; a pipe that fills up, because it does not listen, holds nobody up."""
    script = "import sys, time; print('heard', sys.stdin.buffer.raw.read(1), sys.stdin.buffer.raw.read(1), flush=True); time.sleep(600)"
    with leashed(tmp_path, script, sandbox=sandbox) as held:
        held.child.acknowledge()
        held.child.acknowledge()
        until(lambda: held.said("heard b'C' b'C'"))
        for _ in range(100_000):
            held.child.acknowledge()
        held.child.stop()
        end = held.ended()
    assert end.stopped_by == "worker"


@EACH
def test_a_stubborn_child_is_killed_with_its_grandchildren(tmp_path: Path, sandbox: Sandbox) -> None:
    mark = f"stubborn-{tmp_path.name}-{os.getpid()}"
    with leashed(tmp_path, STUBBORN.format(mark=mark), sandbox=sandbox, grace=0.3) as held:
        until(lambda: held.said("here") and len(alive(mark)) == 2)
        held.child.stop()
        end = held.ended()
    assert (end.code, end.stopped_by, end.killed_by) == (-signal.SIGKILL, "worker", "worker")
    assert alive(mark) == []


@EACH
def test_a_worker_that_is_gone_leaves_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    mark = f"orphan-{tmp_path.name}-{os.getpid()}"
    with leashed(tmp_path, STUBBORN.format(mark=mark), sandbox=sandbox, grace=0.3) as held:
        until(lambda: held.said("here") and len(alive(mark)) == 2)
        held.child._pipe.close()  # what a kill -9 of the worker does
        end = held.ended()
    assert (end.stopped_by, end.killed_by) == ("worker_gone", "worker_gone") and alive(mark) == []


@EACH
def test_the_leash_keeps_the_lease(tmp_path: Path, sandbox: Sandbox) -> None:
    with leashed(tmp_path, POLITE, sandbox=sandbox, lease=1.0) as held:
        until(lambda: held.said("here"))
        end = held.ended()
    assert (end.code, end.stopped_by) == (0, "lease"), "a frozen worker renews nothing"


def test_a_renewed_lease_lasts(tmp_path: Path) -> None:
    with leashed(tmp_path, "import time; time.sleep(2)", lease=1.0) as held:
        while not held.child.wait(0.2):
            held.child.renew()
        assert held.ended().code == 0


def test_a_killed_leash_takes_its_child_along(tmp_path: Path) -> None:
    mark = f"leashless-{tmp_path.name}-{os.getpid()}"
    with leashed(tmp_path, STUBBORN.format(mark=mark)) as held:
        until(lambda: held.said("here") and len(alive(mark)) == 2)
        os.kill(held.child._leash.pid, signal.SIGKILL)
        assert held.child.wait(10) and held.child.end() is None
        until(lambda: alive(mark) == [])


@EACH
@pytest.mark.parametrize("more", [True, False])
def test_a_want_of_memory_is_told_from_the_own_group_alone(tmp_path: Path, sandbox: Sandbox, more: bool) -> None:
    group = tmp_path / "memory.events"
    group.write_text("oom 3\noom_kill 3\noom_group_kill 0\n")
    with leashed(
        tmp_path, "import time; print('here', flush=True); time.sleep(600)", sandbox=sandbox, counts=str(group)
    ) as held:
        until(lambda: held.said("here"))
        if more:
            group.write_text("oom 4\noom_kill 4\noom_group_kill 0\n")
        held.child.kill()
        assert held.ended().out_of_memory is more


def test_memory_of_its_own_has_a_limit_that_mapped_files_do_not_count_in(tmp_path: Path) -> None:
    script = """
import mmap, os
file = os.open("large", os.O_RDWR | os.O_CREAT)
os.truncate(file, 2**30)
mmap.mmap(file, 2**30, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED)
print("mapped")
try:
    bytearray(2**30)
except MemoryError:
    print("refused")
"""
    with leashed(tmp_path, script, data=2**28) as held:
        assert held.ended().code == 0
    assert held.said("mapped") and held.said("refused")


def test_memory_has_a_limit(tmp_path: Path) -> None:
    script = "\ntry:\n    bytearray(2**30)\nexcept MemoryError:\n    print('refused')"
    with leashed(tmp_path, script, memory=2**28) as held:
        assert held.ended().code == 0
    assert held.said("refused")
