"""tokenizer.json: an encoder's tokenizer in the format of the library `tokenizers`, which gives the same numbers for the same texts."""

import json
from typing import Any

from distill.students.encoder import FIRST, FIRST_MERGE, PIECE, SPACES
from distill.students.encoder import SEPARATOR as SEPARATOR_NUMBER

NONE, SEPARATOR = "<none>", "<separator>"
ONE, OTHER = ({"Sequence": {"id": name, "type_id": i}} for i, name in enumerate("AB"))
TEMPLATE: dict[str, Any] = {
    "type": "TemplateProcessing",
    "single": [ONE],
    "pair": [ONE, {"SpecialToken": {"id": SEPARATOR, "type_id": 1}}, OTHER],
    "special_tokens": {SEPARATOR: {"id": SEPARATOR, "ids": [SEPARATOR_NUMBER], "tokens": [SEPARATOR]}},
}
PRINTABLE = (*range(33, 127), *range(161, 173), *range(174, 256))
"""Bytes that GPT-2's alphabet writes as themselves; the others are written as the characters from 256 on."""


def tokenizer(merges: list[list[int]], max_tokens: int, pair: bool) -> str:
    """Of the rows of `tokens.merges`. `pair`: it is given two texts."""
    pairs = [(a, b) for a, b in merges if a >= 0]
    names = [NONE, SEPARATOR, *alphabet()]
    for a, b in pairs:
        names.append(names[a] + names[b])
    document: dict[str, Any] = {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": max_tokens, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": " "},
                {"type": "Lowercase"},
                {"type": "Replace", "pattern": {"Regex": SPACES}, "content": " "},
            ],
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PIECE}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
            ],
        },
        "post_processor": TEMPLATE if pair else None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
        "model": {
            "type": "BPE",
            "vocab": {name: number for number, name in enumerate(names)},
            "merges": [[names[a], names[b]] for a, b in pairs],
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def alphabet() -> list[str]:
    """A visible character for each byte."""
    assert FIRST_MERGE - FIRST == 256
    others = {byte: chr(256 + i) for i, byte in enumerate(sorted(set(range(256)) - set(PRINTABLE)))}
    return [others.get(byte, chr(byte)) for byte in range(256)]
