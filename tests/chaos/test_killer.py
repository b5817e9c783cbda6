"""What the killer of the campaign does, on processes of its own."""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

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


@pytest.fixture
def valkey() -> Iterator[subprocess.Popen[bytes]]:
    """Something that looks like one."""
    with subprocess.Popen(
        ["/any/valkey-server", "-c", "input()"], executable=sys.executable, stdin=subprocess.PIPE
    ) as run:
        yield run
        run.kill()


def test_what_does_not_run_stays_owed(valkey: subprocess.Popen[bytes]) -> None:
    assert find(os.getpid(), "valkey") == [valkey.pid]
    owed = [("api", "kill"), ("valkey", "freeze"), ("valkey", "kill")]
    chance = random.Random(1)
    done = [next_fault(os.getpid(), owed, 0.01, chance) for _ in range(2)]
    assert [(fault["target"], fault["action"]) for fault in done] == [("valkey", "freeze"), ("valkey", "kill")]
    assert owed == [("api", "kill")]
    assert valkey.wait(10) == -9
