"""What a student costs a row, in arithmetic and memory: closed formulas over the shapes of its tensors."""

from math import prod

from spec.student import Student, TextClassifier, TextEncoder
from spec.tensors import PAIR, parameters, tensors

FLOAT = 4
"""Bytes: weights, gradients, activations and scores are float32."""


TYPICAL = 256
"""Bytes of a text, where nobody has measured them."""


def features(student: TextClassifier, shape: tuple[int, ...]) -> int:
    """Embeddings that a text of typical length looks up: about two words every six bytes, and a run of each length at every byte.

    Of a pair each text's own, and for each of the first one's two more, which say whether the second has it.
    """
    read = min(student.max_bytes, TYPICAL)
    return (4 if shape == PAIR else 1) * (read * len(student.byte_ngrams) + student.word_ngrams * (read // 6 + 1))


def tokens(student: TextEncoder, shape: tuple[int, ...]) -> int:
    """Tokens of a text of typical length, or of two and what stands between them: one every four bytes."""
    return min(student.max_tokens, TYPICAL // 2 + 1 if shape == PAIR else TYPICAL // 4)


def encoder_operations(student: TextEncoder, length: int, classes: int) -> int:
    """Of one text of `length` tokens: every layer's matrices at each token, each token with each other one, and `output`."""
    layer = 2 * length * 12 * student.width**2 + 4 * length**2 * student.width
    return student.layers * layer + 2 * student.width * classes


def layers(student: Student, shape: tuple[int, ...], classes: int) -> list[tuple[int, int, int]]:
    """(multiplications of a unit, units, positions) of each layer with weights, first to last, for one row of `shape`."""
    found = []
    for name, size in tensors(student, shape, classes).items():
        layer = name.removesuffix(".weight")
        if name.endswith(".weight") and len(size) > 1:
            block = int(layer.removeprefix("conv")) if layer.startswith("conv") else None
            places = 1 if block is None else (shape[-2] >> block) * (shape[-1] >> block)
            found.append((prod(size[1:]), size[0], places))
    return found


def operations(student: Student, shape: tuple[int, ...], classes: int) -> int:
    """Floating-point operations of one row's forward pass: two a multiplication."""
    if isinstance(student, TextClassifier):
        return student.width * (features(student, shape) + 2 * classes)
    if isinstance(student, TextEncoder):
        return encoder_operations(student, tokens(student, shape), classes)
    return sum(2 * inputs * units * places for inputs, units, places in layers(student, shape, classes))


def activations(student: Student, shape: tuple[int, ...], classes: int) -> int:
    """Values of one row that the backward pass needs: the input, and each layer's before and after its norm and ReLU."""
    if isinstance(student, TextClassifier):
        return 4 * features(student, shape) + 3 * (student.width + classes)
    if isinstance(student, TextEncoder):
        return tokens(student, shape) * student.width * (2 + 20 * student.layers) + 3 * (student.width + classes)
    return prod(shape) + sum(3 * units * places for _, units, places in layers(student, shape, classes))


def training_bytes(student: Student, shape: tuple[int, ...], classes: int, batch_size: int, copies: int) -> int:
    """Bytes of `copies` of the weights (the gradient, two moments and the best so far are such copies) and of one batch's activations."""
    held = copies * parameters(student, shape, classes)
    return FLOAT * (held + batch_size * activations(student, shape, classes))
