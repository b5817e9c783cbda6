"""How the objective is minimised."""

from typing import Annotated, Literal

from pydantic import Field

from spec.part import Auto, Part, Seed


class Training(Part):
    """One pass of the loop in `distill/loop.py`. A seed gives the same bytes on one machine class and thread count."""

    epochs: Annotated[float, Field(gt=0, le=100000)] | None = None
    """Passes over the training rows and their jittered copies, fractions too."""
    steps: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """Optimizer steps. One of epochs and steps; neither: 20 epochs."""
    batch_size: Auto | Annotated[int, Field(ge=1, le=1_048_576)] = "auto"
    """Rows of an optimizer step. `auto`: 64 up to 10,000 training rows, 256 above."""
    learning_rate: Auto | Annotated[float, Field(gt=0, le=100)] = "auto"
    """Peak of the schedule. `auto`: sgd 0.1; adamw 0.001 for an mlp and a text_encoder, else 0.005."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    schedule: Literal["constant", "cosine", "one_cycle"] = "one_cycle"
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    seed: Seed = 0
    """Draws initial weights, batches and dropout."""
    precision: Auto | Literal["float32", "bfloat16"] = "auto"
    """`auto`: by architecture; float32 for all that there are."""
    select: Literal["last", "best"] = "last"
    """Which weights are kept: the last, or the best on validation rows by the headline metric."""
    bias_correction: bool = False
    """Tune one offset for the classes absent from the transfer set, on validation rows (Hinton et al. 2015, section 3)."""
