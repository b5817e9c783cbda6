"""What inspection knows of datasets, models and pairs of row sets. Written by `inspect` steps, read by rules, resolve and plan."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from spec.counted import Counted
from spec.problem import Problem
from spec.student import Student

LISTS = ("array", "image", "classes")
"""Kinds of columns with several values a row, which no condition compares and no prompt shows."""
OutputKind = Literal["classes", "multilabel"]
"""`classes`: exactly one class a row; `multilabel`: any number of them, each decided by itself."""
BoundName = Literal["max_tokens", "max_completion_tokens"]
"""What the bound of an answer is called on the wire of OpenAI: its newer models refuse the older name."""


class Fact(BaseModel):
    """A measured thing: produced by our own code, so lenient and closed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ColumnFacts(Fact):
    """One column over all splits."""

    kind: Literal["array", "image", "text", "class", "classes", "number", "string"]
    """`class`: one name a row; `classes`: a list of names, which may be empty."""
    shape: tuple[int, ...] = ()
    """Shape of one row's value, e.g. (28, 28) or (3, 32, 32) (channels first); () for scalars."""
    dtype: str
    """numpy name: uint8, float32, int64, str."""
    low: float | None = None
    high: float | None = None
    missing: int = 0
    values: dict[str, int] | None = None
    """Counts by value as text, up to 1,000 values; None beyond. Of `classes`, rows that have the name."""


class SplitFacts(Fact):
    """One split, stored as one uncompressed Arrow IPC file."""

    rows: int
    path: str
    """Name of the file among the dataset's files, `train.arrow`."""
    digest: str
    """sha256 of that file."""
    bytes: int
    duplicates: int = 0
    """Rows whose row digest occurred before in the split."""
    labels: dict[str, int] = {}
    """Counts of the label column's values in this split; of `classes`, rows that have the name."""
    labelled: int = 0
    """Rows that have a label; an empty list of names is one."""
    text_bytes: dict[str, int] = {}
    """Bytes (UTF-8) of all values of each column of texts or names, without those of arrays."""
    longest: dict[str, int] = {}
    """Bytes of the longest value of each of them."""
    makeup: dict[str, dict[str, float]] = {}
    """What a byte of each of them is made of, by kinds of writing, in a sample of the rows; absent of numbers, and of what was inspected before there was such a figure."""


class Roles(Fact):
    """Which column plays which role; None: none does."""

    input: str | tuple[str, ...] | None
    """Two columns: pairs of texts."""
    label: str | None = None
    group: str | None = None
    id: str | None = None
    signal: str | None = None
    """The column of logits or probabilities of a dataset of signals."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of the input: none, one, or the two of a pair."""
        return (self.input,) if isinstance(self.input, str) else self.input or ()


class DatasetFacts(Fact):
    """An immutable set of typed rows with splits."""

    digest: str
    """sha256 over the splits' digests and the roles."""
    splits: dict[str, SplitFacts]
    columns: dict[str, ColumnFacts]
    roles: Roles
    system: str | None = None
    """The column of system texts, of conversations: a teacher that is asked is shown them."""
    overlaps: dict[str, int] = {}
    """Rows of the second split that the first one has too, by "train|test"."""
    bad_rows: tuple[Problem, ...] = ()
    """The first 20, with file and line."""
    bad_rows_total: int = 0
    signal: Literal["logits", "probabilities"] | None = None
    """For signals: rows that sum to one are probabilities."""
    classes: tuple[str, ...] | None = None
    """For signals: the class of each score, in order."""


class InputSignature(Fact):
    """What a model takes: raw values * scale + offset; a text as it is."""

    kind: Literal["array", "image", "text"]
    shape: tuple[int, ...]
    """Of a row; () for texts, (2,) for pairs of texts."""
    dtype: str = "float32"
    scale: float | tuple[float, ...] = 1.0
    """A number, or one a channel."""
    offset: float | tuple[float, ...] = 0.0


class OutputSignature(Fact):
    """What a model gives: one score a class, classes in order. Of `multilabel`, log-odds (logits) or the probability of each class by itself."""

    kind: OutputKind
    classes: tuple[str, ...]
    scores: Literal["logits", "probabilities"] = "logits"


class Signature(Fact):
    input: InputSignature
    output: OutputSignature


class StoredFile(Fact):
    """A file of ours in storage."""

    digest: str
    bytes: int


class Terms(Fact):
    """What somebody's terms say of models that are trained on outputs (spec/terms.toml)."""

    name: str
    """Of the terms, as a sentence has it."""
    party: str
    """Whose they are."""
    hosts: tuple[str, ...] = ()
    """Of the service, where they are a service's; one that begins with a dot stands for all hosts under it."""
    licences: tuple[str, ...] = ()
    """Names that a licence of weights goes by, in lower case."""
    forbids: str | None = None
    """In a few words of ours: a job says `teacher.accept_terms`. null: they forbid nothing of the kind."""
    asks: str | None = None
    """What whoever trains on outputs has to do, in a few words of ours."""
    source: str
    effective: str
    """Date of the version that was read."""


class Standing(Fact):
    """Under which terms a teacher stands."""

    model: str
    """`mdl_x` or `ep_name/model`."""
    licence: str | None
    """As its owner has stated it; null: nobody has."""
    terms: tuple[Terms, ...] = ()
    """As far as they are known."""


class ModelFacts(Fact):
    """Weights we hold."""

    digest: str
    """sha256 over files and signature: what a cache key needs."""
    format: Literal["safetensors", "onnx"]
    files: dict[str, StoredFile]
    """Name to file; the weights are `model.safetensors` or `model.onnx`."""
    architecture: Student | None = None
    """Declared, for safetensors; None for ONNX."""
    signature: Signature
    parameters: int
    bytes: int
    """Of the tensors."""
    tensors: dict[str, tuple[int, ...]] = {}
    labels_seen: int | None = None
    """Labels that it was trained on: counted for a student of ours, declared for an upload; None: not known."""
    licence: str | None = None
    """As its owner has stated it; None: nobody has."""
    taught_under: tuple[Terms, ...] = ()
    """Of a student of ours: known terms that its teachers stood under."""


class Price(Fact):
    """US dollars per million tokens, as of a version: what it was when a call was made is what the call costs."""

    version: int = 1
    input: float = 0.0
    output: float = 0.0
    cached: float | None = None
    """Of input that comes from the endpoint's cache; None: as other input."""
    batch: float | None = None
    """Share of these rates that a call in a batch costs; None: all of them."""

    def in_batches(self) -> "Price":
        """What calls cost that are made through the endpoint's batch API, as decimal text would have rates of up to a million."""
        share, rates = self.batch, {"input": self.input, "output": self.output, "cached": self.cached}
        if share is None:
            return self
        return self.model_copy(update={name: rate and round(rate * share, 9) for name, rate in rates.items()})


class Capabilities(Fact):
    """What a probe has seen of one model behind an endpoint."""

    top_logprobs: int = 0
    """Most likely tokens told at each place of an answer; 0: none."""
    prompt_logprobs: bool = False
    """Log probabilities of a prompt's own tokens, as vLLM gives them."""
    several: bool = False
    """Takes `n`: several answers to one call."""
    structured: bool = False
    """Takes `response_format` with a JSON schema, and keeps to it."""
    streaming: bool = False
    """Replies with server-sent events, to their end."""
    bounded_by: BoundName = "max_tokens"
    """The name under which it takes the bound of an answer."""
    batch: bool = False
    """The endpoint has a batch API."""
    seconds: float = 0.0
    """Median of the probe's calls."""
    tokens_per_byte: float = 0.3
    """Of English prose, as the endpoint counts the prompt."""
    passages: dict[str, float] = {}
    """Tokens of a known passage of each kind of writing, as the endpoint counts them, without what is around a prompt; {}: its replies do not say."""
    tokens_per_call: float = 8.0
    """Of a prompt beside its text."""
    limits: dict[str, int] = {}
    """From the reply's headers: requests and tokens a minute, as far as it says."""
    unseen: tuple[str, ...] = ()
    """What the last probe had no time, no calls within a rate limit, or no money of the month for: it is as an earlier one saw it, else taken not to be there. The next one goes on with it."""
    anew: bool = False
    """The last probe went on with what was unseen, and saw none of it: the next one looks at all of it again."""


class EndpointFacts(Fact):
    """Somebody's API, as it was probed."""

    digest: str
    """sha256 of wire and URL: a new key or price voids no answer."""
    wire: Literal["openai", "anthropic"] = "openai"
    models: tuple[str, ...] = ()
    """As it lists them; () where it does not."""
    probed: dict[str, Capabilities] = {}
    """By model."""
    price: Price | None = None
    """None: nobody has said, and calls are booked at nothing."""
    streamed: bool = False
    """Its replies are asked for as a stream."""
    licence: str | None = None
    """Of the models that it serves, as its owner has stated it; None: nobody has."""
    terms: tuple[Terms, ...] = ()
    """Known terms of its host."""


class PairFacts(Fact):
    """Of two sets of rows from two datasets: training and held-out rows, or rows and the signals for them."""

    overlap: int
    """Rows of the second set whose row digest is among the first's."""
    unmatched: int | None = None
    """Rows of the first set whose id (else row digest) is in no row of the second; None: it was not looked at."""


class TokenizerFacts(Fact):
    """An uploaded `tokenizer.json`."""

    digest: str
    """sha256 of the file."""
    bytes: int
    vocabulary: int
    """Its highest token number, and one more."""


class Facts(Fact):
    """All that is known of what one job names. A name that is absent does not exist in the project."""

    datasets: dict[str, DatasetFacts] = {}
    """By `ds_x` or `file-x`, without split."""
    models: dict[str, ModelFacts] = {}
    endpoints: dict[str, EndpointFacts] = {}
    pairs: dict[str, PairFacts] = {}
    """By "<train split digest>|<held-out split digest>"."""
    tokenizers: dict[str, TokenizerFacts] = {}
    """By what the job calls it."""
    counted: Counted | None = None
    """Of the teacher behind an endpoint, where it was asked this before."""
    processing: dict[str, str] = {}
    """Named, exists, facts not there yet: id to what is awaited, e.g. "inspection of ds_x" or "dst_y"."""
    failed: dict[str, Problem] = {}
    """Named, and its inspection failed."""
