"""The steps that make a teacher's answers: by asking an endpoint, for a look beforehand, for new texts, and about answers; and by filtering."""

from dataclasses import replace

from spec import cost, rows
from spec.bill import bill
from spec.bills import bills, due_to_judges, judge_step
from spec.condition import ordered
from spec.distillation import Distillation
from spec.facts import Facts, Roles, Signature
from spec.grader import VERDICTS, Judge, RowGrader
from spec.inputs import row_files
from spec.params import AnswerParams, Judged, KeepParams, Question, Request, Selection, SynthesiseParams
from spec.prompt import examples_of
from spec.responses import TeacherResponses, filters, judges
from spec.sampling import Sampling
from spec.selection import selection
from spec.step import FIRST, Step, dump
from spec.teacher import asked, divided

PREVIEW = "preview"
"""The step after whose success a job waits for its owner."""
SYNTHESISE = "synthesise"
"""The step whose training rows all later steps take."""


def answer(resolved: Distillation, facts: Facts, given: Signature) -> Step:
    responses, named = resolved.data.responses, asked(resolved.teacher)
    assert isinstance(responses, TeacherResponses) and responses.read != "auto" and named
    able = facts.endpoints[named[0]].probed.get(named[1])
    params = AnswerParams(
        question=Question(
            endpoint=facts.endpoints[named[0]].digest,
            model=named[1],
            system=responses.prompt.system,
            template=responses.prompt.template,
            examples=examples_of(resolved, facts),
            sampling=responses.sampling,
            top_logprobs=able.top_logprobs if able and responses.read == "logprobs" else 0,
            structured=responses.structured,
        ),
        classes=given.output.classes,
        read=responses.read,
        take=selection(resolved, facts),
        several=given.output.kind == "multilabel",
    )
    needed = cost.answer(resolved, facts)
    return Step(
        name="answer",
        verb="answer",
        queue="io",
        params=dump(params),
        inputs=row_files(resolved, facts, "train", "heldout"),
        after=(PREVIEW,) if resolved.budget.preview is not None else (),
        divisible=True,
        memory=needed.memory,
        seconds=needed.seconds,
        context={
            "endpoint": named[0],
            "questions": rows.most(resolved, facts),
            "aside": due_to_judges(resolved, facts),
            **({"batch": True} if resolved.teacher and resolved.teacher.batch else {}),
        },
    )


def synthesise(resolved: Distillation, facts: Facts) -> Step:
    """New texts. What the answers need under a cap is kept for them; whose labels are seen changes no text."""
    wanted, named = resolved.data.synthesise, asked(resolved.teacher)
    assert wanted is not None and wanted.most_calls != "auto" and named is not None
    params = SynthesiseParams(
        question=Request(
            endpoint=facts.endpoints[named[0]].digest,
            model=named[1],
            sampling=Sampling(**dict(wanted.sampling)),
            instruction=wanted.instruction,
            examples=wanted.examples,
            per_call=wanted.per_call,
        ),
        rows=wanted.rows,
        similarity=wanted.similarity,
        seed=wanted.seed,
        most_calls=wanted.most_calls,
        take=selection(resolved, facts).model_copy(update={"labelled": 1.0}),
    )
    needed, expected, cap = cost.synthesise(resolved, facts), bills(resolved, facts), resolved.budget.usd
    return Step(
        name=SYNTHESISE,
        verb="synthesise",
        queue="io",
        params=dump(params),
        inputs=row_files(resolved, facts, "train", "heldout", "validation"),
        after=(PREVIEW,) if resolved.budget.preview is not None else (),
        divisible=True,
        memory=needed.memory,
        seconds=needed.seconds,
        context={
            "endpoint": named[0],
            "questions": wanted.most_calls,
            "aside": expected.aside(cap) if expected and cap else 0,
        },
    )


def preview(resolved: Distillation, facts: Facts, given: Signature) -> Step:
    """The first of the questions, after which the job waits for its owner. What is asked here is not paid for again; what the held-out rows may cost is
    left to the others."""
    whole, graders = answer(resolved, facts, given), filters(resolved.data.responses)
    expected = bill(resolved, facts)
    aside = whole.context["aside"] + (expected.heldout if expected else 0)
    return replace(
        whole,
        name=PREVIEW,
        params=whole.params | {FIRST: resolved.budget.preview} | (dump(_filters(graders)) if graders else {}),
        context=whole.context | {"questions": resolved.budget.preview, "batch": False, "aside": aside},
        after=(),
        seconds=cost.START,
    )


def filtering(resolved: Distillation, facts: Facts) -> list[Step]:
    """The filters that read, in one step; then each judge in one of its own, which is asked of what was left."""
    graders = filters(resolved.data.responses)
    if not graders:
        return []
    steps = [_keep(graders, resolved, facts)]
    for place, judge in judges(resolved.data.responses):
        steps.append(_judge(place, judge, steps[-1].name, resolved, facts))
    return steps


def _keep(graders: tuple[RowGrader, ...], resolved: Distillation, facts: Facts) -> Step:
    """What filters leave of the answers. It knows nothing of the question: other filters ask nothing again."""
    conditions = any(grader.where is not None for grader in graders)
    needed = cost.keep(resolved, facts)
    return Step(
        name="keep",
        verb="keep",
        queue="cpu",
        params=dump(_filters(graders)),
        inputs=row_files(resolved, facts, "train") if conditions else {},
        needs={"answers": "answer"},
        memory=needed.memory,
        seconds=needed.seconds,
    )


def _filters(graders: tuple[RowGrader, ...]) -> KeepParams:
    """Their conditions in one order, whoever wrote them."""
    spelled = (
        grader.model_copy(update={"where": ordered(grader.where)}) if grader.where is not None else grader
        for grader in graders
    )
    return KeepParams(graders=tuple(spelled))


def _judge(place: int, judge: Judge, before: str, resolved: Distillation, facts: Facts) -> Step:
    """A judge is asked as a teacher is, of the rows that `before` left. How rows were divided it need not know."""
    endpoint, model = divided(judge.model)
    params = AnswerParams(
        question=Question(
            endpoint=facts.endpoints[endpoint].digest,
            model=model,
            system=None,
            template=judge.question,
            sampling=judge.sampling,
        ),
        classes=VERDICTS,
        read="votes" if judge.sampling.n > 1 else "text",
        take=Selection(roles=Roles(input=None)),
        judged=Judged(place=place, where=ordered(judge.where) if judge.where else None),
    )
    needed = cost.judge(resolved, facts, judge)
    return Step(
        name=judge_step(place),
        verb="answer",
        queue="io",
        params=dump(params),
        inputs=row_files(resolved, facts, "train"),
        needs={"answers": before},
        divisible=True,
        memory=needed.memory,
        seconds=needed.seconds,
        context={
            "endpoint": endpoint,
            "questions": rows.most(resolved, facts),
            "aside": due_to_judges(resolved, facts, place),
        },
    )
