"""`python -m examples.docstrings docstrings.jsonl`: one line a row, with id, text, label and split."""

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from examples.docstrings.texts import ROWS, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=1, help="of the modules drawn, their splits and the order of rows")
    parser.add_argument("--rows", type=int, default=ROWS, help="at most, of each library")
    asked = parser.parse_args()
    made = rows(asked.seed, asked.rows)
    asked.path.write_text("".join(json.dumps(asdict(row)) + "\n" for row in made))
    print(
        f"{len(made):,} rows of {len({row.label for row in made})} classes: {dict(Counter(row.split for row in made))}"
    )


if __name__ == "__main__":
    main()
