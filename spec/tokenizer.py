"""A tokenizer that the user uploads: what a job calls it, and what a student has of it."""

from spec.distillation import Distillation
from spec.facts import Facts, TokenizerFacts
from spec.student import Student, TextEncoder

FILE = "tokenizer.json"
"""Its name, beside the weights of every student that has one."""
RESERVED = 2
"""Numbers before those of the file: 0 is no token, 1 stands between two texts, and token i of the file is 2 + i."""
SMALLEST, LARGEST = 512, 2**18
"""Of a student's `vocabulary`: below the first some numbers are nobody's."""


def named(spec: Distillation) -> str | None:
    """As the job calls it; None: it is trained on the data."""
    return spec.student.tokenizer if isinstance(spec.student, TextEncoder) else None


def vocabulary(known: TokenizerFacts) -> int:
    """`vocabulary` of a student with this tokenizer."""
    return max(SMALLEST, known.vocabulary + RESERVED)


def sealed(student: Student, facts: Facts) -> Student:
    """As steps and weights know it: by the digest of the file, so that equal bytes are one tokenizer whatever they are called."""
    if not isinstance(student, TextEncoder) or student.tokenizer is None:
        return student
    return student.model_copy(update={"tokenizer": facts.tokenizers[student.tokenizer].digest})
