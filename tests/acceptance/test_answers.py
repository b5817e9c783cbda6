"""A teacher behind an endpoint, from the endpoint's making to the student's report: what is asked, kept, trained on, and paid."""

from collections.abc import Iterator
from typing import Any

import pytest

from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.run import Run
from tests.acceptance.teacher import KEY, Teacher, sentences, served
from tests.acceptance.tenant import Tenant, good, tenant

PRICE = {"input": 1.0, "output": 2.0}


@pytest.fixture
def teacher() -> Iterator[Teacher]:
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Iterator[Tenant]:
    made = tenant(stack, "answers", scopes=("read", "write", "admin"))
    with made.client:
        yield made


def endpoint(owner: Tenant, teacher: Teacher, name: str, **more: Any) -> dict[str, Any]:
    body = {"name": name, "url": teacher.url, "key": KEY, "price": PRICE, "allow_private": True, **more}
    made = good(owner.client.post("/v1/endpoints", json=body))
    teacher.forget()
    return made


def texts(stack: Stack, owner: Tenant, number: int, seed: int, name: str) -> str:
    with Stillhouse(stack.url, owner.key) as client:
        return client.datasets.from_texts(*sentences(number, seed), name=name)["id"]


def job(dataset: str, asked: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "answers",
        "teacher": {"models": [f"{asked}/words"]},
        "data": {"train": dataset, "heldout": 0.2, "labelled": 0.1,
                 "responses": {"type": "teacher", "sampling": {"temperature": 0.0, "max_tokens": 4}}},
        "student": {"type": "text_classifier", "width": 16, "buckets": 2000},
        "objective": [{"type": "soft_targets"}],
        "training": {"steps": 150, "batch_size": 32},
        **more,
    }  # fmt: skip


def test_from_an_endpoint_to_a_report(stack: Stack, owner: Tenant, teacher: Teacher) -> None:
    made = endpoint(owner, teacher, "words")
    assert made["state"] == "ready" and made["models"] == ["words"]
    assert made["probed"]["words"]["top_logprobs"] == 3 and made["probed"]["words"]["several"]
    dataset = texts(stack, owner, 400, 1, "sentences")
    run = Run.start(owner, job(dataset, "ep_words"))
    run.succeeded()
    assert set(teacher.asked.values()) == {1} and len(teacher.asked) == 400
    ended = run.get()
    assert ended["usage"]["usd"] == pytest.approx(teacher.bill, abs=1e-9)
