"""What a text is made of, by kinds of writing that tokenizers treat unlike each other: from it its tokens are reckoned, whatever the tokenizer is."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Kind = Literal[
    "prose", "latin", "digits", "symbols", "cyrillic", "arabic", "alphabets", "abugidas", "han", "kana", "hangul"
]
"""`prose`: Latin letters as English prose has them; `latin`: those of other languages, of names and of codes; `symbols`: punctuation, breaks of lines and
indentation, emoji; `alphabets`: Greek, Hebrew, Armenian, Georgian; `abugidas`: Devanagari and its kin, Thai, Khmer, Ethiopic."""
KINDS: tuple[Kind, ...] = get_args(Kind)
Makeup = Mapping[str, float]
"""Of one byte of a text (UTF-8), how much is of each kind: bytes, but symbols by their number. Blanks between words belong to the words."""

LETTERS = {
    "latin": r"A-Za-z\u00aa-\u024f\u0300-\u036f\u1e00-\u1eff",
    "cyrillic": r"\u0400-\u052f",
    "arabic": r"\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "alphabets": r"\u0370-\u03ff\u1f00-\u1fff\u0530-\u05f4\u10a0-\u10ff",
    "abugidas": r"\u0900-\u109f\u1200-\u137f\u1780-\u17ff",
    "han": r"\u2e80-\u2fdf\u3005\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "kana": r"\u3041-\u30ff\u31f0-\u31ff",
    "hangul": r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
}
PIECES = re.compile(
    "|".join(f"(?P<{kind}>[{letters}]+)" for kind, letters in LETTERS.items())
    + r"|(?P<digits>\d+)|(?P<between> (?=\w))|(?P<blank>\s+)|(?P<symbols>(?P<one>.)(?P=one)*)",
    re.DOTALL,
)
COMMON = frozenset(
    re.findall(
        r"\w+",
        "the of and to a in is it that for was on are as with his they at be this from have or by one had not but what all were we when your can "
        "said there use an each which she do how their if will up other about out many then them these so some her would make like him into time "
        "has look two more go see no way could my than been who its now did get come made may part over new down only where after most us i you "
        "he me our any just also very because does much even here such being same too",
    )
)
"""Frequent words of English, by which its prose is known."""
ENGLISH = 0.4
"""Of the words of English prose, at least, are among them."""
BEYOND = 4
"""Symbols that one outside of the basic plane counts as, such as an emoji: it has about as many tokens."""


def amounts(texts: Iterable[str]) -> dict[Kind, float]:
    """How much of each kind all of them hold together."""
    found: dict[str, float] = dict.fromkeys((*KINDS, "between", "blank"), 0.0)
    words = common = 0
    for text in texts:
        for piece in PIECES.finditer(text):
            kind, said = str(piece.lastgroup), piece[0]
            if kind == "latin":
                words += 1
                common += said.lower() in COMMON
            if kind in ("symbols", "blank"):
                found["symbols"] += 1 if said < "\U00010000" else BEYOND * len(said)
            else:
                found[kind] += len(said.encode())
    english = min(1.0, common / words / ENGLISH) if words else 0.0
    found["prose"], found["latin"] = english * found["latin"], (1 - english) * found["latin"]
    return {kind: found[kind] for kind in KINDS if found[kind]}


def makeup(texts: Iterable[str]) -> dict[str, float]:
    """Of a byte of these texts; {} where there is none."""
    known = list(texts)
    size = sum(len(text.encode()) for text in known)
    return {kind: round(amount / size, 5) for kind, amount in amounts(known).items()} if size else {}
