"""What is trained: the architecture and its sizes. Parameter counts are closed formulas here (tested against torch's meta device)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from spec.part import Auto, List, Part

Width = Annotated[int, Field(ge=1, le=65536)]
Normalise = Auto | bool
Norm = Literal["none", "batch", "layer"]
TokenizerId = Annotated[str, StringConstraints(pattern=r"^(file-[0-9a-z]+|[0-9a-f]{64})$")]


class Mlp(Part):
    """Fully connected layers with ReLU: `hidden{i}`, optional `norm{i}`, then `output`."""

    type: Literal["mlp"]
    hidden_sizes: Annotated[List[Width], Field(min_length=1, max_length=16)]
    """Units of each hidden layer, first to last."""
    norm: Norm = "none"
    """Normalisation of each hidden layer before its ReLU."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability of dropping a hidden unit in training."""
    max_norm: Annotated[float, Field(gt=0)] | None = None
    """Largest L2 norm of the incoming weights of a hidden unit, enforced after each step (Srebro; Hinton et al. 2012)."""
    normalise: Normalise = "auto"
    """Scale raw inputs: `auto` and true take the first teacher's scale and offset, else 1/high of unsigned integers; false: none."""


class Convnet(Part):
    """3x3 convolutions (`conv{i}`, `norm{i}`, ReLU, 2x2 max pooling), then `hidden`, then `output`."""

    type: Literal["convnet"]
    channels: Annotated[List[Width], Field(min_length=1, max_length=8)]
    """Channels of each convolution, first to last; each is followed by pooling."""
    hidden: Width
    """Units of the layer before the output."""
    norm: Norm = "none"
    """Normalisation of each convolution before its ReLU; `layer` is over channels and places together."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropped before `hidden` and before `output`."""
    normalise: Normalise = "auto"
    """As of an mlp."""


class TextClassifier(Part):
    """One vector of the embeddings of a text's hashed n-grams (`embedding`), then `output`, in the manner of fastText (Joulin et al. 2017)."""

    type: Literal["text_classifier"]
    width: Width
    """Numbers of an embedding."""
    buckets: Annotated[int, Field(ge=16, le=2**22)] = 32768
    """Embeddings that n-grams share by their hash."""
    word_ngrams: Literal[1, 2] = 2
    """1: single words; 2: pairs of neighbouring words too."""
    byte_ngrams: Annotated[List[Annotated[int, Field(ge=1, le=8)]], Field(max_length=4)] = (3, 4, 5)
    """Lengths of the runs of UTF-8 bytes inside of words, their edges included; empty: words alone."""
    pooling: Literal["mean", "sqrt"] = "mean"
    """`mean` of the embeddings; `sqrt`: their sum over the square root of their number, which leaves long texts more to say (StarSpace, Wu et al. 2018, with its p of 0.5)."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of a text's n-grams that a step of training leaves out, drawn anew each time (Iyyer et al. 2015, word dropout)."""
    max_bytes: Annotated[int, Field(ge=8, le=32768)] = 1024
    """What comes after so many bytes of a text is not read."""


class TextEncoder(Part):
    """A transformer encoder with pre-norm layers over tokens, then the mean over a text's tokens, then `output` (Vaswani et al. 2017)."""

    type: Literal["text_encoder"]
    width: Annotated[int, Field(ge=8, le=4096)]
    """Numbers of a token in every layer; a multiple of `heads`. A layer's inner width is four times it."""
    layers: Annotated[int, Field(ge=1, le=24)] = 2
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    """Parts that a layer's attention is divided into."""
    max_tokens: Annotated[int, Field(ge=8, le=4096)] = 128
    """What comes after so many tokens of a text is not read."""
    tokenizer: TokenizerId | None = None
    """A `tokenizer.json` of the library `tokenizers`: a file of yours (`file-…`), or its sha256, as a model's architecture names it. null: byte pairs are learned from the training rows."""
    vocabulary: Annotated[int, Field(ge=512, le=2**18)] = 4096
    """Tokens: none, a separator, the 256 bytes, and the byte pairs that are most frequent in the training rows. With a `tokenizer` it is that one's: none, a separator, and the file's own."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Probability of dropping a number of what a layer adds, and of the embeddings, in training."""


TextStudent = TextClassifier | TextEncoder
Student = TypeAliasType("Student", Annotated[Mlp | Convnet | TextClassifier | TextEncoder, Field(discriminator="type")])
