"""The texts in a teacher's reply: a JSON array of strings was asked for, and a list of lines is taken too."""

import json
import re
from dataclasses import dataclass

from distill.answers.choices import BARRED, CUT
from spec.gateway import Answer

FENCE = re.compile(r"^\s*```\w*\s*|\s*```\s*$")
ITEM = re.compile(r"^\s*(?:\(?\d{1,4}[.):]|[-*\u2022])\s+(.*\S)\s*$")
"""`1. text`, `1) text`, `(1) text`, `- text`."""
QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u00ab": "\u00bb", "`": "`"}
BETWEEN = " \t\r\n,"
DECODER = json.JSONDecoder()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one reply holds."""

    texts: tuple[str, ...] = ()
    unparseable: int = 0
    """Items, or lines, that are no text; of a reply that is no list at all, one."""


def read(answer: Answer) -> Reading:
    """Never fails: what cannot be read is counted."""
    if answer.refused or answer.finish_reason in BARRED:
        return Reading(unparseable=1)
    text = FENCE.sub("", answer.text)
    return _array(text) or _lines(text, cut=answer.finish_reason in CUT) or Reading(unparseable=1)


def _array(text: str) -> Reading | None:
    """Of a JSON array, item by item, so that one that is broken off still gives its first ones; None: there is none."""
    start = text.find("[")
    if start < 0 or ITEM.match(text):
        return None
    place, texts, odd = start + 1, [], 0
    while True:
        while place < len(text) and text[place] in BETWEEN:
            place += 1
        if text[place : place + 1] == "]":
            break
        try:
            item, place = DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            odd += 1
            break
        said = _said(item)
        texts += [said] if said else []
        odd += not said
    return Reading(texts=tuple(texts), unparseable=odd) if texts else None


def _said(item: object) -> str:
    """A string, or of an object its only value or its `text`, beside which a teacher may write a label; "" for anything else."""
    if isinstance(item, dict):
        item = next(iter(item.values())) if len(item) == 1 else item.get("text")
    return _clean(item) if isinstance(item, str) else ""


def _lines(text: str, *, cut: bool) -> Reading | None:
    """Of numbered lines or lines with a mark; None: there is none. A line before the first that ends in a colon announces them."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [ITEM.match(line) for line in lines]
    if not any(found):
        return None
    first = next(i for i, one in enumerate(found) if one)
    announced = sum(line.rstrip().endswith(":") for line in lines[:first])
    said = [_clean(one[1]) for one in found if one]
    if cut and found[-1]:
        said[-1] = ""
    texts = tuple(one for one in said if one)
    return Reading(texts=texts, unparseable=len(lines) - announced - len(texts))


def _clean(text: str) -> str:
    """Without the quotes around the whole of it, and without characters that no text may hold."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd").strip()
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text
