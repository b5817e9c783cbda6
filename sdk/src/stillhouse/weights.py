"""State dicts as safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write(state: Mapping[str, Any], path: Path) -> Path:
    """Writes name -> torch tensor (on any device) or numpy array as safetensors. Needs the extra `arrays`.

    Raises TypeError where a value is neither.
    """
    from safetensors.numpy import save_file

    save_file({name: plain(name, value) for name, value in state.items()}, path)
    return path


def plain(name: str, value: Any) -> Any:
    """A contiguous numpy array; what numpy has no type for (bfloat16) becomes float32."""
    import numpy as np

    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float().numpy() if str(value.dtype) == "torch.bfloat16" else value.numpy()
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} is a {type(value).__name__}, not a tensor; give a state dict: model.state_dict()")
    return np.asarray(value, order="C")  # ascontiguousarray would give a scalar a dimension
