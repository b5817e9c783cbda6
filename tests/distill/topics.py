"""Texts with any number of topics, a few words of each: a made data set whose labels can be learned from the words."""

import json
import random
from pathlib import Path

WORDS = {
    "animals": ("cat", "dog", "horse", "mouse", "goat", "otter", "heron", "finch"),
    "plants": ("oak", "rose", "fern", "moss", "birch", "tulip", "reed", "clover"),
    "stones": ("basalt", "flint", "slate", "marble", "granite", "quartz", "jasper", "chalk"),
    "weather": ("rain", "hail", "fog", "thunder", "frost", "breeze", "drizzle", "sleet"),
}
FILLER = ("the", "a", "near", "under", "old", "small", "grey", "by", "with", "some", "of", "and", "over", "beside")
SHARES = {"animals": 0.5, "plants": 0.35, "stones": 0.25, "weather": 0.08}
"""Of the texts; the last one is rare."""


def topics(number: int, seed: int) -> tuple[list[str], list[list[str]]]:
    """Distinct texts and their topics, none of them in some."""
    source = random.Random(seed)
    found: dict[str, list[str]] = {}
    while len(found) < number:
        own = [name for name, share in SHARES.items() if source.random() < share]
        words = [word for name in own for word in source.sample(WORDS[name], source.randint(1, 2))]
        words += source.choices(FILLER, k=source.randint(3, 7))
        source.shuffle(words)
        found[" ".join(words)] = own
    return list(found), list(found.values())


def write(folder: Path, train: int = 600, test: int = 200) -> tuple[Path, Path]:
    """train.jsonl and test.jsonl."""
    texts, names = topics(train + test, 7)
    rows = [json.dumps({"text": text, "topics": own}) + "\n" for text, own in zip(texts, names, strict=True)]
    paths = folder / "train.jsonl", folder / "test.jsonl"
    for path, part in zip(paths, (rows[:train], rows[train:]), strict=True):
        path.write_text("".join(part))
    return paths
