"""The encoder's own tokens, by which the server bills."""

from functools import lru_cache
from itertools import pairwise

from tokenizers import Tokenizer


class Tokens:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.ids = lru_cache(4096)(self._ids)
        self.pieces = lru_cache(4096)(self._pieces)
        self.known: dict[int, None] = {}  # hashes of the beginnings of earlier prompts

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def _pieces(self, text: str) -> list[str]:
        """The text's own characters, token by token: what lies between two tokens goes with the second."""
        ends = [end for _, end in self.tokenizer.encode(text, add_special_tokens=False).offsets]
        found = [text[start:end] for start, end in pairwise([0, *ends])]
        return found if not ends or ends[-1] == len(text) else [*found[:-1], found[-1] + text[ends[-1] :]]

    def prompt(self, contents: tuple[str, ...], floor: int) -> tuple[int, int]:
        """(tokens, of them cached): the longest beginning that an earlier prompt had, in `floor` tokens and steps of 128."""
        ids = tuple(token for content in contents for token in self.ids(content))
        lengths = range(floor, len(ids) + 1, 128)
        digests = {length: hash(ids[:length]) for length in lengths}
        cached = max((length for length, digest in digests.items() if digest in self.known), default=0)
        self.known |= dict.fromkeys(digests.values())
        for stale in list(self.known)[: max(0, len(self.known) - 10_000)]:
            del self.known[stale]
        return len(ids), cached
