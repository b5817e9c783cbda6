"""Files that inspection must refuse, each made of a good one."""

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from safetensors.numpy import save

CLASSES = ["a", "b"]
SIGNATURE: dict[str, Any] = {
    "input": {"kind": "array", "shape": [4]},
    "output": {"kind": "classes", "classes": CLASSES},
}
MLP: dict[str, Any] = {"type": "mlp", "hidden_sizes": [3]}
ASKED: dict[str, Any] = {"architecture": MLP, "signature": SIGNATURE}


def tensors(**changed: np.ndarray | None) -> dict[str, np.ndarray]:
    """Of an mlp that takes 4 numbers, has 3 hidden units and gives 2 scores; `hidden0_weight=None` leaves one out."""
    good = {
        "hidden0.weight": np.ones((3, 4), np.float32),
        "hidden0.bias": np.zeros(3, np.float32),
        "output.weight": np.ones((2, 3), np.float32),
        "output.bias": np.zeros(2, np.float32),
    }
    changes = {name.replace("_", ".", 1): value for name, value in changed.items()}
    return {name: value for name, value in (good | changes).items() if value is not None}


def safetensors(**changed: np.ndarray | None) -> bytes:
    return save(tensors(**changed))


def header(text: bytes | dict[str, Any], body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with any header, and any length told of it."""
    written = text if isinstance(text, bytes) else json.dumps(text).encode()
    return (len(written) if length is None else length).to_bytes(8, "little") + written + body


def torch_zip() -> bytes:
    """What torch.save writes: a zip with a pickle in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({"weight": 1}))
        archive.writestr("model/version", "3")
    return packed.getvalue()


def model_of(
    *nodes: onnx.NodeProto, constants: list[TensorProto] | None = None, opsets: Mapping[str, int] = {}
) -> bytes:
    """An ONNX model from 4 numbers to 2 scores."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], np.ones(8, np.float32).tobytes(), raw=True)
    graph = helper.make_graph(
        list(nodes) or [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        constants if constants is not None else [weights],
    )
    imports = [helper.make_opsetid("", 18), *(helper.make_opsetid(name, n) for name, n in opsets.items())]
    written: bytes = helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()
    return written


def external() -> bytes:
    """Weights that lie in another file."""
    weights = TensorProto(name="w", dims=[4, 2], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value="/etc/passwd")
    return model_of(constants=[weights])


def custom() -> bytes:
    return model_of(helper.make_node("Magic", ["x"], ["y"], domain="my.company"), opsets={"my.company": 1})


def csv(*lines: str) -> bytes:
    return "\n".join(["x0,x1,label", *lines, ""]).encode()


def npz(**arrays: np.ndarray) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=True, **arrays)
    return packed.getvalue()


def cut(content: bytes) -> bytes:
    """As a copy that broke off half way."""
    return content[: len(content) // 2]


def packed(content: bytes) -> bytes:
    return gzip.compress(content, 1)
