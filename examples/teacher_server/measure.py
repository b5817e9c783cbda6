"""`python -m examples.teacher_server.measure`: how often the teacher is right on held-out texts, and what it takes for what."""

import argparse
import time
from collections import Counter
from pathlib import Path

import torch

from examples.teacher_server.__main__ import gold, teacher


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="what `python -m examples.docstrings` wrote; else the texts are made anew"
    )
    parser.add_argument("--cache", type=Path, help="a folder for the vectors of the training texts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--split", default="heldout", help="or validation, or train")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    begun = time.monotonic(), time.process_time()
    fitted = teacher(asked.data, asked.cache)
    took = time.monotonic() - begun[0], time.process_time() - begun[1]
    found = [(text, label) for text, label, split in gold(asked.data) if split == asked.split]
    said = [fitted.classes[best] for best in fitted.logprobs([text for text, _ in found]).argmax(1).tolist()]
    pairs = Counter((label, name) for (_, label), name in zip(found, said, strict=True))
    for label in fitted.classes:
        total = sum(count for (gold_label, _), count in pairs.items() if gold_label == label)
        wrong = Counter({name: count for (own, name), count in pairs.items() if own == label != name})
        print(f"{label:20} {pairs[label, label]:4} of {total:4}  {dict(wrong.most_common(3))}")
    right = sum(count for (label, name), count in pairs.items() if label == name)
    print(f"{right / len(found):.1%} of {len(found)} {asked.split} texts, {len(fitted.classes)} classes")
    print(f"ready after {took[0]:.1f} s, and {took[1]:.1f} s of processor time")


if __name__ == "__main__":
    main()
