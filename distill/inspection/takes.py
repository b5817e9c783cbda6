"""Whether a signature fits the weights it is declared for."""

from math import prod

from onnx import TensorProto

from distill.data.jsonl import speakable
from distill.data.refusal import refuse
from spec.facts import InputSignature, Signature
from spec.part import LONGEST_LABEL
from spec.problem import Problem, Refused
from spec.student import Student, TextStudent
from spec.tensors import PAIR

TYPES: dict[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.FLOAT16: "float16",
    TensorProto.UINT8: "uint8",
}
"""Inputs of ONNX graphs that rows can be cast to."""


def check_signature(signature: Signature) -> None:
    """Refused: `class_name`, `class_twice`, `classes_too_few`, `shape_invalid`, `scaling_shape`."""
    given = signature.input
    check_classes(signature.output.classes)
    if given.kind == "text":
        if given.shape not in ((), PAIR):
            message = f"Texts have shape [], pairs of them [2], and the signature says {list(given.shape)}."
            raise _refused("shape_invalid", message, "signature.input.shape", "Leave the list empty.")
        if (given.scale, given.offset) != (1.0, 0.0):
            raise _refused("scaling_shape", "Texts are not scaled.", "signature.input.scale")
        return
    if not given.shape or min(given.shape) < 1 or prod(given.shape) > 2**24:
        raise _refused("shape_invalid", f"Rows cannot have shape {list(given.shape)}.", "signature.input.shape")
    if given.kind == "image" and len(given.shape) not in (2, 3):
        message = f"Images have shape (H, W) or (C, H, W), not {list(given.shape)}."
        raise _refused("shape_invalid", message, "signature.input.shape")
    for name, value in (("scale", given.scale), ("offset", given.offset)):
        channels = channels_of(given)
        if isinstance(value, tuple) and len(value) != channels:
            message = f"There are {len(value)} numbers for {channels or 'no'} channels."
            raise _refused("scaling_shape", message, f"signature.input.{name}", "One number, or one a channel.")


def check_classes(classes: tuple[str, ...]) -> None:
    """Refused: `class_name`, `class_twice`, `classes_too_few`."""
    if len(classes) < 2:
        raise _refused("classes_too_few", "A model tells two classes apart at least.", "signature.output.classes")
    odd = [name for name in classes if not 0 < len(name) <= LONGEST_LABEL or not speakable(name)]
    if odd:
        message = f"A class cannot be called {odd[0][:80]!r}."
        hint = f"Names have 1 to {LONGEST_LABEL} characters, and no NUL."
        raise _refused("class_name", message, "signature.output.classes", hint)
    if len(set(classes)) < len(classes):
        twice = next(name for i, name in enumerate(classes) if name in classes[:i])
        raise _refused("class_twice", f"Class {twice!r} is named twice.", "signature.output.classes")


def channels_of(given: InputSignature) -> int:
    """Of an image (C, H, W): C; of an array: its last dimension; an image (H, W) has none to tell apart."""
    if given.kind == "image":
        return given.shape[0] if len(given.shape) == 3 else 0
    return given.shape[-1]


def check_architecture(architecture: Student, given: InputSignature) -> None:
    """Refused (`architecture_shape`): students of texts take texts, and nothing else does."""
    if isinstance(architecture, TextStudent) != (given.kind == "text"):
        message = f"A {architecture.type} does not take rows of kind {given.kind}."
        raise _refused("architecture_shape", message, "signature.input.kind")


def check_input(dimensions: tuple[int | None, ...], dtype: str, signature: Signature, name: str) -> None:
    """Refused: `onnx_input_shape`, `onnx_scaled_integers`."""
    given = signature.input
    if given.kind == "text":
        message = "its signature takes texts, and an ONNX file of texts says nothing of how they are cut."
        raise refuse(
            "onnx_input_shape",
            name,
            message,
            "Upload safetensors of a text_classifier or text_encoder, or its signals.",
        )
    sizes = [size for size in dimensions[1:] if size is not None]
    known = len(sizes) == len(dimensions) - 1
    same = len(dimensions) - 1 == len(given.shape) and all(
        d in (None, s) for d, s in zip(dimensions[1:], given.shape, strict=True)
    )
    if not same and not (known and prod(sizes) == prod(given.shape)):
        shown = ["any" if size is None else size for size in dimensions]
        message = f"its input has shape {shown} with the batch; the signature's rows have {list(given.shape)}."
        raise refuse("onnx_input_shape", name, message)
    if "int" in dtype and (given.scale, given.offset) != (1.0, 0.0):
        message = f"its input is {dtype}, so the signature's scale and offset would be lost."
        raise refuse("onnx_scaled_integers", name, message, "Leave them out, or export with a float input.")


def _refused(code: str, message: str, param: str, hint: str | None = None) -> Refused:
    return Refused(Problem(code=code, message=message, param=param, hint=hint))
