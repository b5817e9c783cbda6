"""`make demo`: two jobs and their proofs, on a service that runs on this machine. From the first upload on, only the public API is used."""

import argparse
import time

import torch

from examples.digits import demo as digits
from examples.docstrings import demo as docstrings
from examples.service import GIVEN, console, service
from stillhouse import Stillhouse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of teachers, students, batches and labelled rows")
    parser.add_argument(
        "--shuffle-teacher",
        action="store_true",
        help="teachers of digits that learned shuffled labels, and no second job",
    )
    asked = parser.parse_args()
    began = time.monotonic()
    torch.set_num_threads(1)
    with service(), Stillhouse() as client:
        digits.run(client, asked.seed, shuffle=asked.shuffle_teacher)
        if GIVEN and not asked.shuffle_teacher:
            console.print(
                "\nThe second job is left out: its teacher listens on this machine, where a given server may not reach it."
            )
        elif not asked.shuffle_teacher:
            docstrings.run(client, asked.seed)
    console.print(f"\nAll of it took {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
