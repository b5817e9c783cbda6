"""Filters on a teacher's answers, over the whole way: what they drop is what the teacher's own log says, and other filters ask nothing."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.asking import ended, endpoint, job, report
from tests.acceptance.run import Run, until
from tests.acceptance.teacher import Teacher, sentences, served
from tests.acceptance.tenant import Tenant, good

HELDOUT, ROWS, SAMPLES = 40, 160, 5
TEXTS, LABELS = sentences(ROWS, 7)
KEEP: list[dict[str, Any]] = [
    {"type": "agreement", "least": 0.8, "where": {"column": "label", "among": ["animals", "stones"]}},
    {"type": "regex", "pattern": "animals|plants", "match": "full", "where": {"column": "label", "among": ["animals"]}},
    {"type": "length", "max": 6, "where": {"column": "label", "among": ["stones"]}},
    {
        "type": "judge",
        "model": "ep_judges/words",
        "question": "Is {answer} what {text} is about?",
        "where": {"column": "label", "among": ["stones"]},
        "sampling": {"temperature": 0.0, "max_tokens": 2},
    },
]


def dataset(stack: Stack, owner: Tenant) -> str:
    splits = {"test": (0, HELDOUT), "train": (HELDOUT, ROWS)}
    with Stillhouse(stack.url, owner.key) as client:
        made = client.datasets.from_texts(TEXTS, LABELS, splits=splits, name="sentences")
        return client.datasets.wait(made["id"])["id"]


def filtered(rows: str, keep: list[dict[str, Any]]) -> dict[str, Any]:
    """Votes of five answers, drawn."""
    sampling = {"temperature": 1.0, "max_tokens": 4, "n": SAMPLES, "seed": 5}
    made = job(rows, sampling=sampling, steps=40, responses={"keep": keep}, evaluation={"baselines": []})
    return made | {"data": made["data"] | {"heldout": f"{rows}/test", "labelled": 1.0}}


def verdict(question: str) -> str:
    """A judge who dislikes two words."""
    words = question.split()
    return "Hard to tell." if "grey" in words else "No." if "old" in words else "Yes."


def failing(text: str, label: str, said: list[str]) -> list[bool | None]:
    """Whether the row fails each filter, by the words of KEEP; None where the filter does not apply, or was not asked any more."""
    (winner, votes) = Counter(said).most_common(1)[0]
    found = [
        None if label == "plants" else votes < 4,
        "stones" in said if label == "animals" else None,
        "animals" in said if label == "stones" else None,
    ]
    asked = label == "stones" and True not in found
    return [*found, verdict(f"Is {winner} what {text} is about?") != "Yes." if asked else None]


def test_filters_drop_what_the_teachers_own_log_says(stack: Stack, asker: Tenant) -> None:
    with served(judge=verdict) as teacher:
        endpoint(asker, teacher, name="judges")
        endpoint(asker, teacher)
        rows = dataset(stack, asker)
        run = Run.start(asker, filtered(rows, KEEP))
        assert asker.client.delete("/v1/endpoints/ep_judges").json()["error"]["code"] == "in_use"
        run.succeeded()
        found, whole = run.get(), report(run)
        expected = [failing(text, label, teacher.said[text]) for text, label in zip(TEXTS, LABELS, strict=True)][
            HELDOUT:
        ]
        kept = [
            row
            for row, verdicts in enumerate(expected)
            if any(one is False for one in verdicts) and True not in verdicts
        ]
        told = whole["answers"]["kept"]
        assert (told["answered"], told["kept"]) == (ROWS - HELDOUT, len(kept))
        assert told["unmatched"] == LABELS[HELDOUT:].count("plants")
        assert [(one["applied"], one["dropped"]) for one in told["filters"]] == [
            (sum(one is not None for one in column), column.count(True)) for column in zip(*expected, strict=True)
        ]
        assert all(one["dropped"] for one in told["filters"]), "each of them has something to do"
        assert {one["row"] for one in told["dropped"]}.isdisjoint(kept)
        every_row_says_why(stack, run, expected)
        assert {"labels": whole["grade"]["train_rows"], "heldout": whole["grade"]["rows"]} == {
            "labels": len(kept),
            "heldout": HELDOUT,
        }
        assert any(f"left {ROWS - HELDOUT - len(kept)} of" in warning for warning in whole["warnings"])
        assert f"{ROWS - HELDOUT} answered training rows {len(kept)} are kept" in str(run.events())
        asked = {text for text in teacher.asked if text.endswith("?")}
        assert len(asked) == told["filters"][3]["applied"] and found["usage"]["usd"] == pytest.approx(
            teacher.bill, abs=1e-9
        )
        assert told["filters"][3]["unread"] == sum("grey" in question.split() for question in asked) > 0
        html = asker.client.get(f"/v1/distillations/{run.id}/report", headers={"accept": "text/html"}).text
        sides = {name: part["gold"]["noise"] for name, part in whole["answers"]["parts"].items()}
        by_hand(teacher, whole["answers"]["classes"], range(HELDOUT), sides["heldout"])
        by_hand(teacher, whole["answers"]["classes"], range(HELDOUT, ROWS), sides["train"])
        by_hand(teacher, whole["answers"]["classes"], [HELDOUT + row for row in kept], told["noise"])
        assert "The noise of its labels, class by class" in html and "left: right, %" in html
        assert "What the filters have left" in html and "regex: pattern animals|plants" in html
        nothing_is_asked_again(asker, teacher, rows)


def every_row_says_why(stack: Stack, run: Run, expected: list[list[bool | None]]) -> None:
    """What the job's owner downloads: of each row what was said, and the filters that it fails."""
    with Stillhouse(stack.url, run.owner.key) as client:
        rows = list(client.distillations.get(run.id).answers(side="train"))
        dropped = list(client.distillations.get(run.id).answers(kind=["dropped"]))
    assert sorted(row["row"] for row in rows) == list(range(ROWS - HELDOUT))
    assert dropped == [row for row in rows if row["kind"] == "dropped"]
    for row in rows:
        failed = [place for place, fails in enumerate(expected[row["row"]]) if fails]
        applies = any(one is not None for one in expected[row["row"]])
        assert row["kind"] == ("answered" if applies and not failed else "dropped")
        assert row["filters"] == (None if row["kind"] == "answered" else failed)
        votes = Counter(row["answers"])
        assert len(row["answers"]) == SAMPLES and row["label"] in votes and row["votes"] == max(votes.values())
        assert row["probabilities"] is not None
        assert {name: round(share * SAMPLES) for name, share in row["probabilities"].items() if share} == votes


def by_hand(teacher: Teacher, classes: list[str], rows: Iterable[int], told: dict[str, Any]) -> None:
    """The noise of the labels, from gold and what the teacher remembers to have said: the name of most of its answers, the first of equals."""
    pairs = Counter((LABELS[row], max(classes, key=teacher.said[TEXTS[row]].count)) for row in rows)
    assert told["rows"] == sum(pairs.values()) > 0
    for name, one in zip(classes, told["classes"], strict=True):
        assert (one["gold"], one["said"], one["right"]) == (
            sum(number for (gold, _), number in pairs.items() if gold == name),
            sum(number for (_, said), number in pairs.items() if said == name),
            pairs[name, name],
        )
    confused = {(classes[one["gold"]], classes[one["said"]]): one["rows"] for one in told["confused"]}
    assert confused == {pair: number for pair, number in pairs.items() if pair[0] != pair[1]}


def nothing_is_asked_again(owner: Tenant, teacher: Teacher, rows: str) -> None:
    """Other filters take the same answers from the cache, and where they drop everything, the job says so."""
    teacher.forget()
    other = Run.start(owner, filtered(rows, [{"type": "agreement", "least": 1.0}]))
    until(lambda: other.moves("keep")[-1:] == ["succeeded"])
    good(owner.client.post(f"/v1/distillations/{other.id}/cancel"))
    steps = {step["name"]: step for step in other.get()["steps"]}
    assert steps["answer"]["cached"] and not steps["keep"]["cached"]
    error = ended(Run.start(owner, filtered(rows, [{"type": "regex", "pattern": "minerals"}])), "failed")["error"]
    assert (error["code"], error["param"]) == ("nothing_kept", "data.responses.keep")
    assert teacher.calls == 0
