"""Jobs with copies of texts that the rules refuse, in the form of refused.py."""

from typing import Any

from spec.rules import words as rules
from tests.spec.builders import facts
from tests.spec.leaves import BAG, SIGNALS, WORDS
from tests.spec.refused_endpoints import known
from tests.spec.refused_synthesis import PAIRS

COPIES = WORDS["data.augment"]
# fmt: off
OF_WORDS: list[Any] = [
    (rules.copies_differ, WORDS | {"data.augment": {"type": "words", "drop": 0.0, "ngram": 0.0}}, known(),
      [("data.augment", "changes_nothing", "The copies are their rows: drop and ngram are zero.")]),
    (rules.copies_are_of_texts, WORDS, PAIRS,
      [("data.augment", "not_texts", "Words are left out of single texts, and the input is pairs of texts.")]),
    (rules.copies_are_of_texts, {"data.augment": COPIES}, facts(),
      [("data.augment", "not_texts", "Words are left out of single texts, and the input is image values.")]),
    (rules.copies_are_answered, BAG | {"data.augment": COPIES}, known(),
      [("data.augment", "copies_unanswered", "Copies of texts have no labels, and no teacher is there to score or answer them.")]),
    (rules.copies_are_answered, SIGNALS | {"data.augment": COPIES}, facts(),
      [("data.augment", "copies_unanswered", "Copies of texts have no labels, and no teacher is there to score or answer them.")]),
    (rules.copies_are_answered, WORDS | {"data.responses": {"type": "given"}}, known(),
      [("data.augment", "copies_unanswered", "Copies of texts have no labels, and no teacher is there to score or answer them.")]),
    (rules.new_rows_come_once, WORDS | {"data.synthesise": {"rows": 50}}, known(),
      [("data.augment", "new_rows_twice", "A job has copies of its texts or new texts of its teacher's, and both are wanted.")]),
]
