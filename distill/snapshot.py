"""What a training must keep to go on as if nothing had happened: weights, optimizer, random states, step, the best so far, the curve."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from distill.checkpoint import Damaged
from distill.report.figures import CurvePoint

Tensors = dict[str, torch.Tensor]
MODEL, OPTIMIZER, RANDOM, BEST, NOTES = (
    "model.safetensors", "optimizer.safetensors", "random.safetensors", "best.safetensors", "notes.json",
)  # fmt: skip


class Notes(BaseModel):
    """The part of a snapshot that is no tensor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int
    """Optimizer steps done; the cursor in the data is a function of it."""
    curve: tuple[CurvePoint, ...]
    loss_sum: float
    loss_steps: int
    """Losses since the last point of the curve."""
    best_step: int | None
    best_value: float | None
    micro_batch: int
    threads: int
    versions: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    model: Tensors
    optimizer: Tensors
    """By "<parameter>.<name>"."""
    random: Tensors
    best: Tensors | None
    notes: Notes

    def write(self, folder: Path) -> None:
        for name, held in ((MODEL, self.model), (OPTIMIZER, self.optimizer), (RANDOM, self.random), (BEST, self.best)):
            if held is not None:
                save_file(held, folder / name)
        (folder / NOTES).write_text(self.notes.model_dump_json())

    @classmethod
    def read(cls, folder: Path) -> "Snapshot":
        """Of verified files. Damaged: they are no snapshot."""
        try:
            notes = Notes.model_validate(json.loads((folder / NOTES).read_text()))
            best = load_file(folder / BEST) if (folder / BEST).exists() else None
            model, optimizer, random = (load_file(folder / name) for name in (MODEL, OPTIMIZER, RANDOM))
        except (OSError, ValueError, SafetensorError) as error:
            raise Damaged(f"it is no snapshot ({error})") from error
        return cls(model=model, optimizer=optimizer, random=random, best=best, notes=notes)


def random_states(device: torch.device) -> Tensors:
    """torch's generators, which draw dropout."""
    found = {"cpu": torch.get_rng_state()}
    return found | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def restore_random(held: Tensors, device: torch.device) -> None:
    torch.set_rng_state(held["cpu"])
    if device.type == "cuda" and "cuda" in held:
        torch.cuda.set_rng_state(held["cuda"], device)
