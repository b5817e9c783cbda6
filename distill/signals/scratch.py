"""Arrays that may be larger than memory: in a file without a name, which the system keeps in memory as far as there is room."""

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt


def scratch(folder: Path, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Float32 zeros. The file vanishes with the array, or with the process."""
    if 0 in shape:
        return np.zeros(shape, dtype=np.float32)
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.asarray(np.memmap(file, dtype=np.float32, mode="w+", shape=shape))
