"""The outside process: kills and freezes parts of a running stack at wall-clock times drawn from a seed.

It knows no job and no state of one. Every fault is appended to a file as a line of JSON: {at, target, action, pid, seconds}.
"""

import argparse
import json
import os
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

# What a process of the stack is known by: words of its command line. "postgres" is the postmaster, not its backends.
TARGETS = {
    "postgres": ("postgres", "-D"),
    "valkey": ("valkey-server",),
    "api": ("uvicorn", "api.main:create_app"),
    "worker": ("celery", "worker"),
    "leash": ("leash.py",),
    "child": ("-m", "distill"),
}
# (target, action, weight): children and workers die most often, as they do in life.
FAULTS = (
    ("worker", "kill", 5), ("worker", "freeze", 3), ("child", "kill", 5), ("child", "freeze", 2), ("leash", "kill", 2),
    ("postgres", "kill", 3), ("postgres", "freeze", 2), ("valkey", "kill", 3), ("valkey", "freeze", 1), ("api", "kill", 3),
)  # fmt: skip
KINDS, WEIGHTS = [(target, action) for target, action, _ in FAULTS], [weight for *_, weight in FAULTS]
PATIENCE = 60.0
"""Seconds for which a fault waits until a process of its kind runs; then another is drawn."""


def drawn(count: int, chance: random.Random) -> list[tuple[str, str]]:
    """Kinds of `count` faults: each once, if there are so many, and the others by weight. In drawn order."""
    sure = KINDS if count >= len(KINDS) else []
    kinds = [*sure, *chance.choices(KINDS, WEIGHTS, k=count - len(sure))]
    chance.shuffle(kinds)
    return kinds


def descendants(root: int) -> Iterator[int]:
    """Every process below `root`."""
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        try:
            children = [int(pid) for pid in task.read_text().split()]
        except OSError:
            continue
        for pid in children:
            yield pid
            yield from descendants(pid)


def words(pid: int) -> list[str]:
    """Of a command line. Some servers write a title over theirs, with spaces between the words."""
    try:
        return re.split(r"[\0 ]", Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace"))
    except OSError:
        return []


def find(root: int, target: str) -> list[int]:
    """Processes of the stack that are the target. Of nested ones (unshare, leash, child) each answers to its own name."""
    wanted = TARGETS[target]
    found = []
    for pid in descendants(root):
        line = words(pid)
        if target == "child" and any("leash.py" in word for word in line):
            continue
        if all(any(word == want or word.endswith("/" + want) for word in line) for want in wanted):
            found.append(pid)
    return found


def strike(
    root: int, target: str, action: str, freeze_seconds: float, chance: random.Random
) -> dict[str, object] | None:
    """One fault; None where no such process runs just now."""
    pids = find(root, target)
    if not pids:
        return None
    pid = chance.choice(sorted(pids))
    at = time.time()
    try:
        os.kill(pid, signal.SIGKILL if action == "kill" else signal.SIGSTOP)
        if action == "freeze":
            time.sleep(freeze_seconds)
            os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return None
    return {"at": at, "target": target, "action": action, "pid": pid, "seconds": time.time() - at}


def next_fault(
    root: int, owed: list[tuple[str, str]], freeze_seconds: float, chance: random.Random
) -> dict[str, object]:
    """The first of the owed kinds that finds a process; it is owed no more."""
    deadline = time.monotonic() + PATIENCE
    while True:
        late = time.monotonic() > deadline
        for kind in drawn(len(KINDS), chance) if late else dict.fromkeys(owed):
            if (fault := strike(root, *kind, freeze_seconds, chance)) is not None:
                owed.remove(kind if kind in owed else owed[0])
                return fault
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=int, required=True, help="process id of the stack's supervisor")
    parser.add_argument("--faults", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="time over which the faults are spread")
    parser.add_argument("--freeze", type=float, required=True, help="how long a freeze lasts")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    began = time.monotonic()
    owed = drawn(arguments.faults, chance)
    for moment in sorted(chance.uniform(0, arguments.seconds) for _ in range(arguments.faults)):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        fault = next_fault(arguments.root, owed, arguments.freeze, chance)
        with arguments.log.open("a") as log:
            log.write(json.dumps(fault) + "\n")


if __name__ == "__main__":
    main()
