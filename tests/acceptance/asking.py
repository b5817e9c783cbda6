"""A small real job whose teacher is only asked, by a project whose key may allow an endpoint on this machine."""

from typing import Any

from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.run import ENDED, Run, until
from tests.acceptance.teacher import KEY, Teacher, sentences
from tests.acceptance.tenant import Tenant, good

PRICE = {"input": 1.0, "output": 2.0}
ROWS = 240
TEXTS, LABELS = sentences(ROWS + 10, 1)


def endpoint(owner: Tenant, teacher: Teacher, **more: Any) -> dict[str, Any]:
    price = PRICE | ({} if teacher.rate_cached is None else {"cached": teacher.rate_cached})
    body = {"name": "words", "url": teacher.url, "key": KEY, "price": price, "allow_private": True, **more}
    made = good(owner.client.post("/v1/endpoints", json=body))
    teacher.forget()
    return made


def dataset(stack: Stack, owner: Tenant, rows: int = ROWS) -> str:
    with Stillhouse(stack.url, owner.key) as client:
        made = client.datasets.from_texts(TEXTS[:rows], LABELS[:rows], name="sentences")
        return client.datasets.wait(made["id"])["id"]


def job(rows: str, *, steps: int = 60, sampling: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    asked = {"type": "teacher", "sampling": {"temperature": 0.0, "max_tokens": 4} if sampling is None else sampling}
    return {
        "name": "answers",
        "teacher": {"models": ["ep_words/words"]},
        "data": {"train": rows, "heldout": 0.2, "labelled": 0.2, "responses": asked | more.pop("responses", {})},
        "student": {"type": "text_classifier", "width": 16, "buckets": 2000},
        "objective": [{"type": "soft_targets"}],
        "training": {"steps": steps, "batch_size": 32, "learning_rate": 0.02},
        **more,
    }


def report(run: Run) -> dict[str, Any]:
    return good(run.owner.client.get(f"/v1/distillations/{run.id}/report"))


def ended(run: Run, state: str = "succeeded") -> dict[str, Any]:
    until(lambda: run.get()["state"] in ENDED)
    found = run.get()
    assert found["state"] == state, found["error"]
    return found


def answered(run: Run) -> None:
    """Until all is answered: what follows is not this test's business, and is cancelled."""
    until(lambda: run.moves("answer")[-1:] == ["succeeded"])
    good(run.owner.client.post(f"/v1/distillations/{run.id}/cancel"))
