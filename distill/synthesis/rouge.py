"""ROUGE-L between two texts: the longest common subsequence of their words (Lin 2004, section 3.2), as F1."""

import re
import unicodedata

WORD = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+")
"""A run of letters and digits; where words are written without spaces (Thai, Lao, Japanese, Chinese) each letter is one."""

Words = tuple[str, ...]


def words(text: str) -> Words:
    """Lower-cased, compatible spellings made one (NFKC). Of a text without any letter or digit: its signs, one by one."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return tuple(WORD.findall(folded)) or tuple("".join(folded.split()))


def common(first: Words, second: Words) -> int:
    """Length of the longest common subsequence.

    One number of len(first) bits holds a row of the usual table, and a row follows from the last by one addition (Crochemore et al. 2001;
    the form is that of Hyyrö 2004): a 0 at bit i says that the table grows there.
    """
    places: dict[str, int] = {}
    for i, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << i
    whole = (1 << len(first)) - 1
    row = whole
    for word in second:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & whole
    return len(first) - row.bit_count()


def rouge_l(first: Words, second: Words) -> float:
    """F1 of precision and recall: 2 LCS / (m + n). 0 where both are empty."""
    return 2 * common(first, second) / max(len(first) + len(second), 1)
