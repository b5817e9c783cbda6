"""What is expected of a question that an endpoint has answered before: its own counts, of these words and these rows alone."""

from typing import Any

import pytest

from models import admission, purse
from models.counted import counted
from models.endpoint import Endpoint
from models.job import Job
from models.purse import Spent
from models.step import Step
from models.told import told
from spec.distillation import Distillation
from spec.facts import Facts, Roles, StoredFile
from spec.step import Step as Planned
from tests.models.test_admission import accept, dataset
from tests.models.world import Planned as Row
from tests.models.world import World
from tests.spec import builders
from tests.spec.billed import COLUMNS, TEST, TRAIN
from tests.spec.leaves import ASKED

QUESTION = {"endpoint": "d", "model": "words", "template": "{text}", "sampling": {"seed": 1, "max_tokens": 4}}
ROWS = {"digest": "rows", "bytes": 9}


def asked(world: World, project: str, calls: int = 20, endpoint: str = "ep_words") -> None:
    """A preview that was paid for."""
    job = world.submit(project, (Row(name="preview", verb="answer", queue="io", params={"question": QUESTION}),))
    step = world.steps(job)["preview"]

    def paid(session: Any) -> None:
        session.get(Step, step.id).inputs = {"train/rows.arrow": ROWS}
        spent = Spent(
            group=1, endpoint=endpoint, price_version=1, amount=1, released=1, calls=calls, input_tokens=50 * calls,
            output_tokens=3 * calls, cached_tokens=0,
        )  # fmt: skip
        purse.book(session, project, job, step.id, 1, spent)

    world(paid)


def planned(question: dict[str, Any], digest: str = "rows") -> list[Planned]:
    return [
        Planned(
            name="answer", verb="answer", queue="io", params={"question": question}, memory=0, seconds=0.0,
            inputs={"train/rows.arrow": StoredFile(digest=digest, bytes=9)}, context={"endpoint": "ep_words"},
        )
    ]  # fmt: skip


def test_the_same_question_of_the_same_rows(world: World) -> None:
    asked(world, project := world.project())
    asked(world, project)
    asked(world, project, endpoint="ep_other")
    asked(world, world.project("other"))
    other_seed = QUESTION | {"sampling": {"seed": 2, "max_tokens": 4}}
    for question in (QUESTION, other_seed):
        found = world(counted, project, planned(question), Facts()).counted
        assert found is not None and (found.calls, found.input, found.output) == (40, 50, 3)


@pytest.mark.parametrize(
    ("question", "digest", "calls"),
    [
        (QUESTION | {"model": "large"}, "rows", 20),
        (QUESTION | {"system": "Which?"}, "rows", 20),
        (QUESTION | {"sampling": {"seed": 1, "max_tokens": 400}}, "rows", 20),
        (QUESTION, "other rows", 20),
        (QUESTION, "rows", 9),
    ],
)
def test_what_tells_nothing(world: World, question: dict[str, Any], digest: str, calls: int) -> None:
    asked(world, project := world.project(), calls)
    assert world(counted, project, planned(question, digest), Facts()) == Facts()


def previewed(world: World) -> tuple[str, str]:
    """A job that was planned by the probe, and its preview."""
    project = world.project()
    data = dataset(
        world, project, builders.dataset({"train": TRAIN, "test": TEST}, COLUMNS, Roles(input="text", label="label"))
    )
    known = builders.endpoint().model_dump(mode="json", include={"models", "probed"})
    price = {"version": 1, "input": 0.4, "output": 1.6}
    row = Endpoint(project=project, id="ep_open", wire="openai", url="http://a/v1", facts=known, prices=[price])
    world(lambda session: session.add(row))
    rows = {"train": f"{data}/train", "heldout": f"{data}/test"}
    document = builders.document(ASKED | {"data": ASKED["data"] | rows, "budget": {"preview": 20}})
    job = accept(world, project, (Distillation.model_validate(document), document))
    return job.id, world.steps(job.id)["preview"].id


def test_a_preview_keeps_what_was_said_before_it(world: World) -> None:
    """Its answers have twenty times the tokens that the probe expects; a second recount still knows the first word."""
    job, step = previewed(world)
    first = world.job(job).estimate
    assert first is not None and first["before_preview"] is None and first["usd"]["answers"] > 0
    spent = Spent(
        group=1, endpoint="ep_open", price_version=1, amount=20_000, released=20_000, calls=20, input_tokens=10_000,
        output_tokens=160, cached_tokens=0,
    )  # fmt: skip
    world(purse.book, world.job(job).project, job, step, 1, spent)
    for _ in range(2):
        world(lambda session: admission.recount(session, session.get_one(Job, job)))
        anew = world.job(job).estimate
        assert anew is not None and anew["usd"]["answers"] > 2 * first["usd"]["answers"]
        assert anew["before_preview"] == first["usd"]
    bill = world(lambda session: told(session, session.get_one(Job, job), ()))["bill"]
    assert bill["expected"] == first["usd"] and bill["usd"] == pytest.approx(0.02)
