"""What is expected of a question that an endpoint has answered before: its own counts, of these words and these rows alone."""

from typing import Any

import pytest

from models import purse
from models.counted import counted
from models.purse import Spent
from models.step import Step
from spec.facts import Facts, StoredFile
from spec.step import Step as Planned
from tests.models.world import Planned as Row
from tests.models.world import World

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
