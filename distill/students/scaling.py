"""From raw values to what a network takes: value * scale + offset, as the signature says. Data stays raw, and travels as it came."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from spec.facts import InputSignature


@dataclass(frozen=True)
class Scaling:
    """Float32, broadcast over rows: a number, or one a channel (an array's channels are its last axis)."""

    scale: torch.Tensor
    offset: torch.Tensor
    scales: bool
    shifts: bool
    """Whether the two change anything."""
    text: bool = False
    """Bytes of texts, which are numbers of characters and are left as they are."""

    @classmethod
    def of(cls, signature: InputSignature, device: torch.device | str = "cpu") -> "Scaling":
        scale, offset = (_broadcast(value, signature).to(device) for value in (signature.scale, signature.offset))
        return cls(scale, offset, bool((scale != 1).any()), bool((offset != 0).any()), signature.kind == "text")

    def __call__(self, raw: torch.Tensor) -> torch.Tensor:
        """(B, *shape) of any dtype -> float32; bytes of texts as they are."""
        if self.text:
            return raw
        x = raw.float()
        x = x * self.scale if self.scales else x
        return x + self.offset if self.shifts else x

    def of_numpy(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The same outside of torch."""
        x = raw.astype(np.float32)
        x = x * self.scale.numpy() if self.scales else x
        return x + self.offset.numpy() if self.shifts else x


def shaped(raw: npt.NDArray[Any], signature: InputSignature) -> npt.NDArray[Any]:
    """Rows in the shape that the signature says; texts (B, L) have as many bytes as the longest of them."""
    return raw if signature.kind == "text" else raw.reshape(len(raw), *signature.shape)


def _broadcast(value: float | tuple[float, ...], signature: InputSignature) -> torch.Tensor:
    if not isinstance(value, tuple):
        return torch.tensor(value, dtype=torch.float32)
    channels = torch.tensor(value, dtype=torch.float32)
    return channels.reshape(-1, 1, 1) if signature.kind == "image" and len(signature.shape) == 3 else channels
