"""A user's tokenizer.json, loaded and tried on odd texts, in a process of its own: the library may panic, take all memory, or never come back.

    python -I trial.py tokenizer.json     # {"vocabulary": 30522}, or {"refused": ..., "message": ..., "hint": ...}

It needs the library `tokenizers` and nothing of ours.
"""

import json
import resource
import sys
from typing import Any

from tokenizers import Tokenizer

MEMORY = 2 * 2**30
"""Bytes of address space."""
SECONDS = 30
"""Of the processor."""
MOST = 2**18 - 2
"""Token numbers."""
LONG = 4096
"""Characters of a text that repeats one."""
LOT = 64
EVERY = 53
"""One of so many characters of Unicode is tried."""
SURROGATES = range(0xD800, 0xE000)
PIECES = ("ab", "a b ", "1234567890", "\n\t", "A!", "é", "日本", "\u200b", "\u202e", "e\u0301", "a-", "....,")


def main(path: str) -> dict[str, Any]:
    """What is said of it."""
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (most, most))
    try:
        tokenizer = Tokenizer.from_file(path)
    except BaseException as error:  # noqa: BLE001  # a panic of the library is no Exception
        return refused("invalid", f"it is no tokenizer.json that the library can load: {words(error)}")
    if getattr(tokenizer.model, "dropout", None):
        hint = "Set model.dropout to null: a text must have the same tokens each time."
        return refused("random", "its model leaves out merges at random (model.dropout)", hint)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    numbers = tokenizer.get_vocab(with_added_tokens=True).values()
    vocabulary = max([tokenizer.get_vocab_size(with_added_tokens=True), *(number + 1 for number in numbers)])
    if not 0 < vocabulary <= MOST:
        return refused("too_large", f"its token numbers go up to {vocabulary - 1:,}; {MOST:,} is the most")
    try:
        highest = max(max(one.ids, default=0) for lot in lots() for one in encoded(tokenizer, lot))
    except BaseException as error:  # noqa: BLE001  # here, too
        hint = (
            "Has it a token for what it does not know (unk_token, unk_id), and a pattern that any text can be cut by?"
        )
        return refused("fails", f"it fails at a text: {words(error)}", hint)
    if highest >= vocabulary:
        return refused("invalid", f"it gives token {highest:,} and names {vocabulary:,} only")
    return {"vocabulary": vocabulary}


def encoded(tokenizer: Tokenizer, texts: list[str]) -> list[Any]:
    """ValueError: not the same each time."""
    found, again = (tokenizer.encode_batch(texts, add_special_tokens=False) for _ in range(2))
    if any(one.ids != other.ids for one, other in zip(found, again, strict=True)):
        raise ValueError("a text has other tokens the second time")
    return found


def lots() -> list[list[str]]:
    """Texts to try: every kind of character alone, and long texts without an end in sight."""
    letters = [chr(code) for code in [*range(1, 0x300), *range(0x300, 0x110000, EVERY)] if code not in SURROGATES]
    alone = ["".join(letters[i : i + 8]) for i in range(0, len(letters), 8)]
    long = [letter * LONG for letter in map(chr, range(32, 127))]
    long += [piece * (LONG // len(piece)) for piece in PIECES]
    long += ["a" * 64 + "!", "word " * 6000, "", " "]
    texts = [*alone, *long]
    return [texts[i : i + LOT] for i in range(0, len(texts), LOT)]


def refused(why: str, message: str, hint: str | None = None) -> dict[str, Any]:
    return {"refused": why, "message": message, "hint": hint}


def words(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
