"""What a result's bytes hang on besides its inputs."""

import platform

import numpy as np
import torch


def versions() -> dict[str, str]:
    """Of the interpreter and the libraries that compute."""
    return {"python": platform.python_version(), "torch": str(torch.__version__), "numpy": np.__version__}
