"""Whether the ONNX file answers as torch does."""

import numpy as np

from distill.export.contenders import Network
from distill.export.engines import Array, onnx_call, torch_call
from distill.report.efficiency import Conversion
from spec.problem import Problem, Refused

TOLERANCE = 1e-4
"""Of a logit; relative where logits are large."""
BATCH = 512


def compare(network: Network, model: bytes, rows: Array) -> Conversion:
    """The largest difference of a logit over all rows. Refused (`conversion_differs`): more than float32's own noise."""
    converted, original = onnx_call(model, 1, network.features), torch_call(network.module, network.signature.input)
    largest, scale = 0.0, 1.0
    for first in range(0, len(rows), BATCH):
        part = np.ascontiguousarray(rows[first : first + BATCH])
        expected = original(part)
        # np.maximum, unlike max, keeps a NaN.
        largest = float(np.maximum(largest, np.abs(converted(part) - expected).max()))
        scale = float(np.maximum(scale, np.abs(expected).max()))
    if not largest <= TOLERANCE * scale:
        message = (
            f"The ONNX file differs from torch by {largest:.2g} of a logit, where {TOLERANCE * scale:.2g} is noise."
        )
        hint = "The weights themselves are good; please report this with the step's run folder."
        raise Refused(Problem(code="conversion_differs", message=message, hint=hint))
    return Conversion(rows=len(rows), largest_difference=largest, tolerance=TOLERANCE * scale)
