"""Models in ONNX files, run on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from distill.students.scaling import Scaling
from spec.facts import InputSignature

DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
"""Types of input that a model may ask for."""


class OnnxModel:
    """Raw rows to the first output. A file whose batch has a fixed size is fed batches of it, the last one filled up."""

    def __init__(self, path: Path, signature: InputSignature, threads: int) -> None:
        self._session = session(path, threads)
        self._scaling = Scaling.of(signature)
        entry = self._session.get_inputs()[0]
        self._input, self._output = entry.name, self._session.get_outputs()[0].name
        self._dtype = DTYPES[entry.type]
        self._batch = entry.shape[0] if isinstance(entry.shape[0], int) else None
        given = tuple(entry.shape[1:])
        self._shape = given if all(isinstance(size, int) for size in given) else signature.shape

    def __call__(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """(B, *shape) -> (B, V). MemoryError: there is not enough for so many rows."""
        x = self._scaling.of_numpy(raw).astype(self._dtype, copy=False).reshape(len(raw), *self._shape)
        step = self._batch or max(len(x), 1)
        parts = [self._answer(x[first : first + step]) for first in range(0, max(len(x), 1), step)]
        return np.concatenate(parts)[: len(x)].astype(np.float32, copy=False)

    def _answer(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        missing = self._batch - len(x) if self._batch else 0
        if missing and len(x):
            x = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)])
        try:
            found: npt.NDArray[Any] = self._session.run([self._output], {self._input: x})[0]
        except RuntimeException as error:  # no RuntimeError, whatever its name says
            if "allocate memory" in str(error):
                raise MemoryError(str(error)) from error
            raise
        return found


def session(model: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session, of a file or its content, that keeps to its threads and does not spin while it waits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    content = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
