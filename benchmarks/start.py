"""`make up` to ready, and what the idle stack holds in memory (proportional set size: shared pages are counted once).

python -m benchmarks.start --rounds 5
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from standalone.stack import Stack
from tests.chaos.killer import descendants

MB = 1e6


def proportional_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def memory(stack: Stack) -> dict[str, float]:
    """MB by process of the stack, its own children in it."""
    tree = {process.name: [process.pid, *descendants(process.pid)] for process in stack.processes}
    return {name: sum(map(proportional_bytes, pids)) / MB for name, pids in tree.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    seconds, held = [], dict[str, float]()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(parser.parse_args().rounds + 1):
            began = time.perf_counter()
            with Stack(Path(folder) / "home") as stack:
                seconds.append(time.perf_counter() - began)
                held = memory(stack)
    print(f"up to ready: first {seconds[0]:.1f} s, then median {median(seconds[1:]):.1f} s   (promised: 4 warm)")
    print(
        f"idle stack: {sum(held.values()):.0f} MB   (promised: 300)   "
        + ", ".join(f"{k} {v:.0f}" for k, v in held.items())
    )


if __name__ == "__main__":
    main()
