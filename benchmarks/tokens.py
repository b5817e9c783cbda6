"""The tokens that the first price of a job expects, beside those that real tokenizers make of the same texts.

A tokenizer stands for an endpoint: it counts the passages of a probe, and from these and from what a third of a set's texts is made of the tokens of all of
them are expected. Beside it: English prose alone, as the rate for everything. Tokenizers and translations come from packages that carry them.

    make bench-tokens        (STILLHOUSE_TEXTS=/path/with/sst2/and/trec for more sets)
"""

import argparse
import gzip
import json
import os
import random
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import quantiles
from typing import Any

from spec.facts import Capabilities
from spec.makeup import makeup
from spec.passages import PASSAGES, PROSE
from spec.tokens import SURE, Extent

MOST = 600
"""Texts of a set."""
FEWEST = 90
LANGUAGES = {
    "Latin letters": "de fr es pl tr vi fi hu cs",
    "Cyrillic": "ru uk",
    "Arabic": "ar fa",
    "alphabets": "el he ka hy",
    "abugidas": "hi bn ta te th km",
    "Chinese": "zh_Hans zh_Hant",
    "Japanese": "ja",
    "Korean": "ko",
}
LETTERS = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
GPT4 = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
GPT4O = "|".join(
    (
        rf"[^\r\n\p{{L}}\p{{N}}]?[{LETTERS}]*[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        rf"[^\r\n\p{{L}}\p{{N}}]?[{LETTERS}]+[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    )
)
CARRIED = "litellm/litellm_core_utils/tokenizers"
Count = Callable[[str], int]


def tokenizers(root: Path) -> Iterator[tuple[str, Count]]:
    """Name, and how many tokens it makes of a text."""
    for name, file, pattern in (
        ("cl100k (GPT-4)", f"{CARRIED}/9b5ad71b2ce5302211f9c61530b329a4922fc6a4", GPT4),
        ("o200k (GPT-4o)", f"{CARRIED}/fb374d419588a4632f3f557e76b4b70aebbca790", GPT4O),
        ("Qwen", "dashscope/resources/qwen.tiktoken", GPT4.replace("{1,3}", "")),
    ):
        lines = (line.split() for line in (root / file).read_bytes().splitlines() if line.strip())
        yield name, bytes_of(pattern, {b64decode(token): int(rank) for token, rank in lines})
    for name, file in (("Claude 2", "anthropic_tokenizer.json"), ("DeepSeek", "deepseek_tokenizer.json")):
        loaded = import_module("tokenizers").Tokenizer.from_file(str(root / CARRIED / file))
        yield name, ids_of(loaded)
    tekken = json.loads((root / "mistral_common/data/tekken_240911.json").read_bytes())
    config = tekken["config"]
    words = tekken["vocab"][: config["default_vocab_size"] - config["default_num_special_tokens"]]
    yield "Tekken (Mistral)", bytes_of(config["pattern"], {b64decode(one["token_bytes"]): one["rank"] for one in words})
    older = import_module("sentencepiece").SentencePieceProcessor(
        model_file=str(root / "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3")
    )
    yield "Mistral 7B", lambda text: len(older.encode(text))


def ids_of(loaded: Any) -> Count:
    return lambda text: len(loaded.encode(text, add_special_tokens=False).ids)


def bytes_of(pattern: str, ranks: dict[bytes, int]) -> Count:
    encoding = import_module("tiktoken").Encoding("one", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return lambda text: len(encoding.encode_ordinary(text))


def sets(root: Path, folder: Path | None) -> Iterator[tuple[str, str, list[str]]]:
    """(group, name, texts) of each set that is there."""
    code = [path.read_text() for path in sorted((root / "django/db").rglob("*.py"))]
    yield "code", "Python", ["\n".join(text.split("\n")[at : at + 20]) for text in code for at in range(0, 200, 20)]
    source = random.Random(1)
    yield (
        "code",
        "lines of a log",
        [
            f"2026-11-{source.randint(1, 28):02} {source.randint(0, 23):02}:{source.randint(0, 59):02}:07.{source.randint(0, 999):03} INFO [worker-{source.randint(1, 9)}] "
            f"request {source.getrandbits(64):016x} took {100 * source.random():.2f} ms status={source.choice((200, 404, 500))} ip=10.0.{source.randint(0, 255)}.7"
            for _ in range(MOST)
        ],
    )
    read = import_module("polib").pofile
    for group, codes in LANGUAGES.items():
        for code_of in codes.split():
            files = sorted((root / "django").rglob(f"locale/{code_of}/LC_MESSAGES/django.po"))
            said = (entry.msgstr for file in files for entry in read(str(file)))
            yield group, code_of, [text for text in said if "%" not in text and len(text.encode()) > 30]
    if folder is not None:
        yield from english(folder)


def english(folder: Path) -> Iterator[tuple[str, str, list[str]]]:
    if (path := folder / "sst2/train.tsv.gz").exists():
        yield "English", "SST-2", [line.split("\t")[0] for line in unpacked(path)[1:]]
    if (path := folder / "trec/TREC.train.all").exists():
        yield "English", "TREC", [line.split(" ", 1)[1] for line in path.read_text("latin-1").splitlines()]
    if (path := folder / "gsm8k/train.jsonl.gz").exists():
        rows = [json.loads(line) for line in unpacked(path)]
        yield "English", "GSM8K questions", [row["question"] for row in rows]
        yield "English", "GSM8K answers", [row["answer"] for row in rows]
        yield (
            "code",
            "JSON",
            [
                json.dumps({"id": at, "text": row["question"][:60], "ok": True, "share": at * 1.37})
                for at, row in enumerate(rows)
            ],
        )
    if (path := folder / "alpaca/alpaca_en_demo.json.gz").exists():
        yield (
            "English",
            "Alpaca",
            [row["output"] for row in json.loads(gzip.decompress(path.read_bytes())) if row["output"]],
        )
    if (path := folder / "wikitext2-dev/test.txt.gz").exists():
        yield "English", "WikiText-2", [line for line in unpacked(path) if len(line) > 50]
    if (path := folder / "tinyshakespeare/input.txt.gz").exists():
        yield "English", "Shakespeare", "\n".join(unpacked(path)).split("\n\n")
    if (path := folder / "names/names.txt").exists():
        yield "English", "names", path.read_text().splitlines()


def unpacked(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


@dataclass(frozen=True)
class Pair:
    """One set of texts by one tokenizer: real tokens to those that are expected of it, and to those by prose alone."""

    group: str
    name: str
    ratio: float
    by_prose: float


def compared(count: Count, known: list[tuple[str, str, list[str]]]) -> tuple[float, list[Pair]]:
    """Tokens of a probe's passages, and each set."""
    passages = {kind: float(count(passage)) for kind, passage in PASSAGES.items()}
    probe = Capabilities(passages=passages, tokens_per_byte=passages["prose"] / len(PROSE.encode()))
    pairs = []
    for group, name, texts in known:
        size, real = sum(len(text.encode()) for text in texts), sum(map(count, texts))
        expected = Extent.of(probe, size, makeup(texts[::3])).tokens
        pairs.append(Pair(group, name, real / expected, real / (size * probe.tokens_per_byte)))
    return sum(passages.values()), pairs


def drawn(found: Iterator[tuple[str, str, list[str]]]) -> Iterator[tuple[str, str, list[str]]]:
    for group, name, texts in found:
        random.Random(1).shuffle(texts)
        if len(texts) >= FEWEST:
            yield group, name, texts[:MOST]


def line(name: str, pairs: list[Pair]) -> str:
    within = sum(SURE[0] <= pair.ratio <= SURE[1] for pair in pairs) / len(pairs)
    ours, prose = (shown(ratios) for ratios in ([pair.ratio for pair in pairs], [pair.by_prose for pair in pairs]))
    return f"{name:18} {len(pairs):5} {ours}   {within:18.1%}   {prose}"


def shown(ratios: list[float]) -> str:
    cut = quantiles(ratios, n=20, method="inclusive")
    return f"{cut[0]:6.2f} {cut[9]:7.2f} {cut[18]:6.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="where the packages are installed")
    root = parser.parse_args().packages
    sys.path.append(str(root))
    folder = os.environ.get("STILLHOUSE_TEXTS")
    known = list(drawn(sets(root, Path(folder) if folder else None)))
    pairs: list[Pair] = []
    for tokenizer, count in tokenizers(root):
        tokens, found = compared(count, known)
        pairs += found
        least, most = (choose(found, key=lambda pair: pair.ratio) for choose in (min, max))
        between = f"from {least.ratio:.2f} ({least.name}) to {most.ratio:.2f} ({most.name})"
        print(f"{tokenizer:18} passages of a probe: {tokens:5,.0f} tokens; real to expected tokens {between}")
    print(
        f"\nreal to expected    sets     5%  median    95%   within {SURE[0]} to {SURE[1]}   by prose alone: 5%, median, 95%"
    )
    for group in dict.fromkeys(pair.group for pair in pairs):
        print(line(group, [pair for pair in pairs if pair.group == group]))
    print(line("all", pairs))


if __name__ == "__main__":
    main()
