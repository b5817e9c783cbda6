"""Generated from the OpenAPI document by sdk/generate.py; do not edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict


class Accuracy(TypedDict):
    """Share of rows whose most probable class is the label; of several classes a row, whose every class is decided rightly (subset accuracy)."""
    type: Literal['accuracy']


class Agreement(TypedDict):
    """Of the `sampling.n` answers enough name the choice that most of them name; those that name none count against it. Of lists: enough are the list of all that most of them name."""
    where: NotRequired[Condition | None]
    """Rows that it applies to; null: all. It says nothing of the others."""
    type: Literal['agreement']
    least: float
    """Share of the answers."""


class Alive(TypedDict):
    """The process answers."""
    status: Literal['alive']


class Answer(TypedDict):
    """What the teacher said of one row."""
    side: Literal['heldout', 'train']
    row: int
    kind: Literal['answered', 'refused', 'empty', 'truncated', 'unparseable', 'failed', 'dropped']
    label: str | list[str] | None
    probabilities: dict[str, float] | None
    votes: int | None
    gold: str | list[str] | None
    answers: list[str]
    finish_reason: str | None
    filters: list[int] | None
    failed: str | None
    message: str | None
    usd: float | None


class AnswersDeleted(TypedDict):
    """What one request has deleted."""
    object: Literal['answers']
    deleted: int
    done: bool


class BedrockError(TypedDict):
    """The body of every reply of status 4xx and 5xx; the header `x-amzn-ErrorType` has its kind."""
    message: str


class BedrockOutput(TypedDict):
    s3Uri: str


class BedrockPhase(TypedDict):
    status: Literal['NotStarted', 'InProgress', 'Completed', 'Stopping', 'Stopped', 'Failed']
    creationTime: str | None
    lastModifiedTime: str | None


class BedrockTag(TypedDict):
    key: str
    value: str


class BedrockValidator(TypedDict):
    s3Uri: str


class Budget(TypedDict):
    """Caps. A capped job still ends with weights, an evaluation and a report that names what was cut."""
    hours: NotRequired[float | None]
    """Hours of leases on device steps; waiting is free. null: no cap."""
    usd: NotRequired[float | None]
    """US dollars of all charges: calls to endpoints, and devices that have a price. null: no cap."""
    preview: NotRequired[int | None]
    """Ask so many rows first, and pause with their answers and what they cost; `resume` goes on. null: go on by itself."""


class Calibration(TypedDict):
    """Expected calibration error over equal-width bins of confidence (Guo et al. 2017); of several classes a row, over all decisions."""
    type: Literal['calibration']
    bins: NotRequired[int]


class CancelledTuningJob(TypedDict):
    """Nothing: that it stops is seen by asking."""


class Capabilities(TypedDict):
    """What a probe has seen of one model behind an endpoint."""
    top_logprobs: int
    """Most likely tokens told at each place of an answer; 0: none."""
    prompt_logprobs: bool
    """Log probabilities of a prompt's own tokens, as vLLM gives them."""
    several: bool
    """Takes `n`: several answers to one call."""
    structured: bool
    """Takes `response_format` with a JSON schema, and keeps to it."""
    streaming: bool
    """Replies with server-sent events, to their end."""
    bounded_by: Literal['max_tokens', 'max_completion_tokens']
    """The name under which it takes the bound of an answer."""
    batch: bool
    """The endpoint has a batch API."""
    seconds: float
    """Median of the probe's calls."""
    tokens_per_byte: float
    """Of English prose, as the endpoint counts the prompt."""
    passages: dict[str, float]
    """Tokens of a known passage of each kind of writing, as the endpoint counts them, without what is around a prompt; {}: its replies do not say."""
    tokens_per_call: float
    """Of a prompt beside its text."""
    limits: dict[str, int]
    """From the reply's headers: requests and tokens a minute, as far as it says."""
    unseen: list[str]
    """What the last probe had no time, no calls within a rate limit, or no money of the month for: it is as an earlier one saw it, else taken not to be there. The next one goes on with it."""
    anew: bool
    """The last probe went on with what was unseen, and saw none of it: the next one looks at all of it again."""


class Checkpoint(TypedDict):
    """Where a step would go on."""
    id: str
    object: Literal['distillation.checkpoint']
    step: str
    step_number: int
    bytes: int


class CheckpointPage(TypedDict):
    object: Literal['list']
    data: list[Checkpoint]
    has_more: bool
    first_id: str | None
    last_id: str | None


class ColumnFacts(TypedDict):
    """One column over all splits."""
    kind: Literal['array', 'image', 'text', 'class', 'classes', 'number', 'string']
    """`class`: one name a row; `classes`: a list of names, which may be empty."""
    shape: list[int]
    """Shape of one row's value, e.g. (28, 28) or (3, 32, 32) (channels first); () for scalars."""
    dtype: str
    """numpy name: uint8, float32, int64, str."""
    low: float | None
    high: float | None
    missing: int
    values: dict[str, int] | None
    """Counts by value as text, up to 1,000 values; None beyond. Of `classes`, rows that have the name."""


class Columns(TypedDict):
    """Roles of columns; `auto`: the role that the dataset gives; null: not used."""
    input: NotRequired[Literal['auto'] | str | Sequence[str]]
    """What teachers and student see: arrays, images or texts; two columns of texts: pairs of them, such as a query and a passage."""
    label: NotRequired[Literal['auto'] | str | None]
    """The name of the class; a column of lists of names: any number of classes a row. `auto`: of the training rows' dataset, and where it has none, of the held-out rows'."""
    group: NotRequired[Literal['auto'] | str | None]
    """Rows of one group are drawn to the same side, such as pages of one writer, or the passages of one query: of a pair, the query's own column may be the group, too."""
    id: NotRequired[Literal['auto'] | str | None]
    """By which signals are found; without it, by the row itself."""


class Condition(TypedDict):
    """Training rows by the value of a column (values compared as text: 7 is "7"). Exactly one of the two lists."""
    column: str
    """Of the training rows; it needs no role."""
    among: NotRequired[Sequence[str | int] | None]
    """Values to keep."""
    not_among: NotRequired[Sequence[str | int] | None]
    """Values to leave out."""


class Contract(TypedDict):
    """What the verdict asks for (`k` and `w` of the report's rules)."""
    retention: NotRequired[float]
    """Share of the teacher's headline metric that the student must keep."""
    lift: NotRequired[float]
    """Smallest gain over the baseline that is worth having."""


class Convnet(TypedDict):
    """3x3 convolutions (`conv{i}`, `norm{i}`, ReLU, 2x2 max pooling), then `hidden`, then `output`."""
    type: Literal['convnet']
    channels: Sequence[int]
    """Channels of each convolution, first to last; each is followed by pooling."""
    hidden: int
    """Units of the layer before the output."""
    norm: NotRequired[Literal['none', 'batch', 'layer']]
    """Normalisation of each convolution before its ReLU; `layer` is over channels and places together."""
    dropout: NotRequired[float]
    """Dropped before `hidden` and before `output`."""
    normalise: NotRequired[Literal['auto'] | bool]
    """As of an mlp."""


class CreatedKey(TypedDict):
    """An API key at the one moment when it can be read."""
    id: str
    object: Literal['key']
    name: str
    scopes: list[Literal['read', 'write', 'admin']]
    project: str
    hint: str
    created_at: int
    last_used_at: int | None
    key: str


class CustomizationConfig(TypedDict):
    distillationConfig: DistillationConfig
    rftConfig: NotRequired[Any]


class Data(TypedDict):
    """Rows. Draws are by hash of (seed, purpose, row digest or group), so added rows move no old row to another side (below 10,000 rows, where shares are met exactly: one old row for each added, in each draw)."""
    train: str
    """`ds_x`, `ds_x/split` (default split: train) or `file-x`."""
    heldout: NotRequired[Literal['auto'] | float | str]
    """Rows of the report: a dataset, or a share of the training rows. `auto`: the dataset's `test` split, else 0.1. Where a teacher answers, a share is of the rows with a label."""
    validation: NotRequired[Literal['auto'] | float | str | None]
    """Rows for choices during training, never the report's. `auto`: 0.1 where something is chosen, else none. A share is of the same rows as that of held-out rows."""
    seed: NotRequired[int]
    """Seed of all draws of rows; apart from the training seed."""
    share: NotRequired[float]
    """Share of the training rows that is used at all."""
    labelled: NotRequired[float]
    """Share of the training rows whose labels are seen."""
    where: NotRequired[Sequence[Condition]]
    """Conditions that every training row must meet."""
    augment: NotRequired[Augment | None]
    """Changed copies of the training rows, beside the rows themselves: `jitter` of images, `words` of texts."""
    columns: NotRequired[Columns]
    responses: NotRequired[Responses]
    """Who writes what follows an input."""
    synthesise: NotRequired[Synthesis | None]
    """New training texts that the teacher writes and then answers. null: the rows are what they are."""
    allow_overlap: NotRequired[bool]
    """Go on although held-out rows are among the training rows. The report says so."""


class Dataset(TypedDict):
    """A dataset. `facts` are there once `state` is ready; `error` says why it is failed."""
    id: str
    object: Literal['dataset']
    name: str
    state: Literal['processing', 'ready', 'failed']
    created_at: int
    source: dict[str, Any]
    facts: DatasetFacts | None
    error: Problem | None
    metadata: dict[str, str]


class DatasetDeleted(TypedDict):
    id: str
    object: Literal['dataset']
    deleted: bool


class DatasetFacts(TypedDict):
    """An immutable set of typed rows with splits."""
    digest: str
    """sha256 over the splits' digests and the roles."""
    splits: dict[str, SplitFacts]
    columns: dict[str, ColumnFacts]
    roles: Roles
    system: str | None
    """The column of system texts, of conversations: a teacher that is asked is shown them."""
    overlaps: dict[str, int]
    """Rows of the second split that the first one has too, by "train|test"."""
    bad_rows: list[Problem]
    """The first 20, with file and line."""
    bad_rows_total: int
    signal: Literal['logits', 'probabilities'] | None
    """For signals: rows that sum to one are probabilities."""
    classes: list[str] | None
    """For signals: the class of each score, in order."""


class DatasetFile(TypedDict):
    """One of a dataset's files."""
    file: str
    split: NotRequired[str]
    column: NotRequired[str | None]
    """The column that the file is, in formats of one array a file (IDX)."""


class DatasetPage(TypedDict):
    object: Literal['list']
    data: list[Dataset]
    has_more: bool
    first_id: str | None
    last_id: str | None


class Distillation(TypedDict):
    """A complete job. `auto` values are replaced by a pure function of spec and facts; the result can be posted again."""
    name: str
    """For people; in no key."""
    teacher: NotRequired[Teacher | None]
    """null: train on labels alone."""
    data: Data
    student: Student
    objective: Sequence[Term]
    """Terms whose weighted sum is minimised."""
    training: NotRequired[Training]
    evaluation: NotRequired[Evaluation]
    budget: NotRequired[Budget]
    metadata: NotRequired[Mapping[str, str]]
    """Up to 16 texts of your own, echoed."""


class DistillationConfig(TypedDict):
    teacherModelConfig: TeacherModel


class DistillationDeleted(TypedDict):
    id: str
    object: Literal['distillation']
    deleted: bool


class DistillationEvent(TypedDict):
    """What happened. `id` counts from 1 within the job, without gaps."""
    id: int
    object: Literal['distillation.event']
    type: Literal['job', 'step', 'metrics', 'checkpoint', 'message']
    step: str | None
    message: str
    data: dict[str, Any]
    created_at: int


class DistillationEventPage(TypedDict):
    object: Literal['list']
    data: list[DistillationEvent]
    has_more: bool
    first_id: str | None
    last_id: str | None


class DistillationHyperParameters(TypedDict):
    epochCount: NotRequired[int | str | None]
    """A number, or one as text, as 64-bit integers are written in JSON."""
    learningRateMultiplier: NotRequired[float | None]
    """Of the student's usual learning rate."""
    adapterSize: NotRequired[Any]


class DistillationJob(TypedDict):
    """A distillation. `spec` can be posted again as it stands."""
    id: str
    object: Literal['distillation']
    name: str
    state: Literal['queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled']
    intent: Literal['run', 'pause', 'finish', 'cancel']
    created_at: int
    started_at: int | None
    finished_at: int | None
    spec: Distillation
    resolved: bool
    student: StudentOf
    steps: list[DistillationStep]
    waiting: Waiting | None
    error: Problem | None
    problems: list[Problem]
    warnings: list[Problem]
    estimate: Estimate | None
    result: DistillationResult | None
    metadata: dict[str, str]
    usage: JobUsage


class DistillationJobPage(TypedDict):
    object: Literal['list']
    data: list[DistillationJob]
    has_more: bool
    first_id: str | None
    last_id: str | None


class DistillationResult(TypedDict):
    """Figures over the held-out rows. null: does not apply, or is not known; the report says why."""
    verdict: str
    labels: str
    kept: str | None
    helped: str | None
    metric: str
    retention: Interval | None
    lift: Interval | None
    lift_all_labels: Interval | None
    compression: float | None
    compression_of_one: float | None
    speed_up: float | None
    speed_up_of_one: float | None
    rows: list[ResultRow]


class DistillationSpec(TypedDict):
    """Prompts are `trainingDatasetUri`, or `promptDatasetUri` as newer versions call it."""
    baseTeacherModel: NotRequired[str | None]
    """`ep_name/model` behind an endpoint, or `mdl_…`."""
    tunedTeacherModelSource: NotRequired[str | None]
    """`mdl_…`, alone or as `projects/…/models/mdl_…`."""
    trainingDatasetUri: NotRequired[str | None]
    """`file-…`, `ds_…` or `ds_…/split`, alone or as `gs://stillhouse/file-…`."""
    promptDatasetUri: NotRequired[str | None]
    validationDatasetUri: NotRequired[str | None]
    """The rows that are held out."""
    studentModel: NotRequired[str | None]
    """A student by name, such as `text-classifier-64`; newer versions say `baseModel` beside this part."""
    hyperParameters: NotRequired[DistillationHyperParameters | None]
    pipelineRootDirectory: NotRequired[str | None]
    """Kept and shown again; weights and report stay here."""


class DistillationStep(TypedDict):
    """One process of the job."""
    name: str
    verb: str
    queue: str
    state: Literal['blocked', 'ready', 'running', 'paused', 'succeeded', 'failed', 'cancelled', 'skipped']
    optional: bool
    attempts: int
    seconds: float
    cached: bool
    cut: bool
    cut_reason: str | None
    progress: dict[str, Any] | None
    error: Problem | None
    started_at: int | None
    finished_at: int | None


class Dollars(TypedDict):
    """US dollars, with an interval: of what the endpoint has counted before, as few calls tell; else wider, since other texts than the probe's prose have other tokens."""
    low: float
    expected: float
    high: float
    minimum: float
    """`budget.usd` must cover it: held-out answers at their bounds and a floor of training answers, each as long as `max_tokens` allows (where there is a
    judge, all answers), and devices for what cannot be cut. Of few rows it may be above `high`."""
    answers: float
    """Of the expected: calls to the endpoint."""
    answers_low: float
    answers_high: float
    devices: float
    """Of the expected: workers that have a price."""


class Drawing(TypedDict):
    """How a model behind an endpoint draws its words. null is not sent: the endpoint's own default holds."""
    temperature: NotRequired[float | None]
    top_p: NotRequired[float | None]
    max_tokens: NotRequired[int | None]
    """Tokens of one answer. A cap in dollars needs it: it bounds what a call can cost."""


class Endpoint(TypedDict):
    """An endpoint. A probe sees what its models can do; what was not probed is not asked."""
    id: str
    object: Literal['endpoint']
    name: str
    wire: Literal['openai', 'anthropic']
    url: str
    state: Literal['ready', 'failed', 'unprobed']
    key_hint: str | None
    allow_private: bool
    limits: NewLimits
    price: Price | None
    prices: list[Price]
    models: list[str]
    probed: dict[str, Capabilities]
    probed_at: int | None
    licence: str | None
    terms: list[Terms]
    error: Problem | None
    metadata: dict[str, str]
    created_at: int


class EndpointChange(TypedDict):
    """What PATCH /v1/endpoints/{id} takes: what is absent or null stays as it is."""
    url: NotRequired[str | None]
    key: NotRequired[str | None]
    licence: NotRequired[str | None]
    price: NotRequired[NewPrice | None]
    """A new version, in which `cached` and `batch` stay where they are absent, and go where they are null; calls that were made are not booked anew."""
    limits: NotRequired[NewLimits | None]
    allow_private: NotRequired[bool | None]
    metadata: NotRequired[Mapping[str, str] | None]


class EndpointDeleted(TypedDict):
    id: str
    object: Literal['endpoint']
    deleted: bool


class EndpointPage(TypedDict):
    object: Literal['list']
    data: list[Endpoint]
    has_more: bool
    first_id: str | None
    last_id: str | None


class ErrorBody(TypedDict):
    """OpenAI's error, with a hint and all problems where there are several."""
    message: str
    type: str
    param: str | None
    code: str
    hint: str | None
    problems: list[Problem] | None


class ErrorEnvelope(TypedDict):
    """The body of every reply of status 4xx and 5xx."""
    error: ErrorBody


class Estimate(TypedDict):
    """Of the whole job."""
    seconds: float
    """Of all steps that are not cached, one after the other, on one CPU core."""
    memory_bytes: int
    """Of the largest step."""
    minimum_seconds: float
    """Of device steps, when a cap cuts all that can be cut: `budget.hours` must cover it."""
    usd: Dollars | None
    """None: nothing of the job has a price. What was answered before costs nothing, and is not taken off here."""
    basis: str
    """How all of it was reckoned."""
    before_preview: Dollars | None
    """`usd` as it was said before a preview, where one has changed it: the report compares the bill with this."""


class Evaluation(TypedDict):
    """The first grader is the headline."""
    graders: NotRequired[Literal['auto'] | Sequence[Metric]]
    """`auto`: accuracy, negative log-likelihood, calibration; of several classes a row, micro F1 and macro F1 before them."""
    baselines: NotRequired[Literal['auto'] | Sequence[Literal['no_teacher', 'all_labels', 'untrained']]]
    """`no_teacher`: same student, bytes, batches and steps without the teacher; `all_labels`: the same with every label; `untrained`: the initial weights. `auto`: no_teacher where there is a teacher."""
    contract: NotRequired[Contract]


class F1(TypedDict):
    """F1 by class, averaged: equally (`macro`), or over all decisions (`micro`). Of several classes a row, a class is named where its probability is over 0.5."""
    type: Literal['f1']
    average: NotRequired[Literal['macro', 'micro']]


class File(TypedDict):
    """A file that has arrived whole."""
    id: str
    object: Literal['file']
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal['processed']
    status_details: None
    expires_at: None
    sha256: str


class FileDeleted(TypedDict):
    """A file that is no more."""
    id: str
    object: Literal['file']
    deleted: Literal[True]


class FilePage(TypedDict):
    object: Literal['list']
    data: list[File]
    has_more: bool
    first_id: str | None
    last_id: str | None


class GivenResponses(TypedDict):
    """The data says what follows each input."""
    type: Literal['given']


class GoogleError(TypedDict):
    """The body of every reply of status 4xx and 5xx."""
    error: GoogleErrorBody


class GoogleErrorBody(TypedDict):
    code: int
    message: str
    status: str
    details: list[dict[str, Any]]


class GoogleStatus(TypedDict):
    """google.rpc.Status."""
    code: int
    message: str


class InputSignature(TypedDict):
    """What a model takes: raw values * scale + offset; a text as it is."""
    kind: Literal['array', 'image', 'text']
    shape: list[int]
    """Of a row; () for texts, (2,) for pairs of texts."""
    dtype: str
    scale: float | list[float]
    """A number, or one a channel."""
    offset: float | list[float]


class Interval(TypedDict):
    """A figure with its 95% interval; without one where none can be said."""
    value: float
    low: float | None
    high: float | None


class Jitter(TypedDict):
    """Random affine copies of training images (Hinton et al. 2015, section 3: "jittered" inputs)."""
    type: Literal['jitter']
    pixels: NotRequired[float]
    """Largest shift along each axis, in pixels; fractions are interpolated."""
    rotation: NotRequired[float]
    """Largest rotation, in radians."""
    scale: NotRequired[float]
    """Largest relative change of size."""
    copies: NotRequired[int | None]
    """A fixed number of drawn copies a row (a teacher scores each once); null: a new draw each epoch, labels only."""


class JobUsage(TypedDict):
    device_seconds: float
    usd: float


class JsonSchema(TypedDict):
    """The answer's text is JSON that fits a schema (JSON Schema, draft 2020-12). `format` is not looked at, and nothing is fetched."""
    where: NotRequired[Condition | None]
    """Rows that it applies to; null: all. It says nothing of the others."""
    type: Literal['json_schema']
    schema: Mapping[str, Any]
    """References (`$ref`) lead to parts of the schema itself."""


class Judge(TypedDict):
    """A model behind an endpoint is asked whether a row's answer is right, and says yes. It is asked of what all other filters have left."""
    where: NotRequired[Condition | None]
    """Rows that it applies to; null: all. It says nothing of the others."""
    type: Literal['judge']
    model: str
    """It may be the teacher itself."""
    question: str
    """The message, which asks for yes or no and nothing else; `{answer}` is the choice that the row's answers name, `{column}` the row's value."""
    sampling: NotRequired[Sampling]
    """With `n` over 1 the majority decides."""


class KeptAnswers(TypedDict):
    """How much a project keeps of what endpoints have said, judges and writers of texts too."""
    object: Literal['answers']
    count: int
    bytes: int
    exact: bool


class Key(TypedDict):
    """An API key, without its secret."""
    id: str
    object: Literal['key']
    name: str
    scopes: list[Literal['read', 'write', 'admin']]
    project: str
    hint: str
    created_at: int
    last_used_at: int | None


class KeyDeleted(TypedDict):
    """A key that opens nothing any more."""
    id: str
    object: Literal['key']
    deleted: Literal[True]


class KeyPage(TypedDict):
    object: Literal['list']
    data: list[Key]
    has_more: bool
    first_id: str | None
    last_id: str | None


class Labels(TypedDict):
    """Cross-entropy with the labels, over the rows whose labels are seen; of several classes a row, binary and the mean over classes."""
    type: Literal['labels']
    weight: NotRequired[float]
    balance: NotRequired[Literal['none', 'inverse_frequency']]
    """`inverse_frequency`: a row counts rows / (classes * rows of its class), over the rows whose labels are seen: one on average, and every class
    alike. Of several classes a row, each class's yes and no count rows / (2 * rows with that answer)."""


class Length(TypedDict):
    """The length of the answer's text."""
    where: NotRequired[Condition | None]
    """Rows that it applies to; null: all. It says nothing of the others."""
    type: Literal['length']
    min: NotRequired[int]
    max: NotRequired[int | None]
    """null: no bound."""
    unit: NotRequired[Literal['characters', 'words']]
    """Words are what white space divides."""


class MadeModelCustomizationJob(TypedDict):
    jobArn: str


class Metrics(TypedDict):
    object: Literal['distillation.metrics']
    distillation: str
    data: list[Series]


class Mlp(TypedDict):
    """Fully connected layers with ReLU: `hidden{i}`, optional `norm{i}`, then `output`."""
    type: Literal['mlp']
    hidden_sizes: Sequence[int]
    """Units of each hidden layer, first to last."""
    norm: NotRequired[Literal['none', 'batch', 'layer']]
    """Normalisation of each hidden layer before its ReLU."""
    dropout: NotRequired[float]
    """Probability of dropping a hidden unit in training."""
    max_norm: NotRequired[float | None]
    """Largest L2 norm of the incoming weights of a hidden unit, enforced after each step (Srebro; Hinton et al. 2012)."""
    normalise: NotRequired[Literal['auto'] | bool]
    """Scale raw inputs: `auto` and true take the first teacher's scale and offset, else 1/high of unsigned integers; false: none."""


class Model(TypedDict):
    """A model. The first four fields are OpenAI's. `facts` are there once `state` is ready."""
    id: str
    object: Literal['model']
    created: int
    owned_by: str
    name: str
    state: Literal['processing', 'ready', 'failed']
    origin: Literal['upload', 'distillation']
    distillation: str | None
    parameters: int | None
    bytes: int | None
    architecture: Student | None
    signature: Signature | None
    licence: str | None
    terms: list[Terms]
    files: dict[str, int]
    facts: ModelFacts | None
    error: Problem | None
    metadata: dict[str, str]


class ModelCustomizationJob(TypedDict):
    """As GetModelCustomizationJob tells it."""
    jobArn: str
    jobName: str
    outputModelName: str
    outputModelArn: str | None
    roleArn: str
    status: Literal['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped']
    statusDetails: StatusDetails
    failureMessage: str | None
    creationTime: str
    lastModifiedTime: str
    endTime: str | None
    baseModelArn: str
    hyperParameters: dict[str, str]
    trainingDataConfig: TrainingData
    validationDataConfig: ValidationData
    outputDataConfig: BedrockOutput
    customizationType: Literal['DISTILLATION']
    customizationConfig: CustomizationConfig


class ModelCustomizationJobList(TypedDict):
    nextToken: str | None
    modelCustomizationJobSummaries: list[ModelCustomizationJobSummary]


class ModelCustomizationJobSummary(TypedDict):
    """As ListModelCustomizationJobs tells it."""
    jobArn: str
    baseModelArn: str
    jobName: str
    status: Literal['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped']
    statusDetails: StatusDetails
    creationTime: str
    lastModifiedTime: str
    endTime: str | None
    customModelArn: str | None
    customModelName: str
    customizationType: Literal['DISTILLATION']


class ModelDeleted(TypedDict):
    id: str
    object: Literal['model']
    deleted: bool


class ModelFacts(TypedDict):
    """Weights we hold."""
    digest: str
    """sha256 over files and signature: what a cache key needs."""
    format: Literal['safetensors', 'onnx']
    files: dict[str, StoredFile]
    """Name to file; the weights are `model.safetensors` or `model.onnx`."""
    architecture: Student | None
    """Declared, for safetensors; None for ONNX."""
    signature: Signature
    parameters: int
    bytes: int
    """Of the tensors."""
    tensors: dict[str, list[int]]
    labels_seen: int | None
    """Labels that it was trained on: counted for a student of ours, declared for an upload; None: not known."""
    licence: str | None
    """As its owner has stated it; None: nobody has."""
    taught_under: list[Terms]
    """Of a student of ours: known terms that its teachers stood under."""


class ModelPage(TypedDict):
    object: Literal['list']
    data: list[Model]
    has_more: bool
    first_id: str | None
    last_id: str | None


class NewDataset(TypedDict):
    """What POST /v1/datasets takes."""
    name: NotRequired[str | None]
    """Without one: the name of the first file."""
    files: Sequence[str | DatasetFile]
    """Parquet, JSONL, CSV, NPZ, IDX, also gzipped."""
    columns: NotRequired[Columns]
    """Which column plays which role; `auto`: by name and kind."""
    splits: NotRequired[Mapping[str, Sequence[int]]]
    """Rows [from, to) in the order of the files, for each split; instead of the splits that files name."""
    signal: NotRequired[str | None]
    """The column of logits or probabilities: makes this a dataset of signals, for `teacher.signals`."""
    classes: NotRequired[Sequence[str] | None]
    """The class of each score, in order; needed with `signal`."""
    allow_bad_rows: NotRequired[bool]
    """Drop rows that cannot be read, instead of failing."""
    metadata: NotRequired[Mapping[str, str]]


class NewEndpoint(TypedDict):
    """What POST /v1/endpoints takes."""
    name: str
    """Its id is `ep_` and this; a job's teacher is `ep_name/model`."""
    url: str
    """Where the wire's own path begins: https://api.openai.com/v1. A query, such as `?api-version=…`, goes with every call. It is shown, so that a key does not belong in it."""
    wire: NotRequired[Literal['openai', 'anthropic']]
    """`openai`: chat completions, as vLLM, SGLang, llama.cpp, Ollama and TGI speak them, too; `anthropic`: messages."""
    key: NotRequired[str | None]
    """Sealed before it is stored, and never shown again. null: none is sent."""
    licence: NotRequired[str | None]
    """Of the models that it serves: an SPDX id, a name such as `llama3.1` or `gemma`, or a few words. null: not stated."""
    price: NotRequired[NewPrice | None]
    """null: not known; calls are booked at nothing, and no cap in dollars can be held."""
    limits: NotRequired[NewLimits]
    model: NotRequired[str | None]
    """The model that is probed; null: the first that answers of those that it lists, eight at most, likely ones first. `probed` names it."""
    allow_private: NotRequired[bool]
    """Admit addresses of private networks and loopback, any port, and HTTP without TLS. Needs the scope `admin`."""
    metadata: NotRequired[Mapping[str, str]]


class NewInput(TypedDict):
    """What the model takes: raw values * scale + offset."""
    kind: Literal['array', 'image']
    shape: Sequence[int]
    """Of one row, such as [28, 28] or [3, 32, 32] (channels first)."""
    dtype: NotRequired[Literal['uint8', 'int8', 'int16', 'int32', 'int64', 'float16', 'float32', 'float64']]
    """Of the raw values."""
    scale: NotRequired[float | Sequence[float]]
    """A number, or one a channel."""
    offset: NotRequired[float | Sequence[float]]


class NewKey(TypedDict):
    """What POST /v1/keys takes."""
    name: str
    scopes: NotRequired[Sequence[Literal['read', 'write', 'admin']]]
    """`read` looks, `write` makes and deletes, `admin` manages projects and keys."""
    project: NotRequired[str | None]
    """Another project than the caller's own."""


class NewLimits(TypedDict):
    """How fast it may be called, by all workers together. 0: no limit."""
    concurrency: NotRequired[int]
    """Calls in flight; fewer while it refuses some as too many."""
    requests_per_minute: NotRequired[int]
    tokens_per_minute: NotRequired[int]
    seconds: NotRequired[float]
    """Of one call, to the last byte of its reply."""
    stream_idle: NotRequired[float | None]
    """With it, replies are asked for as a stream, and given up after so many seconds without a byte. null: they come whole."""


class NewModel(TypedDict):
    """What POST /v1/models takes."""
    name: NotRequired[str | None]
    """Without one: the name of the first file."""
    files: Sequence[str]
    """One `.safetensors` or `.onnx`, and what belongs to it."""
    architecture: NotRequired[Student | None]
    """Needed for safetensors: what the tensors are, as in a job's `student`."""
    signature: NotRequired[NewSignature | None]
    """Needed where the file does not say it itself."""
    labels_seen: NotRequired[int | None]
    """How many labels it was trained on, as far as you know: reports of what it teaches say so."""
    licence: NotRequired[str | None]
    """Of the weights: an SPDX id, a name such as `llama3.1` or `gemma`, or a few words. null: not stated."""
    metadata: NotRequired[Mapping[str, str]]


class NewModelCustomizationJob(TypedDict):
    """CreateModelCustomizationJob, for `customizationType` DISTILLATION. docs/clouds.md says what each field becomes."""
    jobName: str
    customModelName: str
    """The student's name."""
    roleArn: str
    """Kept and shown again; nothing is done with it."""
    clientRequestToken: NotRequired[str | None]
    """Makes a retry safe, for 24 hours."""
    baseModelIdentifier: str
    """A student by name, such as `text-classifier-64`."""
    customizationType: NotRequired[str | None]
    customModelKmsKeyId: NotRequired[Any]
    jobTags: NotRequired[Sequence[BedrockTag]]
    """Kept as the job's metadata."""
    customModelTags: NotRequired[Sequence[BedrockTag]]
    """Kept as the student's metadata."""
    trainingDataConfig: TrainingData
    validationDataConfig: NotRequired[ValidationData | None]
    outputDataConfig: BedrockOutput
    """Kept and shown again; weights and report stay here."""
    hyperParameters: NotRequired[Mapping[str, str]]
    """`epochCount`, `batchSize`, `learningRate`, `learningRateMultiplier`, as texts."""
    vpcConfig: NotRequired[Any]
    customizationConfig: CustomizationConfig


class NewOutput(TypedDict):
    """What the model gives: one score a class."""
    kind: Literal['classes', 'multilabel']
    """`classes`: a row has one; `multilabel`: any number, and each score is of its class by itself (log-odds, or a probability)."""
    classes: Sequence[str]
    """Names in the order of the scores."""
    scores: NotRequired[Literal['logits', 'probabilities']]


class NewPrice(TypedDict):
    """US dollars per million tokens."""
    input: float
    output: float
    cached: NotRequired[float | None]
    """Of input that comes from the endpoint's cache; null: as other input."""
    batch: NotRequired[float | None]
    """Share of these rates that a call in a batch costs, such as 0.5; null: all of them."""


class NewProject(TypedDict):
    """What POST /v1/projects takes."""
    name: str
    quota_bytes: NotRequired[int | None]
    """Bytes that files and outputs may hold; null: the server's default."""
    usd_per_month: NotRequired[float | None]
    """US dollars of all charges in a calendar month (UTC); null: no cap."""


class NewSignature(TypedDict):
    input: NewInput
    output: NewOutput


class NewText(TypedDict):
    """A text that the teacher wrote."""
    call: int
    fate: Literal['kept', 'heldout', 'train', 'new', 'spare']
    text: str


class NewTuningJob(TypedDict):
    """A TuningJob with `distillationSpec`. docs/clouds.md says what each field becomes."""
    tunedModelDisplayName: NotRequired[str | None]
    """Of the job and its student; without one, the student's kind."""
    description: NotRequired[str | None]
    labels: NotRequired[Mapping[str, str]]
    """Kept as the job's metadata."""
    baseModel: NotRequired[str | None]
    distillationSpec: DistillationSpec
    supervisedTuningSpec: NotRequired[Any]
    encryptionSpec: NotRequired[Any]
    serviceAccount: NotRequired[Any]


class Nll(TypedDict):
    """Mean negative log-likelihood of the label, in nats; of several classes a row, the mean of all decisions (binary cross-entropy)."""
    type: Literal['nll']


class OutputSignature(TypedDict):
    """What a model gives: one score a class, classes in order. Of `multilabel`, log-odds (logits) or the probability of each class by itself."""
    kind: Literal['classes', 'multilabel']
    classes: list[str]
    scores: Literal['logits', 'probabilities']


class PlannedStep(TypedDict):
    """A step that the job would have."""
    name: str
    verb: str
    queue: str
    optional: bool
    cache: Literal['hit', 'possible', 'none']
    seconds: float
    memory_bytes: int


class Preview(TypedDict):
    """The first rows of a split, images and arrays as nested lists."""
    object: Literal['dataset.preview']
    dataset: str
    split: str
    rows: int
    data: list[dict[str, Any]]


class Price(TypedDict):
    """US dollars per million tokens, as of a version: what it was when a call was made is what the call costs."""
    version: int
    input: float
    output: float
    cached: float | None
    """Of input that comes from the endpoint's cache; None: as other input."""
    batch: float | None
    """Share of these rates that a call in a batch costs; None: all of them."""


class Probe(TypedDict):
    """What POST /v1/endpoints/{id}/probe takes."""
    model: NotRequired[str | None]
    """null: those that were probed before, or else the first that answers of those that it lists."""


class Problem(TypedDict):
    """A reason, in words a user can act on."""
    code: str
    message: str
    param: str | None
    hint: str | None
    file: str | None
    line: int | None


class Project(TypedDict):
    """A tenant: everything else belongs to one."""
    id: str
    object: Literal['project']
    name: str
    quota_bytes: int | None
    usd_per_month: float | None
    created_at: int


class ProjectChange(TypedDict):
    """What PATCH /v1/projects/{id} takes: what is absent stays as it is."""
    name: NotRequired[str | None]
    usd_per_month: NotRequired[float | None]
    """null, where it is sent: no cap from now on."""


class ProjectDeleted(TypedDict):
    """A project that is no more."""
    id: str
    object: Literal['project']
    deleted: Literal[True]


class ProjectPage(TypedDict):
    object: Literal['list']
    data: list[Project]
    has_more: bool
    first_id: str | None
    last_id: str | None


class Prompt(TypedDict):
    """How a row is put to the teacher. The student never sees it."""
    system: NotRequired[str | None]
    """`auto`: asks for one of the choices (or for those that fit, if a row has any number of them) and nothing else, after the system text that all rows have in common (of conversations); null: no system message."""
    template: NotRequired[str]
    """The user's message; `{name}` is a row's value where `name` is a column that the rows have, and `{{` and `}}` are braces. `auto`: the input column alone, or both of a pair, each after its name; of conversations whose system texts differ, the row's own first."""
    examples: NotRequired[Literal['auto'] | int]
    """Labelled training rows shown before the question, each as a message and its answer (few-shot). `auto`: 8, or as many as have labels."""


class Ready(TypedDict):
    """Requests can be served. Without the broker they still can: jobs start some seconds later."""
    status: Literal['ready']
    postgres: Literal['up']
    storage: Literal['up']
    broker: Literal['up', 'down']


class Regex(TypedDict):
    """A regular expression of Python (`re`) that fits the answer's text."""
    where: NotRequired[Condition | None]
    """Rows that it applies to; null: all. It says nothing of the others."""
    type: Literal['regex']
    pattern: str
    """`(?i)` at its beginning ignores case, `(?s)` lets the dot match the ends of lines, `(?!…)` forbids what follows."""
    match: NotRequired[Literal['full', 'search']]
    """The whole text, or anywhere in it."""


class ResultRow(TypedDict):
    """One line of the main table."""
    role: str
    name: str
    accuracy: float | None
    value: float
    low: float | None
    high: float | None
    labels_seen: int | None
    parameters: int | None
    bytes: int | None
    p50_us: float | None
    p95_us: float | None
    rows_per_second: float | None


class Roles(TypedDict):
    """Which column plays which role; None: none does."""
    input: str | list[str] | None
    """Two columns: pairs of texts."""
    label: str | None
    group: str | None
    id: str | None
    signal: str | None
    """The column of logits or probabilities of a dataset of signals."""


class Sampling(TypedDict):
    """How a model behind an endpoint draws its answer. null is not sent: the endpoint's own default holds."""
    temperature: NotRequired[float | None]
    top_p: NotRequired[float | None]
    max_tokens: NotRequired[int | None]
    """Tokens of one answer. A cap in dollars needs it: it bounds what a call can cost."""
    n: NotRequired[int]
    """Answers a row."""
    seed: NotRequired[int | None]
    """Names a set of samples: another seed asks for fresh ones. It is sent, raised by the number of the sample."""


class Series(TypedDict):
    """One measured quantity of one step."""
    step: str
    name: str
    at: list[int]
    values: list[float | None]


class Signature(TypedDict):
    input: InputSignature
    output: OutputSignature


class SoftTargets(TypedDict):
    """T^2 * KL(teacher_T || student_T), always with the T^2 (Hinton et al. 2015, section 2); its limit for high T is logit matching (2.1).
    
    Of several classes a row, the mean over classes of this divergence of each class's Bernoulli distribution."""
    type: Literal['soft_targets']
    weight: NotRequired[float]
    temperature: NotRequired[float]
    """T: both distributions are softened by it."""
    balance: NotRequired[Literal['none', 'inverse_frequency']]
    """`inverse_frequency`: a row counts the sum over classes of probability * rows / (classes * n), n the sum over training rows of that class's
    probability, all as the teachers together say at temperature 1: one on average, and where they name one class a row what `labels` count. A class
    with n under 1 is that part of a class, and its n is taken for 1. Of several classes a row, the same of each class's yes and no."""


class SplitFacts(TypedDict):
    """One split, stored as one uncompressed Arrow IPC file."""
    rows: int
    path: str
    """Name of the file among the dataset's files, `train.arrow`."""
    digest: str
    """sha256 of that file."""
    bytes: int
    duplicates: int
    """Rows whose row digest occurred before in the split."""
    labels: dict[str, int]
    """Counts of the label column's values in this split; of `classes`, rows that have the name."""
    labelled: int
    """Rows that have a label; an empty list of names is one."""
    text_bytes: dict[str, int]
    """Bytes (UTF-8) of all values of each column of texts or names, without those of arrays."""
    longest: dict[str, int]
    """Bytes of the longest value of each of them."""
    makeup: dict[str, dict[str, float]]
    """What a byte of each of them is made of, by kinds of writing, in a sample of the rows; absent of numbers, and of what was inspected before there was such a figure."""


class StatusDetails(TypedDict):
    validationDetails: BedrockPhase
    dataProcessingDetails: BedrockPhase
    trainingDetails: BedrockPhase


class StoppedModelCustomizationJob(TypedDict):
    """Nothing: that it stops is seen by asking."""


class StoredFile(TypedDict):
    """A file of ours in storage."""
    digest: str
    bytes: int


class StudentOf(TypedDict):
    model: str | None


class Synthesis(TypedDict):
    """The teacher writes new training texts from examples (Self-Instruct, Wang et al. 2022, section 2), and answers them like the others.
    
    Each call shows it some training rows and some of its own new texts (a quarter, once there are enough), drawn anew. A new text is kept
    unless it is a near-duplicate of a row or of a new text that was kept before. New rows are for training alone: they have no gold label,
    and are drawn by no share, condition or held-out side."""
    rows: int
    """New rows that are wanted. Fewer come where calls or the cap end before."""
    examples: NotRequired[int]
    """Texts shown in a call."""
    per_call: NotRequired[int]
    """New texts asked for in a call."""
    similarity: NotRequired[float]
    """ROUGE-L (F1 over words) from which on a text is a near-duplicate of another."""
    instruction: NotRequired[str]
    """What the teacher is told above the examples, which follow as a JSON array; `{count}` is `per_call`, and `{{` and `}}` are braces. `auto`: asks for as many texts of the same kind, as a JSON array."""
    sampling: NotRequired[Drawing]
    seed: NotRequired[int]
    """Draws the examples: another seed shows others, and so asks for fresh texts."""
    most_calls: NotRequired[Literal['auto'] | int]
    """Calls after which asking ends, however few texts were kept. `auto`: four times as many as there would be if all were."""


class Teacher(TypedDict):
    """One model or an ensemble (Hinton et al. 2015, section 3), or uploaded signals: exactly one of the two."""
    models: NotRequired[Sequence[str]]
    """Models that score every training row (`mdl_x`), or a model behind an endpoint that answers them (`ep_name/model`)."""
    signals: NotRequired[str | None]
    """A dataset of logits or probabilities by row id, made by whoever cannot upload weights."""
    weights: NotRequired[Literal['auto'] | Sequence[float]]
    """One weight a model, divided by their sum; `auto`: equal."""
    combine: NotRequired[Literal['arithmetic', 'geometric']]
    """Mean of the teachers' distributions: of probabilities, or of log-probabilities (renormalised)."""
    accept_terms: NotRequired[bool]
    """You have read the terms of the teacher's service or licence, and what you make is allowed. Asked for where known terms restrict training on outputs."""
    batch: NotRequired[bool]
    """Ask through the endpoint's batch API: at its discount (the price's `batch`), and answered within a day instead of at once. For a teacher behind an endpoint that has one; judges, new texts and a preview are asked call by call."""


class TeacherModel(TypedDict):
    teacherModelIdentifier: str
    """`ep_name/model` behind an endpoint, or `mdl_…`."""
    maxResponseLengthForInference: NotRequired[int | None]
    """Tokens of one answer at most."""


class TeacherResponses(TypedDict):
    """The teacher answers every row, and `labels` are its answers. Gold labels serve examples, measuring and the baseline."""
    type: Literal['teacher']
    prompt: NotRequired[Prompt]
    choices: NotRequired[Literal['auto'] | Sequence[str]]
    """The answers that count, which are the student's classes. `auto`: the labels of the rows."""
    read: NotRequired[Literal['auto'] | Literal['logprobs', 'votes', 'text']]
    """How an answer becomes a distribution over the choices: `logprobs` of their tokens, shares of `n` `votes`, or the `text`
    alone. `auto`: votes where n is over 1, else logprobs where the endpoint gives them, else text. Where a row has any number of choices, an
    answer is names between commas or a JSON array, votes are of each choice by itself, and logprobs are refused."""
    structured: NotRequired[bool]
    """Ask for JSON by a schema that allows the choices alone (structured outputs)."""
    sampling: NotRequired[Sampling]
    keep: NotRequired[Sequence[RowGrader]]
    """Filters on the answers to training rows: a row is kept if at least one applies to it, and all that apply pass. (): what was
    answered is kept. Held-out rows measure the teacher and are never filtered. Another list asks nothing again."""


class Terms(TypedDict):
    """What somebody's terms say of models that are trained on outputs (spec/terms.toml)."""
    name: str
    """Of the terms, as a sentence has it."""
    party: str
    """Whose they are."""
    hosts: list[str]
    """Of the service, where they are a service's; one that begins with a dot stands for all hosts under it."""
    licences: list[str]
    """Names that a licence of weights goes by, in lower case."""
    forbids: str | None
    """In a few words of ours: a job says `teacher.accept_terms`. null: they forbid nothing of the kind."""
    asks: str | None
    """What whoever trains on outputs has to do, in a few words of ours."""
    source: str
    effective: str
    """Date of the version that was read."""


class TextClassifier(TypedDict):
    """One vector of the embeddings of a text's hashed n-grams (`embedding`), then `output`, in the manner of fastText (Joulin et al. 2017)."""
    type: Literal['text_classifier']
    width: int
    """Numbers of an embedding."""
    buckets: NotRequired[int]
    """Embeddings that n-grams share by their hash."""
    word_ngrams: NotRequired[Literal[1, 2]]
    """1: single words; 2: pairs of neighbouring words too."""
    byte_ngrams: NotRequired[Sequence[int]]
    """Lengths of the runs of UTF-8 bytes inside of words, their edges included; empty: words alone."""
    pooling: NotRequired[Literal['mean', 'sqrt']]
    """`mean` of the embeddings; `sqrt`: their sum over the square root of their number, which leaves long texts more to say (StarSpace, Wu et al. 2018, with its p of 0.5)."""
    dropout: NotRequired[float]
    """Share of a text's n-grams that a step of training leaves out, drawn anew each time (Iyyer et al. 2015, word dropout)."""
    max_bytes: NotRequired[int]
    """What comes after so many bytes of a text is not read."""


class TextEncoder(TypedDict):
    """A transformer encoder with pre-norm layers over tokens, then the mean over a text's tokens, then `output` (Vaswani et al. 2017)."""
    type: Literal['text_encoder']
    width: int
    """Numbers of a token in every layer; a multiple of `heads`. A layer's inner width is four times it."""
    layers: NotRequired[int]
    heads: NotRequired[int]
    """Parts that a layer's attention is divided into."""
    max_tokens: NotRequired[int]
    """What comes after so many tokens of a text is not read."""
    tokenizer: NotRequired[str | None]
    """A `tokenizer.json` of the library `tokenizers`: a file of yours (`file-…`), or its sha256, as a model's architecture names it. null: byte pairs are learned from the training rows."""
    vocabulary: NotRequired[int]
    """Tokens: none, a separator, the 256 bytes, and the byte pairs that are most frequent in the training rows. With a `tokenizer` it is that one's: none, a separator, and the file's own."""
    dropout: NotRequired[float]
    """Probability of dropping a number of what a layer adds, and of the embeddings, in training."""


class Training(TypedDict):
    """One pass of the loop in `distill/loop.py`. A seed gives the same bytes on one machine class and thread count."""
    epochs: NotRequired[float | None]
    """Passes over the training rows and their jittered copies, fractions too."""
    steps: NotRequired[int | None]
    """Optimizer steps. One of epochs and steps; neither: 20 epochs."""
    batch_size: NotRequired[Literal['auto'] | int]
    """Rows of an optimizer step. `auto`: 64 up to 10,000 training rows, 256 above."""
    learning_rate: NotRequired[Literal['auto'] | float]
    """Peak of the schedule. `auto`: sgd 0.1; adamw 0.001 for an mlp and a text_encoder, else 0.005."""
    optimizer: NotRequired[Literal['adamw', 'sgd']]
    schedule: NotRequired[Literal['constant', 'cosine', 'one_cycle']]
    weight_decay: NotRequired[float]
    seed: NotRequired[int]
    """Draws initial weights, batches and dropout."""
    precision: NotRequired[Literal['auto'] | Literal['float32', 'bfloat16']]
    """`auto`: by architecture; float32 for all that there are."""
    select: NotRequired[Literal['last', 'best']]
    """Which weights are kept: the last, or the best on validation rows by the headline metric."""
    bias_correction: NotRequired[bool]
    """Tune one offset for the classes absent from the transfer set, on validation rows (Hinton et al. 2015, section 3)."""


class TrainingData(TypedDict):
    s3Uri: NotRequired[str | None]
    """`file-…`, `ds_…` or `ds_…/split`, alone or as `s3://stillhouse/file-…`."""
    invocationLogsConfig: NotRequired[Any]


class TunedModel(TypedDict):
    model: str


class TuningJob(TypedDict):
    """As it is shown."""
    name: str
    tunedModelDisplayName: str
    description: str | None
    state: Literal['JOB_STATE_QUEUED', 'JOB_STATE_RUNNING', 'JOB_STATE_PAUSED', 'JOB_STATE_SUCCEEDED', 'JOB_STATE_FAILED', 'JOB_STATE_CANCELLING', 'JOB_STATE_CANCELLED']
    createTime: str
    startTime: str | None
    endTime: str | None
    updateTime: str
    error: GoogleStatus | None
    labels: dict[str, str]
    tunedModel: TunedModel | None
    distillationSpec: DistillationSpec


class TuningJobList(TypedDict):
    tuningJobs: list[TuningJob]
    nextPageToken: str | None


class Usage(TypedDict):
    """Sums over the project (by project, for an administrator: over all), and a page of the rows that they are made of."""
    device_seconds: float
    usd: float
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    object: Literal['usage']
    bytes_stored: int
    data: list[UsageRow]
    has_more: bool
    first_id: str | None
    last_id: str | None


class UsageRow(TypedDict):
    """What one job, step, endpoint or project, or all of one day (UTC), has used. Probes belong to no job and no step."""
    device_seconds: float
    usd: float
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    id: str
    object: Literal['usage.row']
    job: str | None
    name: str | None
    bytes_stored: int | None


class Validation(TypedDict):
    """What would become of a job. No job is stored; what it would wait for is inspected."""
    object: Literal['distillation.validation']
    valid: bool
    problems: list[Problem]
    warnings: list[Problem]
    waiting: Waiting | None
    resolved: Distillation | None
    plan: list[PlannedStep]
    estimate: Estimate | None


class ValidationData(TypedDict):
    validators: Sequence[BedrockValidator]
    """One: the rows that are held out."""


class Waiting(TypedDict):
    """Why nothing of the job runs at the moment."""
    code: Literal['facts', 'turn', 'retry', 'twin', 'no_worker', 'paused']
    reason: str
    ids: list[str]
    position: int | None


class Words(TypedDict):
    """Copies of training texts in which words are missing, for the teacher to answer (Tang et al. 2019, section 3.2, whose masked words are left out here: a copy is never longer than its row).
    
    A copy has its row's other columns, but no label and no id. It is left out where it is a row's text already, held-out and validation rows' too, or another copy's."""
    type: Literal['words']
    copies: NotRequired[int]
    """Copies of a row at most: each is asked about, or scored, like a row."""
    drop: NotRequired[float]
    """Probability that a word is left out."""
    ngram: NotRequired[float]
    """Probability that one to five neighbouring words are all that is left."""


class Worker(TypedDict):
    """A process that does steps, and the device that it does them on."""
    id: str
    object: Literal['worker']
    name: str
    hostname: str
    queues: list[str]
    slots: int
    device: str
    memory: int
    price_per_hour: float
    sandbox: Literal['namespace', 'bubblewrap', 'none']
    trusted: bool
    versions: dict[str, Any]
    connected: bool
    started_at: int
    last_seen: int


class WorkerPage(TypedDict):
    object: Literal['list']
    data: list[Worker]
    has_more: bool
    first_id: str | None
    last_id: str | None


Augment = Jitter | Words
Metric = Accuracy | F1 | Nll | Calibration
Responses = GivenResponses | TeacherResponses
RowGrader = Length | Regex | JsonSchema | Agreement | Judge
Student = Mlp | Convnet | TextClassifier | TextEncoder
Term = SoftTargets | Labels
