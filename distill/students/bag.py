"""Text classifiers of hashed n-grams, to train and to score with: fastText's (Joulin et al. 2017). Legend: `B` texts, `L` bytes, `K` features, `D` width."""

from collections import OrderedDict
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from distill.students.ngrams import Ngrams


class Hashed(nn.Module):
    """Padded UTF-8 bytes (B, L) to bucket numbers (B, K), hashed on the processor."""

    def __init__(self, ngrams: Ngrams) -> None:
        super().__init__()
        self.ngrams = ngrams

    def forward(self, text_BL: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.ngrams(text_BL.cpu().numpy())).to(text_BL.device)


class Bag(nn.Module):
    """Bucket numbers (B, K) to (B, D): the mean of the features' embeddings, or their sum over the square root of their number.

    What dropout leaves out changes neither: the mean of those that are left stands for that of all.
    """

    def __init__(self, buckets: int, width: int, pooling: str, dropout: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(buckets + 1, width))
        self.pooling, self.dropout = pooling, dropout

    def forward(self, ids_BK: torch.Tensor) -> torch.Tensor:
        number_B1 = (ids_BK > 0).sum(1, keepdim=True)
        if self.training and self.dropout:
            ids_BK = ids_BK * (torch.rand(ids_BK.shape, device=ids_BK.device) >= self.dropout)
        mean_BD = functional.embedding_bag(ids_BK, self.weight, mode="mean", padding_idx=0)
        return mean_BD if self.pooling == "mean" else mean_BD * number_B1.sqrt()


def layers(student: dict[str, Any], classes: int, pair: bool) -> "OrderedDict[str, nn.Module]":
    """(B, L) bytes -> (B, V) logits: one vector of the features' embeddings, then `output`. Tensors: `embedding`, `output`."""
    options = {name: student[name] for name in ("buckets", "word_ngrams", "byte_ngrams", "max_bytes")}
    found: OrderedDict[str, nn.Module] = OrderedDict(ngrams=Hashed(Ngrams(**options, pair=pair)))
    found["embedding"] = Bag(student["buckets"], student["width"], student["pooling"], student["dropout"])
    found["output"] = nn.Linear(student["width"], classes)
    return found
