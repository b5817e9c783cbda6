"""What a step is expected to take, in seconds of one CPU core and bytes of memory. Reads spec and facts, never workers, rates or the clock."""

from dataclasses import dataclass
from math import ceil, prod

from spec import rows, size
from spec.bill import able
from spec.distillation import Distillation
from spec.facts import Facts, ModelFacts
from spec.grader import Judge
from spec.responses import TeacherResponses, filters
from spec.signature import classes, teachers
from spec.student import TextEncoder, TextStudent
from spec.synthesis import fewest
from spec.teacher import asked, divided
from spec.tensors import parameters
from spec.training import Training

START = 1.5
"""Seconds until a child has imported torch."""
RATE = 2e10
"""Floating-point operations a second of one core, at these sizes."""
EPOCHS = 20.0
"""Where a job names neither epochs nor steps."""
STEP = 0.001
"""Seconds of an optimizer step beside its arithmetic."""
UPDATE = 40
"""Operations' worth of time that the optimizer spends on a parameter, in its turn through memory."""
PACKAGE = 5.0
"""Seconds of export, comparison, latency rounds and pages."""
GRADE = 1.0
"""Seconds of resampling and figures."""
SLICE = 3.0
"""Seconds of the shortest training that a capped job still does: the floor of a train step."""
AT_ONCE = 16
"""Calls in flight that an endpoint is expected to bear."""
CALL = 0.002
"""Seconds of a core that a call takes us."""
FILTER = 0.00005
"""Seconds in which an answer is read and passes through a filter."""
SLOWEST = 20
"""Times that, and the start of the step once: what filters may compute in all. Who computes longer fails the job."""
INDEX = 1e-4
"""Seconds that the words of a row take to be found by."""
COPY = 5e-5
"""Seconds that a copy of a text takes."""
WORDS = 4
"""Bytes of a text in memory with the lists of its words, to its bytes in the file."""
PROCESS = 400 * 2**20
"""Bytes of a process that has imported torch."""
BATCH = 4096
"""Rows of a forward pass without gradients."""
TOKENS = 2**14
"""Of an encoder's pass without gradients, which keeps one layer at a time."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    seconds: float
    memory: int


def answer(spec: Distillation, facts: Facts) -> Cost:
    """Calls, so many at once as endpoints usually take; the network's time, not a core's."""
    count, seen = rows.counts(spec, facts), able(spec, facts)
    held = count.items + count.heldout
    responses = spec.data.responses
    samples = responses.sampling.n if isinstance(responses, TeacherResponses) else 1
    seconds = (seen.seconds if seen else 0.0) or 0.2
    memory = PROCESS // 2 + size.FLOAT * held * len(classes(spec, facts)) + 64 * held
    return Cost(seconds=START + held * samples * max(seconds / AT_ONCE, CALL), memory=memory)


def keep(spec: Distillation, facts: Facts) -> Cost:
    """Filters on every training row's answers, and a copy of all scores."""
    count, responses = rows.counts(spec, facts), spec.data.responses
    held = count.items + count.heldout
    memory = PROCESS // 2 + size.FLOAT * held * len(classes(spec, facts)) + 64 * held
    if not isinstance(responses, TeacherResponses):
        return Cost(seconds=START, memory=memory)
    return Cost(seconds=START + held * responses.sampling.n * len(filters(responses)) * FILTER, memory=memory)


def filtering(answers: int, graders: int) -> float:
    """Seconds that so many filters may compute on so many answers: no more than SLOWEST times what `keep` expects of them."""
    return START + SLOWEST * answers * graders * FILTER


def judge(spec: Distillation, facts: Facts, given: Judge) -> Cost:
    """Calls about every training row: how many the filters before it drop, nobody knows."""
    count, (endpoint, model) = rows.counts(spec, facts), divided(given.model)
    known = facts.endpoints.get(endpoint)
    seen = known.probed.get(model) if known else None
    each = max(((seen.seconds if seen else 0.0) or 0.2) / AT_ONCE, CALL)
    return Cost(seconds=START + count.train * given.sampling.n * each, memory=keep(spec, facts).memory)


def synthesise(spec: Distillation, facts: Facts) -> Cost:
    """Calls in rounds, and every row's words, by which near-duplicates are found."""
    wanted, train, seen = spec.data.synthesise, rows.train(spec, facts), able(spec, facts)
    assert wanted is not None and train is not None
    apart = [one for one in (rows.heldout(spec, facts), rows.validation(spec, facts)) if one is not None]
    held = sum(one.facts.rows for one in (train, *apart))
    calls = max((seen.seconds if seen else 0.0) or 0.2, AT_ONCE * CALL) * fewest(wanted) / AT_ONCE
    memory = PROCESS // 2 + sum(one.facts.bytes for one in (train, *apart)) * WORDS
    return Cost(seconds=START + calls + held * INDEX, memory=memory)


def augment(spec: Distillation, facts: Facts) -> Cost:
    """Copies word by word, and the digest of each."""
    made, train = rows.counts(spec, facts).written, rows.train(spec, facts)
    assert train is not None and spec.data.words is not None
    memory = PROCESS // 2 + train.facts.bytes * WORDS * (1 + spec.data.words.copies)
    return Cost(seconds=START + made * COPY, memory=memory)


def score(spec: Distillation, facts: Facts) -> Cost:
    """One forward pass of every teacher over training rows (and their copies) and held-out rows."""
    count = rows.counts(spec, facts)
    passes = count.items + count.heldout + count.validation
    held = teachers(spec, facts)
    work = sum(_teacher_operations(teacher) for teacher in held) * passes
    largest = max((teacher.bytes + _teacher_activations(teacher) for teacher in held), default=0)
    return Cost(seconds=START + work / RATE, memory=PROCESS + largest)


def _teacher_operations(teacher: ModelFacts) -> int:
    """Of one row; an ONNX file does not say, so each parameter is taken to be used twice, as in a small convolutional network."""
    if teacher.architecture is None:
        return 4 * teacher.parameters
    return size.operations(teacher.architecture, teacher.signature.input.shape, len(teacher.signature.output.classes))


def _teacher_activations(teacher: ModelFacts) -> int:
    shape = teacher.signature.input.shape
    if teacher.architecture is None:
        return size.FLOAT * BATCH * 32 * prod(shape)
    if isinstance(teacher.architecture, TextEncoder):
        return size.FLOAT * TOKENS * 20 * teacher.architecture.width
    return size.FLOAT * BATCH * size.activations(teacher.architecture, shape, len(teacher.signature.output.classes))


def steps(training: Training, count: int) -> int:
    """Optimizer steps: as written, or those of the epochs (20 where neither is) over `count` rows."""
    if training.steps is not None:
        return training.steps
    return max(1, ceil((training.epochs or EPOCHS) * count / batch_size(training, count)))


def batch_size(training: Training, count: int) -> int:
    """As written; `auto`: 64 up to 10,000 rows and 256 above, and no more than there are rows."""
    if training.batch_size != "auto":
        return training.batch_size
    return max(1, min(64 if count <= 10_000 else 256, count))


def train(spec: Distillation, facts: Facts, shape: tuple[int, ...], count: int) -> Cost:
    """Forward and backward passes: three times the arithmetic of a forward pass. `count`: rows that an epoch passes over."""
    names = len(classes(spec, facts))
    batch, number = batch_size(spec.training, count), steps(spec.training, count)
    work = 3 * size.operations(spec.student, shape, names) * batch
    if isinstance(spec.student, TextStudent):
        work += UPDATE * parameters(spec.student, shape, names)  # every embedding, whichever the batch looked up
    copies = 5 if spec.training.select == "best" else 4  # weights, gradients, two moments; the best so far
    held = size.training_bytes(spec.student, shape, names, batch, copies)
    targets = count * names * (len(spec.teacher.models) if spec.teacher else 0)
    memory = PROCESS + held + size.FLOAT * targets
    return Cost(seconds=START + number * (STEP + work / RATE), memory=memory)


def grade(spec: Distillation, facts: Facts) -> Cost:
    """Held-out answers of student and baselines, and all figures."""
    count, names = rows.counts(spec, facts), len(classes(spec, facts))
    models = 2 + (len(spec.evaluation.baselines) if spec.evaluation.baselines != "auto" else 1)
    resampling = 2000 * count.heldout * models * 2e-9
    memory = PROCESS + size.FLOAT * names * (count.heldout * 2 * models + count.train)
    return Cost(seconds=START + GRADE + resampling, memory=memory)


def package(spec: Distillation, facts: Facts) -> Cost:
    """Export to ONNX, its comparison with torch, latencies and the report."""
    held = sum(
        teacher.bytes for teacher in teachers(spec, facts)
    )  # all at once, as weights, as a graph and in a session
    return Cost(seconds=START + PACKAGE, memory=PROCESS + 4 * held)


def minimum(spec: Distillation, facts: Facts) -> float:
    """Device seconds that no cap can save: scoring, one slice of training, grading."""
    scores = spec.teacher and spec.teacher.models and not asked(spec.teacher)
    scoring = score(spec, facts).seconds if scores else 0.0
    return scoring + SLICE + grade(spec, facts).seconds
