"""`make bench-service`: each speed beside its anchor, in one run.

step    the training step beside a bare torch loop
job     a job beside its steps by hand
upload  an upload beside a bare route
start   from nothing to ready, and the idle stack's memory
"""

import argparse
import subprocess
import sys

PARTS = ("step", "job", "upload", "start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    for part in parser.parse_args().only:
        print(f"== {part}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=True)


if __name__ == "__main__":
    main()
