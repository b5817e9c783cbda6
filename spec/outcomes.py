"""What becomes of rows that a teacher is asked about, and of texts that it writes: the words, and the files in which steps tell it."""

from typing import Literal

Kind = Literal["answered", "refused", "empty", "truncated", "unparseable", "failed"]
"""Of one row. `failed`: its call got no answer."""
Fate = Literal["kept", "heldout", "train", "new", "spare"]
"""Of one text. `heldout`, `train`, `new`: near a held-out or validation row, another row, a text that was kept; `spare`: enough were there."""

ANSWERS = "answers.jsonl"
"""Output of steps that ask or filter: a line a row that was asked about."""
TEXTS = "texts.jsonl"
"""Output of a step that has texts written: a line a text that came."""
