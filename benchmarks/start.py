"""`make up` to ready, and what the idle stack holds in memory: the whole tree of processes, its supervisor too.

Memory is the proportional set size (shared pages are counted once), some seconds after the stack was ready.

    python -m benchmarks.start --rounds 5
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from standalone.process import ROOT
from tests.chaos.killer import TARGETS, descendants, words

MB, IDLE = 1e6, 5.0


def proportional_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def name_of(pid: int) -> str:
    """What a process is, by its command line; PostgreSQL's backends are its own."""
    line = words(pid)
    for name, wanted in TARGETS.items():
        if all(any(word == want or word.endswith(f"/{want}") for word in line) for want in wanted):
            return name
    return "postgres" if any("postgres" in word for word in line[:1]) else "supervisor"


def memory(root: int) -> dict[str, float]:
    """MB by kind of process."""
    held: dict[str, float] = {}
    for pid in (root, *descendants(root)):
        name = name_of(pid)
        held[name] = held.get(name, 0.0) + proportional_bytes(pid) / MB
    return held


@contextmanager
def up(home: Path) -> Iterator[int]:
    """`make up`, as it is typed but for make itself, until it says that it is ready; then its process id."""
    command = [sys.executable, "-m", "standalone", "--home", str(home), "up", "--port", "8499"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, process_group=0) as stack:
        assert stack.stdout is not None
        try:
            if "ready" not in stack.stdout.readline():
                raise SystemExit("the stack did not start")
            yield stack.pid
        finally:
            stack.send_signal(signal.SIGINT)
            stack.stdout.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    seconds, held = [], dict[str, float]()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(parser.parse_args().rounds + 1):
            began = time.perf_counter()
            with up(Path(folder) / "home") as root:
                seconds.append(time.perf_counter() - began)
                time.sleep(IDLE)
                held = memory(root)
    print(f"up to ready: first {seconds[0]:.1f} s, then median {median(seconds[1:]):.1f} s   (promised: 4 warm)")
    told = ", ".join(f"{name} {value:.0f}" for name, value in sorted(held.items()))
    print(f"idle stack: {sum(held.values()):.0f} MB   (promised: 300)   {told}")


if __name__ == "__main__":
    main()
