"""Models that are refused, each with its whole error."""

import pickle

import numpy as np

from tests.acceptance.bad import AGAIN, NAMES, PICKLES, SAVE, Bad, told
from tests.acceptance.uploads import (
    ASKED,
    MLP,
    SIGNATURE,
    custom,
    cut,
    external,
    header,
    model_of,
    safetensors,
    torch_zip,
)

NAN = np.array([[np.nan] * 3] * 2, np.float32)
TENSOR = {"t": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
MODELS: dict[str, Bad] = {
    "a pickle": Bad(
        pickle.dumps({"weight": 1}),
        "m.pkl",
        told("pickle_refused", "m.pkl: this is a Python pickle, as torch.save writes it.", hint=PICKLES, file="m.pkl"),
        ASKED,
    ),
    "torch.save": Bad(
        torch_zip(),
        "m.pt",
        told("pickle_refused", "m.pt: this is a Python pickle, as torch.save writes it.", hint=PICKLES, file="m.pt"),
        ASKED,
    ),
    "a pickle that says it is safetensors": Bad(
        pickle.dumps({}),
        "m.safetensors",
        told(
            "pickle_refused",
            "m.safetensors: this is a Python pickle, as torch.save writes it.",
            hint=PICKLES,
            file="m.safetensors",
        ),
        ASKED,
    ),
    "some text": Bad(
        b"hello, world",
        "m.txt",
        told(
            "unknown_model_format",
            "m.txt: this is neither safetensors nor ONNX.",
            hint="torch: safetensors.torch.save_file(model.state_dict(), 'model.safetensors'). scikit-learn: skl2onnx. Keras: tf2onnx. What cannot be converted can still teach by its answers: upload signals.",
            file="m.txt",
        ),
        ASKED,
    ),
    "a header of 2^63 bytes": Bad(
        header(TENSOR, b"\0" * 4, length=2**63),
        "m.safetensors",
        told(
            "header_invalid",
            "m.safetensors: its first 8 bytes tell of a header of 9,223,372,036,854,775,808 bytes.",
            hint=SAVE,
            file="m.safetensors",
        ),
        ASKED,
    ),
    "an over-long header": Bad(
        header(b'{"t":' + b" " * 11_000_000 + b"{}}"),
        "m.safetensors",
        told(
            "header_too_long",
            "m.safetensors: its header has 11,000,008 bytes; 10,485,760 are allowed.",
            file="m.safetensors",
        ),
        ASKED,
    ),
    "a header that is no JSON": Bad(
        header(b"{{{{"),
        "m.safetensors",
        told(
            "header_invalid",
            "m.safetensors: its header is not JSON (JSONDecodeError).",
            hint=SAVE,
            file="m.safetensors",
        ),
        ASKED,
    ),
    "a header that lies about offsets": Bad(
        header({"t": {"dtype": "F32", "shape": [1000], "data_offsets": [0, 4]}}, b"\0" * 4),
        "m.safetensors",
        told(
            "header_invalid",
            "m.safetensors: tensor 't' of F32 [1000] needs 4,000 bytes, its offsets are [0, 4].",
            hint=SAVE,
            file="m.safetensors",
        ),
        ASKED,
    ),
    "half a file": Bad(
        cut(safetensors()),
        "m.safetensors",
        told(
            "damaged_file",
            "m.safetensors: it cannot be read to its end (its header should have 272 bytes, the file has 186).",
            hint=AGAIN,
            file="m.safetensors",
        ),
        ASKED,
    ),
    "weights that are no numbers": Bad(
        safetensors(output_weight=NAN),
        "m.safetensors",
        told(
            "weights_not_finite",
            "m.safetensors: tensor 'output.weight' has NaN or infinite values.",
            hint="Did training diverge? Upload an earlier checkpoint.",
            file="m.safetensors",
        ),
        ASKED,
    ),
    "a tensor of another shape": Bad(
        safetensors(hidden0_weight=np.ones((3, 5), np.float32)),
        "m.safetensors",
        told(
            "tensor_shape",
            "m.safetensors: tensor 'hidden0.weight' has shape [3, 5]; the architecture needs [3, 4].",
            param="architecture",
            file="m.safetensors",
        ),
        ASKED,
    ),
    "a tensor too few": Bad(
        safetensors(hidden0_bias=None),
        "m.safetensors",
        told(
            "tensor_missing",
            "m.safetensors: tensor 'hidden0.bias' of shape [3] is missing.",
            hint=NAMES,
            file="m.safetensors",
        ),
        ASKED,
    ),
    "a tensor too many": Bad(
        safetensors(extra_weight=np.ones(2, np.float32)),
        "m.safetensors",
        told(
            "tensor_unexpected",
            "m.safetensors: tensor 'extra.weight' of shape [2] is not in the architecture.",
            hint=NAMES,
            file="m.safetensors",
        ),
        ASKED,
    ),
    "safetensors without an architecture": Bad(
        safetensors(),
        "m.safetensors",
        told(
            "architecture_missing",
            "safetensors need their architecture.",
            hint='Say what the tensors are, such as {"type": "mlp", "hidden_sizes": [800, 800]}.',
            param="architecture",
        ),
        {"signature": SIGNATURE},
    ),
    "ONNX without a signature": Bad(
        model_of(),
        "m.onnx",
        told(
            "signature_missing",
            "The file does not say what it takes and which classes it tells apart.",
            hint='{"input": {"kind": "image", "shape": [28, 28], "scale": 0.00392}, "output": {"kind": "classes", "classes": ["0", "1", ...]}}',
            param="signature",
        ),
    ),
    "ONNX with an architecture": Bad(
        model_of(),
        "m.onnx",
        told("architecture_unused", "An ONNX file is its own architecture.", param="architecture"),
        {"signature": SIGNATURE, "architecture": MLP},
    ),
    "ONNX with external data": Bad(
        external(),
        "m.onnx",
        told(
            "onnx_external_data",
            "m.onnx: tensor 'w' lies in another file.",
            hint="onnx.save(onnx.load('model.onnx'), 'one-file.onnx') writes one file.",
            file="m.onnx",
        ),
        {"signature": SIGNATURE},
    ),
    "ONNX with a custom operator": Bad(
        custom(),
        "m.onnx",
        told(
            "onnx_custom_operator",
            "m.onnx: operator 'Magic' is of domain 'my.company', which needs code that is not in the file.",
            hint="Export with standard operators only.",
            file="m.onnx",
        ),
        {"signature": SIGNATURE},
    ),
    "half an ONNX file": Bad(
        cut(model_of()),
        "m.onnx",
        told("damaged_file", "m.onnx: it cannot be read to its end (it is not ONNX).", hint=AGAIN, file="m.onnx"),
        {"signature": SIGNATURE},
    ),
    "ONNX that takes another shape": Bad(
        model_of(),
        "m.onnx",
        told(
            "onnx_input_shape",
            "m.onnx: its input has shape ['any', 4] with the batch; the signature's rows have [5].",
            file="m.onnx",
        ),
        {"signature": SIGNATURE | {"input": {"kind": "array", "shape": [5]}}},
    ),
}
