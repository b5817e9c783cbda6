"""What the killer of the campaign does, on processes of its own."""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

from standalone import valkey
from tests.acceptance.run import until
from tests.chaos.killer import KINDS, drawn, find, next_fault


@pytest.mark.parametrize("seed", range(20))
def test_no_kind_is_missed(seed: int) -> None:
    for count in (len(KINDS), 24):
        kinds = drawn(count, random.Random(seed))
        assert len(kinds) == count and set(kinds) == set(KINDS)
        assert kinds == drawn(count, random.Random(seed))
    assert len(drawn(3, random.Random(seed))) == 3


def test_workers_and_children_die_most() -> None:
    (first, _), (second, _) = Counter(drawn(1000, random.Random(1))).most_common(2)
    assert {first, second} == {("worker", "kill"), ("child", "kill")}


PARENT = """
import subprocess, sys
child = subprocess.Popen(["/any/valkey-server", "-c", "input()"], executable=sys.executable, stdin=subprocess.PIPE)
print(child.pid, flush=True)
print(child.wait(), flush=True)
input()
"""


@pytest.fixture
def stack() -> Iterator[subprocess.Popen[str]]:
    """A process with one child, which looks like a Valkey. A root of its own: this suite may have real ones below it."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=PIPE, stdout=PIPE, text=True) as parent:
        yield parent
        parent.kill()


def test_a_real_valkey_is_found(tmp_path: Path) -> None:
    """It writes a title of its own over its command line."""
    server = valkey.start(tmp_path)
    try:
        assert server.pid in find(os.getpid(), "valkey")
    finally:
        server.stop()


def test_what_does_not_run_stays_owed(stack: subprocess.Popen[str]) -> None:
    assert stack.stdout is not None
    pid = int(stack.stdout.readline())
    until(lambda: find(stack.pid, "valkey") == [pid])
    owed = [("api", "kill"), ("valkey", "freeze"), ("valkey", "kill")]
    chance = random.Random(1)
    done = [next_fault(stack.pid, owed, 0.01, chance) for _ in range(2)]
    assert [(fault["target"], fault["action"]) for fault in done] == [("valkey", "freeze"), ("valkey", "kill")]
    assert owed == [("api", "kill")]
    assert stack.stdout.readline() == "-9\n"
