"""Small transformer encoders of texts: this file trains them, scores with them, and is delivered with them as `load.py`.

    from load import load
    model = load(".")
    classes, probabilities = model.predict(["a text", "another one"])     # a model of pairs: [("a query", "a passage"), ...]

Pre-norm layers (Vaswani et al. 2017; Xiong et al. 2020), then the mean over a text's tokens. It needs torch and safetensors, where the user brought
a tokenizer also the library `tokenizers`, and nothing else of the service. Legend: `B` texts, `L` bytes, `T` tokens, `D` width, `H` heads, `V` classes.

The tokens of a text, exactly: a space is put before it, letters become lower case one by one, and each run of spaces and control characters
becomes one space; PIECE cuts it. A piece is its UTF-8 bytes, byte b being token 2 + b; then, again and again, of all neighbours that a row of
`tokens.merges` names, those of the first such row become one token, row i making token 258 + i (Sennrich et al. 2016). Token 0 is none.
Of a pair of texts, token 1 stands between them, and where they are too long together the longer one is cut first, then both to halves.
`tokenizer.json` says the same in the words of the library `tokenizers`.

Where `config.json` has a `tokenizer`, `tokenizer.json` is the user's own, and its sha256 stands there. Token i of it is number 2 + i; its truncation,
its padding and what its template adds to a text ([CLS], [SEP]) are not used. A text without any token is a single token 1. Pairs are as above.
"""

import json
import re
import sys
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

SPACES = r"[\x00-\x20\x7f]+"
PIECE = r" ?[^\x00-@\[-`{-\x7f]{1,64}| ?[0-9]{1,3}| ?[!-/:-@\[-`{-~]{1,16}| "
"""Letters, all that is not ASCII among them; digits; signs; each with the space before it."""
SEPARATOR, FIRST, FIRST_MERGE = 1, 2, 258
"""Numbers of tokens; 0 is none. A tokenizer's own begin at 2."""
Text = str | tuple[str, str]
"""What a row is: a text, or a pair of them."""
REMEMBERED = 2**16
"""Pieces whose tokens are kept."""
AT_ONCE = 2**14
"""Tokens of a pass without gradients."""
LOT = 64
"""Texts that the library is given at once: it keeps much about each token."""


def cut(first: list[int], second: list[int], room: int) -> tuple[list[int], list[int]]:
    """Two texts to `room` tokens together: the shorter one is whole if it takes no more than half, else each has half."""
    short = min(len(first), len(second), room // 2)
    if len(first) + len(second) <= room:
        return first, second
    return (
        (first[: room - short], second[:short]) if len(first) > len(second) else (first[:short], second[: room - short])
    )


def pieces(text: str, most: int | None = None) -> list[str]:
    """The first `most`. A sigma's lower case hangs on its neighbours, and is settled first."""
    lower = re.sub(SPACES, " ", " " + text.replace("\u03a3", "\u03c3").lower())
    return [found[0] for found in islice(re.finditer(PIECE, lower), most)]


def merged(ids: list[int], ranks: dict[tuple[int, int], int]) -> list[int]:
    """Neighbours become one token while a pair of them has a rank, the lowest rank first."""
    while True:
        rank, pair = min(((ranks.get(pair, len(ranks)), pair) for pair in pairwise(ids)), default=(len(ranks), (0, 0)))
        if rank == len(ranks):
            return ids
        ids = joined(ids, pair, FIRST_MERGE + rank)


def joined(ids: Sequence[int], pair: tuple[int, int], token: int) -> list[int]:
    """Each occurrence of a pair, from the left, as one token."""
    found: list[int] = []
    i = 0
    while i < len(ids):
        here = tuple(ids[i : i + 2]) == pair
        found.append(token if here else ids[i])
        i += 2 if here else 1
    return found


class Reader(nn.Module):
    """Padded UTF-8 bytes (B, L), 0 after each text's end, to token numbers (B, T), 0 after the last one."""

    def __init__(self, max_tokens: int, pair: bool) -> None:
        super().__init__()
        self.max_tokens, self.pair = max_tokens, pair

    def forward(self, text_BL: torch.Tensor) -> torch.Tensor:
        rows = [bytes(row).rstrip(b"\0").decode("utf-8", "replace") for row in text_BL.cpu().numpy()]
        if not self.pair:
            return self.ids(rows).to(text_BL.device)
        pairs = [(first, second) for first, _, second in (row.partition("\0") for row in rows)]
        return self.ids(pairs).to(text_BL.device)

    def ids(self, texts: Iterable[Text]) -> torch.Tensor:
        """(B, T) int64, of texts or of pairs."""
        sides = [(text,) if isinstance(text, str) else text for text in texts]
        found = iter(self.numbers([text for row in sides for text in row], None if self.pair else self.max_tokens))
        rows = [self.row(*islice(found, len(row))) for row in sides]
        return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)

    def row(self, first: list[int], second: list[int] | None = None) -> list[int]:
        """Of a text, at least one; or of two and what stands between them."""
        if second is None:
            return first or [SEPARATOR]
        one, other = cut(first, second, self.max_tokens - 1)
        return [*one, SEPARATOR, *other]

    def numbers(self, texts: Sequence[str], most: int | None) -> list[list[int]]:
        """The first `most` of each text."""
        raise NotImplementedError


class Unreadable(ValueError):
    """The user's tokenizer fails at a text."""

    code = "tokenizer_fails"


class Uploaded(Reader):
    """By the user's `tokenizer.json`."""

    def __init__(self, path: Path | None, max_tokens: int, pair: bool = False) -> None:
        """`path`: opened when the first text comes."""
        super().__init__(max_tokens, pair)
        self._path = path
        self._library: Any = None

    def numbers(self, texts: Sequence[str], most: int | None) -> list[list[int]]:
        """ValueError (Unreadable): it fails."""
        try:
            self._library = self._library or opened(self._path)
            lots = (texts[i : i + LOT] for i in range(0, len(texts), LOT))
            found = chain.from_iterable(self._library.encode_batch(lot, add_special_tokens=False) for lot in lots)
            return [[FIRST + number for number in one.ids[:most]] for one in found]
        except BaseException as error:  # a panic of the library is no Exception
            if isinstance(error, Exception) or type(error).__name__ == "PanicException":
                raise Unreadable(f"The tokenizer fails: {error}") from error
            raise


def opened(path: Path | None) -> Any:
    """The library's tokenizer, which neither cuts nor pads."""
    from tokenizers import Tokenizer  # noqa: PLC0415  # a student that learned its own does without the library

    found = Tokenizer.from_file(str(path))
    found.no_truncation()
    found.no_padding()
    return found


class Tokens(Reader):
    """By the byte pairs that were learned with the student."""

    merges: torch.Tensor

    def __init__(self, vocabulary: int, max_tokens: int, pair: bool = False) -> None:
        super().__init__(max_tokens, pair)
        self.register_buffer("merges", torch.full((vocabulary - FIRST_MERGE, 2), -1, dtype=torch.int32))
        self._ranks: dict[tuple[int, int], int] | None = None
        self._known: dict[str, tuple[int, ...]] = {}

    def numbers(self, texts: Sequence[str], most: int | None) -> list[list[int]]:
        return [self.of_text(text, most) for text in texts]

    def of_text(self, text: str, most: int | None = None) -> list[int]:
        """The first `most`, and at least one."""
        return list(islice(chain.from_iterable(map(self.of_piece, pieces(text, most))), most))

    def of_piece(self, piece: str) -> tuple[int, ...]:
        if self._ranks is None:  # whoever fills `merges` does it before the first text
            rows = self.merges.tolist()
            self._ranks = {(a, b): rank for rank, (a, b) in enumerate(rows) if a >= 0}
        if piece not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[piece] = tuple(merged([FIRST + byte for byte in piece.encode()], self._ranks))
        return self._known[piece]


class Layer(nn.Module):
    """Attention, then two fully connected layers with GELU, each on what is normalised, and added to what came in."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BTD: torch.Tensor, inside_BT: torch.Tensor) -> torch.Tensor:
        x_BTD = x_BTD + self.dropout(self.attention(self.norm1(x_BTD), inside_BT))
        found: torch.Tensor = x_BTD + self.dropout(self.down(functional.gelu(self.up(self.norm2(x_BTD)))))
        return found

    def attention(self, x_BTD: torch.Tensor, inside_BT: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x_BTD).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y_BHTd = functional.scaled_dot_product_attention(q, k, v, attn_mask=inside_BT[:, None, None])
        found: torch.Tensor = self.out(y_BHTd.transpose(1, 2).flatten(2))
        return found


def blank(rows: int, width: int) -> nn.Embedding:
    """Of values to come: drawing them here would be for nothing, and on the meta device would import torch's compiler."""
    found: nn.Embedding = nn.Embedding.from_pretrained(torch.empty(rows, width), freeze=False)  # type: ignore[no-untyped-call]  # torch left it so
    return found


class Encoder(nn.Module):
    """Token numbers (B, T) to the mean over a row's tokens (B, D). Tokens of a pair say, by their segment, which text they are of."""

    def __init__(self, student: dict[str, Any], pair: bool) -> None:
        super().__init__()
        width, dropout = student["width"], student["dropout"]
        self.token, self.position = blank(student["vocabulary"], width), blank(student["max_tokens"], width)
        self.segment = blank(2, width) if pair else None
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(Layer(width, student["heads"], dropout) for _ in range(student["layers"]))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        rows = max(1, AT_ONCE // ids_BT.shape[1])
        if torch.is_grad_enabled() or len(ids_BT) <= rows:
            return self.encoded(ids_BT)
        return torch.cat([self.encoded(ids_BT[i : i + rows]) for i in range(0, len(ids_BT), rows)])

    def encoded(self, ids_BT: torch.Tensor) -> torch.Tensor:
        inside_BT = ids_BT > 0
        x_BTD = self.token(ids_BT) + self.position.weight[: ids_BT.shape[1]]
        if self.segment is not None:
            x_BTD = x_BTD + self.segment((ids_BT == SEPARATOR).cumsum(1))
        x_BTD = self.dropout(x_BTD)
        for layer in self.layers:
            x_BTD = layer(x_BTD, inside_BT)
        inside_BT1 = inside_BT[:, :, None].to(x_BTD.dtype)
        found: torch.Tensor = (self.norm(x_BTD) * inside_BT1).sum(1) / inside_BT1.sum(1)
        return found


def layers(
    student: dict[str, Any], classes: int, pair: bool, tokenizer: Path | None = None
) -> "OrderedDict[str, nn.Module]":
    """(B, L) bytes -> (B, V) logits. Tensors: `tokens.merges` of a student that learned them, `encoder.*`, `output`."""
    tokens: Reader = Tokens(student["vocabulary"], student["max_tokens"], pair)
    if student["tokenizer"]:
        tokens = Uploaded(tokenizer, student["max_tokens"], pair)
    found: OrderedDict[str, nn.Module] = OrderedDict(tokens=tokens, encoder=Encoder(student, pair))
    found["output"] = nn.Linear(student["width"], classes)
    return found


class Model(nn.Module):
    """Token numbers (B, T) -> logits (B, V)."""

    def __init__(self, network: nn.Sequential, output: dict[str, Any]) -> None:
        super().__init__()
        assert isinstance(network[0], Reader)
        self.tokens, self.network = network[0], network[1:]
        self.classes, self.several = output["classes"], output["kind"] == "multilabel"

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(ids_BT)
        return logits

    @torch.inference_mode()
    def predict(self, texts: Sequence[Text]) -> tuple[list[Any], torch.Tensor]:
        """The most probable class of each text, or pair of texts, and all probabilities (B, V).

        Where a text has any number of classes: the list of those whose own probability is over 0.5. TypeError: a model of pairs is
        given texts, or one of texts pairs.
        """
        if any(isinstance(text, str) == bool(self.tokens.pair) for text in texts):
            raise TypeError("a model of pairs takes pairs of texts, another one texts")
        logits = self(self.tokens.ids(texts))
        if self.several:
            p = torch.sigmoid(logits)
            return [[self.classes[i] for i in row.nonzero()[:, 0].tolist()] for row in p > 0.5], p
        probabilities = torch.softmax(logits, 1)
        return [self.classes[i] for i in probabilities.argmax(1).tolist()], probabilities


def load(folder: str | Path = Path(__file__).parent) -> Model:
    """From `config.json`, `model.safetensors` and, where it is the user's, `tokenizer.json`; in eval mode."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    output, pair = config["signature"]["output"], bool(config["signature"]["input"]["shape"])
    network = nn.Sequential(layers(config["student"], len(output["classes"]), pair, folder / "tokenizer.json"))
    network.load_state_dict(load_file(folder / "model.safetensors"))
    return Model(network, output).eval()


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    model = load()
    pairs = [(first, second) for first, _, second in (line.partition("\t") for line in lines)]
    for name, row in zip(*model.predict(pairs if model.tokens.pair else lines), strict=True):
        print(", ".join(name) if model.several else f"{name}\t{row.max():.4f}")
