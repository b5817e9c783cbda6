"""Students: networks with documented tensor names, built without memory, filled from a seed or from a file."""

from math import sqrt
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from distill.seeds import derived
from distill.students import bag, encoder
from distill.students.convnet import convnet
from distill.students.mlp import mlp
from spec.facts import Signature
from spec.student import Convnet, Mlp, Student, TextClassifier, TextEncoder
from spec.tensors import PAIR
from spec.tokenizer import FILE


def build(student: Student, signature: Signature, tokenizer: Path | None = None) -> nn.Sequential:
    """The architecture on the meta device: names and shapes, no memory. It takes scaled inputs (B, *shape), or texts as padded bytes (B, L), and gives logits (B, V).

    `tokenizer`: the user's, where the student has one; it is opened at the first text.
    """
    shape, classes = signature.input.shape, len(signature.output.classes)
    with torch.device("meta"):
        match student:
            case Mlp():
                return mlp(student, shape, classes)
            case Convnet():
                return convnet(student, shape, classes)
            case TextClassifier():
                return nn.Sequential(bag.layers(student.model_dump(), classes, shape == PAIR))
            case TextEncoder():
                return nn.Sequential(encoder.layers(student.model_dump(), classes, shape == PAIR, tokenizer))


def initialised(
    student: Student,
    signature: Signature,
    seed: int,
    merges: torch.Tensor | None = None,
    tokenizer: Path | None = None,
) -> nn.Sequential:
    """On the CPU in float32, every weight and bias uniform in ±1/sqrt(inputs of a unit), as torch's own layers draw them.

    Drawn on the CPU whatever the device, so that a seed means one network everywhere. `merges`, `tokenizer`: of a text_encoder.
    """
    module = build(student, signature, tokenizer)
    # As `to_empty` does, which for the meta device imports sympy and all of torch's symbolic shapes.
    blank = {name: torch.empty(tensor.shape, dtype=tensor.dtype) for name, tensor in module.state_dict().items()}
    module.load_state_dict(blank, assign=True)
    source = torch.Generator().manual_seed(derived(seed, "weights"))
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = 1 / sqrt(layer.weight[0].numel())
            assert layer.bias is not None
            for tensor in (layer.weight, layer.bias):
                nn.init.uniform_(tensor, -bound, bound, generator=source)
        elif isinstance(layer, bag.Bag):
            bound = 1 / sqrt(layer.weight.shape[1])
            nn.init.uniform_(layer.weight, -bound, bound, generator=source)
            layer.weight.data[0] = 0
        elif isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, std=0.02, generator=source)
        elif isinstance(layer, encoder.Tokens):
            assert merges is not None
            layer.merges.copy_(merges)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm):
            layer.reset_parameters()
    return module


def loaded(student: Student, signature: Signature, path: Path) -> nn.Sequential:
    """From a safetensors file and the tokenizer beside it, in eval mode. RuntimeError: names or shapes differ from the architecture's."""
    module = build(student, signature, path.with_name(FILE))
    module.load_state_dict(load_file(path), strict=True, assign=True)
    return module.eval()


def constrain(module: nn.Sequential, max_norm: float) -> None:
    """Scales down, in place, the incoming weights of each hidden unit whose L2 norm exceeds `max_norm` (Hinton et al. 2012)."""
    with torch.no_grad():
        for name, layer in module.named_children():
            if name.startswith("hidden") and isinstance(layer, nn.Linear):
                layer.weight.renorm_(p=2, dim=0, maxnorm=max_norm)


def tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Everything that `model.safetensors` holds, on the CPU, apart from the module's own memory."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in module.state_dict().items()}
