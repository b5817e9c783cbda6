"""Names and shapes of a student's tensors: closed formulas, compared in distill's tests with torch's meta device.

Layers are counted from 0: `hidden0, norm0, hidden1, ...`, `conv0, norm0, ...`. `layer` in a convnet normalises a row's channels and
places together and scales by channel (one group: `GroupNorm(1, channels)`), so that its tensors do not depend on the image's size.
"""

from math import prod

from spec.student import Convnet, Mlp, Norm, Student, TextClassifier, TextEncoder

SINGLE_TOKENS = 258
"""Tokens of an encoder that are no pair: none, the separator, the bytes."""
PAIR = (2,)
"""Shape of a row of two texts; that of one is ()."""
Shapes = dict[str, tuple[int, ...]]
BUFFERS = (".running_mean", ".running_var", ".num_batches_tracked", ".merges")
"""Ends of the names that are kept with the weights, but are not learned by gradient."""


def tensors(student: Student, shape: tuple[int, ...], classes: int) -> Shapes:
    """Name -> shape of everything in `model.safetensors`, for rows of `shape`. `ValueError`: the architecture cannot take this shape, or contradicts itself."""
    match student:
        case Mlp():
            return _mlp(student, prod(shape), classes)
        case Convnet():
            return _convnet(student, shape, classes)
        case TextClassifier():
            return _text_classifier(student, classes)
        case TextEncoder():
            return _text_encoder(student, classes, shape == PAIR)


def parameters(student: Student, shape: tuple[int, ...], classes: int) -> int:
    """Numbers learned by gradient: all tensors but the running statistics of batch norms, and a tokenizer."""
    return sum(prod(size) for name, size in tensors(student, shape, classes).items() if not name.endswith(BUFFERS))


def pooled(shape: tuple[int, ...], blocks: int) -> tuple[int, int, int]:
    """(channels of the input, height, width after `blocks` poolings by 2) of an image (H, W) or (C, H, W).

    `ValueError`: not an image, or nothing is left of it.
    """
    if len(shape) not in (2, 3):
        raise ValueError(f"a convnet takes images of shape (H, W) or (C, H, W), not {shape}")
    channels, height, width = (1, *shape) if len(shape) == 2 else shape
    height, width = height >> blocks, width >> blocks
    if not height or not width:
        raise ValueError(f"{blocks} poolings by 2 leave nothing of an image of shape {shape}")
    return channels, height, width


def _mlp(student: Mlp, inputs: int, classes: int) -> Shapes:
    found: Shapes = {}
    for i, width in enumerate(student.hidden_sizes):
        found |= {f"hidden{i}.weight": (width, inputs), f"hidden{i}.bias": (width,)} | _norm(student.norm, i, width)
        inputs = width
    return found | {"output.weight": (classes, inputs), "output.bias": (classes,)}


def _convnet(student: Convnet, shape: tuple[int, ...], classes: int) -> Shapes:
    found: Shapes = {}
    inputs, height, width = pooled(shape, len(student.channels))
    for i, channels in enumerate(student.channels):
        found |= {f"conv{i}.weight": (channels, inputs, 3, 3), f"conv{i}.bias": (channels,)}
        found |= _norm(student.norm, i, channels)
        inputs = channels
    found |= {"hidden.weight": (student.hidden, inputs * height * width), "hidden.bias": (student.hidden,)}
    return found | {"output.weight": (classes, student.hidden), "output.bias": (classes,)}


def _text_classifier(student: TextClassifier, classes: int) -> Shapes:
    """Row 0 of the embedding is no feature's, and stays zero."""
    embedding = {"embedding.weight": (student.buckets + 1, student.width)}
    return embedding | {"output.weight": (classes, student.width), "output.bias": (classes,)}


def _text_encoder(student: TextEncoder, classes: int, pair: bool) -> Shapes:
    width = student.width
    if width % student.heads:
        raise ValueError(f"a width of {width} cannot be divided by {student.heads} heads")
    found: Shapes = {} if student.tokenizer else {"tokens.merges": (student.vocabulary - SINGLE_TOKENS, 2)}
    found |= {"encoder.token.weight": (student.vocabulary, width)}
    found |= {"encoder.position.weight": (student.max_tokens, width)}
    if pair:
        found["encoder.segment.weight"] = (2, width)
    inner = {"norm1": (width,), "norm2": (width,), "qkv": (3 * width, width), "out": (width, width)}
    inner |= {"up": (4 * width, width), "down": (width, 4 * width)}
    layers = {f"layers.{i}.{name}": shape for i in range(student.layers) for name, shape in inner.items()}
    for name, shape in (layers | {"norm": (width,)}).items():
        found |= {f"encoder.{name}.weight": shape, f"encoder.{name}.bias": shape[:1]}
    return found | {"output.weight": (classes, width), "output.bias": (classes,)}


def _norm(norm: Norm, i: int, width: int) -> Shapes:
    if norm == "none":
        return {}
    learned: Shapes = {f"norm{i}.weight": (width,), f"norm{i}.bias": (width,)}
    if norm == "layer":
        return learned
    return learned | {
        f"norm{i}.running_mean": (width,), f"norm{i}.running_var": (width,), f"norm{i}.num_batches_tracked": ()
    }  # fmt: skip
