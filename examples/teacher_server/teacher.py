"""The teacher: MiniLM, frozen, with a linear head fitted on gold labels."""

import torch
from torch import Tensor
from torch.nn import functional as F

from examples.teacher_server.embeddings import Embeddings
from examples.teacher_server.encoder import WIDTH

SCALE, DECAY, STEPS = 20.0, 0.1, 500  # chosen on the validation split of the docstrings


class Teacher:
    """Knows `classes`; says their log-probabilities for a text."""

    def __init__(self, embeddings: Embeddings, classes: list[str], weight: Tensor, bias: Tensor) -> None:
        self.embeddings, self.classes, self.weight, self.bias = embeddings, classes, weight, bias

    def logprobs(self, texts: list[str]) -> Tensor:
        """Natural log-probabilities (B, K), in the order of `classes`."""
        with torch.inference_mode():
            return F.log_softmax(F.linear(self.embeddings(texts) * SCALE, self.weight, self.bias), 1)


def fit(embeddings: Embeddings, texts: list[str], labels: list[str]) -> Teacher:
    """A softmax regression on the unit vectors, by L-BFGS from zero in double precision, until it stands still: the loss is
    strictly convex in the weights, so that machines which add up in another order agree."""
    classes = sorted(set(labels))
    x, y = embeddings.of_set(texts).double() * SCALE, torch.tensor([classes.index(label) for label in labels])
    weight = torch.zeros(len(classes), WIDTH, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(len(classes), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=STEPS, tolerance_change=1e-12, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(F.linear(x, weight, bias), y) + DECAY * weight.square().sum() / 2
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # nor is this one
    return Teacher(embeddings, classes, weight.detach().float(), bias.detach().float())
