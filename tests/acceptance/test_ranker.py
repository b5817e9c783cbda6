"""Pairs of texts that an endpoint answers: a ranker from queries and passages, in columns whose names are no identifiers."""

import json
from collections import defaultdict
from typing import Any

import pytest

from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.asking import TEXTS, endpoint, job, report
from tests.acceptance.run import Run
from tests.acceptance.teacher import WORDS, Teacher
from tests.acceptance.tenant import Tenant, good
from tests.acceptance.test_answers import log

PASSAGE, QUERY = "Passage Text", "问题"
MISSED = "otter"
"""A word that the teacher never finds."""
ASKED = [(text, word) for i, text in enumerate(TEXTS[:60]) for word in (WORDS["animals"][i % 8], text.split()[0])]
PAIRS = [(passage, f"Is there a {word}?") for passage, word in dict.fromkeys(ASKED)]


def there(passage: str, query: str) -> str:
    return "relevant" if query.rsplit(maxsplit=1)[-1].rstrip("?") in passage.split() else "other"


def said(message: str) -> str:
    """By what it is shown, and nothing else: both texts have to be in the message, each after its name."""
    passage, query = message.removeprefix(f"{PASSAGE}: ").split(f"\n\n{QUERY}: ")
    return "other" if MISSED in query else there(passage, query)


def dataset(stack: Stack, owner: Tenant) -> str:
    rows = [{PASSAGE: passage, QUERY: query, "label": there(passage, query)} for passage, query in PAIRS]
    with Stillhouse(stack.url, owner.key) as client:
        file = client.files.upload("".join(json.dumps(row) + "\n" for row in rows).encode(), filename="pairs.jsonl")
        made = client.datasets.create(files=[file["id"]], columns={"input": [PASSAGE, QUERY]})
        return client.datasets.wait(made["id"])["id"]


@pytest.mark.timeout(300)
def test_a_ranker_learns_from_answers_about_pairs(stack: Stack, asker: Tenant, teacher: Teacher) -> None:
    endpoint(asker, teacher)
    teacher.judge = said
    spec: dict[str, Any] = job(dataset(stack, asker), budget={"usd": 1.0})
    spec["data"] |= {"heldout": 0.3, "columns": {"group": QUERY}}
    run = Run.start(asker, spec)
    run.succeeded()
    template = f"{PASSAGE}: {{{PASSAGE}}}\n\n{QUERY}: {{{QUERY}}}"
    whole = report(run)
    assert whole["spec"]["data"]["responses"]["prompt"]["template"] == template
    assert teacher.asked == {template.format_map({PASSAGE: passage, QUERY: query}): 1 for passage, query in PAIRS}
    systems = {messages[0]["content"] for _, messages in teacher.heard}
    assert systems == {
        "Classify the pair of texts. Answer with exactly one of these names and nothing else: other, relevant."
    }
    lines, sides = log(run), defaultdict(set)
    assert sorted(line["row"] for line in lines) == list(range(len(PAIRS)))
    for line in lines:
        passage, query = PAIRS[line["row"]]
        assert line["label"] == ("other" if MISSED in query else there(passage, query))
        sides[query].add(line["side"])
    assert all(len(side) == 1 for side in sides.values()), "the passages of one query are on one side"
    heldout = [PAIRS[line["row"]] for line in lines if line["side"] == "heldout"]
    assert (whole["grade"]["rows"], whole["grade"]["groups"]) == (len(heldout), len({query for _, query in heldout}))
    student = good(asker.client.get(f"/v1/models/{run.get()['student']['model']}"))
    assert student["signature"]["input"]["shape"] == [2]
    assert {role["role"] for role in whole["grade"]["roles"]} == {"teacher.0", "student", "no_teacher"}
