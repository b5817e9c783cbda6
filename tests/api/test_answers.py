"""What a teacher has said, as a job's owner has it: every row and every new text, as JSONL and CSV, by kind and side."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from api.distillations.lines import LONGEST, PIECE, lines, sent
from api.distillations.wire import Answer, AnswerKind, NewText
from tests.api.jobs import jobs_of
from tests.api.service import Tenant, good, refused
from tests.api.world import World

LOG: list[dict[str, Any]] = [
    {"side": "heldout", "row": 3, "kind": "answered", "label": "1", "gold": "2", "answers": ["1"],
     "finish_reason": "stop", "probabilities": {"1": 0.75, "2": 0.25}},
    {"side": "train", "row": 7, "kind": "truncated", "label": None, "gold": None, "answers": ["The, \"answer\" is\u2028\n1"],
     "finish_reason": "length"},
    {"side": "train", "row": 0, "kind": "failed", "label": None, "gold": None, "failed": "permanent", "message": "HTTP 400"},
    {"side": "train", "row": 9, "kind": "dropped", "label": ["1", "2"], "gold": None, "answers": ["1", "2"],
     "finish_reason": "stop", "votes": 1, "filters": []},
]  # fmt: skip
TEXTS = [{"call": 0, "fate": "kept", "text": "grün"}, {"call": 0, "fate": "heldout", "text": "=1+1, near"}]


@pytest.fixture
def world(owner: Tenant, tmp_path: Path) -> Iterator[World]:
    with jobs_of(owner, tmp_path) as jobs:
        yield World(jobs, owner)


def stored(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def whole(row: dict[str, Any]) -> dict[str, Any]:
    """With every field of an answer."""
    return dict.fromkeys(Answer.model_fields) | {"answers": []} | row


def read(reply: httpx.Response) -> list[dict[str, Any]]:
    assert reply.is_success, reply.text
    return [json.loads(line) for line in reply.content.split(b"\n") if line]


def test_a_job_from_nothing_asked_to_filtered_answers(world: World) -> None:
    client, id = world.owner.client, world.asking()
    answers, texts = f"/v1/distillations/{id}/answers", f"/v1/distillations/{id}/texts"
    for path in (answers, texts):
        assert "and has no " in refused(client.get(path), 404, "not_answered")["message"]
    world.jobs.run(rows__arrow=b"rows", texts__jsonl=stored(TEXTS))
    assert read(client.get(texts)) == TEXTS
    assert read(client.get(texts, params={"fate": ["heldout", "new"]})) == TEXTS[1:]
    refused(client.get(answers), 404, "not_answered")
    world.jobs.run(answers__jsonl=stored(LOG), answers__json=b"{}")
    reply = client.get(answers)
    assert read(reply) == [whole(row) for row in LOG]
    assert reply.headers["content-type"] == "application/jsonl" and reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-disposition"] == f"attachment; filename={id}-answers.jsonl"
    for row in LOG:
        assert read(client.get(answers, params={"kind": row["kind"]})) == [whole(row)]
    assert read(client.get(answers, params={"kind": ["failed", "answered"], "side": "train"})) == [whole(LOG[2])]
    assert read(client.get(answers, params={"kind": "refused"})) == []
    wrong = refused(client.get(answers, params={"kind": ["failed", "cut"]}), 400, "invalid_value")
    assert wrong["param"] == "kind" and wrong["message"].startswith("kind: ") and "truncated" in wrong["message"]
    refused(client.get(answers, params={"sides": "train"}), 400, "unknown_field")
    good(client.post(f"/v1/distillations/{id}/cancel"))
    assert len(read(client.get(answers))) == len(LOG), "they outlive the job's end"
    good(client.delete(f"/v1/distillations/{id}"))
    refused(client.get(answers), 404, "not_found")


def test_csv_has_the_same_in_cells(world: World) -> None:
    client, id = world.owner.client, world.asking()
    world.jobs.run(rows__arrow=b"rows", texts__jsonl=stored(TEXTS))
    world.jobs.run(answers__jsonl=stored(LOG), answers__json=b"{}")
    reply = client.get(f"/v1/distillations/{id}/answers", params={"format": "csv", "side": "train"})
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == f"attachment; filename={id}-answers.csv"
    head, *rows = csv.reader(io.StringIO(reply.content.decode(), newline=""))
    assert head == list(Answer.model_fields)
    said = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["kind"] for row in said] == ["truncated", "failed", "dropped"]
    assert json.loads(said[0]["answers"]) == LOG[1]["answers"] and said[1]["message"] == "HTTP 400"
    assert (said[1]["label"], said[2]["label"], said[2]["filters"]) == ("", '["1", "2"]', "[]")
    reply = client.get(f"/v1/distillations/{id}/texts", params={"format": "csv"})
    assert list(csv.DictReader(io.StringIO(reply.text))) == [{name: str(row[name]) for name in row} for row in TEXTS]


def test_a_preview_is_shown_until_all_is_answered(world: World) -> None:
    client, id = world.owner.client, world.asking(budget={"preview": 2})
    path = f"/v1/distillations/{id}/answers"
    looked = [LOG[0] | {"usd": 0.25}]
    world.jobs.run(answers__jsonl=stored(looked), answers__json=b"{}")
    assert world.jobs.get(id)["state"] == "paused" and read(client.get(path)) == [whole(looked[0])]
    good(client.post(f"/v1/distillations/{id}/resume"))
    world.jobs.run(rows__arrow=b"rows", texts__jsonl=stored(TEXTS))
    assert read(client.get(path)) == [whole(looked[0])]
    world.jobs.run(answers__jsonl=stored(LOG), answers__json=b"{}")
    assert read(client.get(path)) == [whole(row) for row in LOG]


def test_a_job_that_asks_nobody_says_so(world: World) -> None:
    id = world.queued()
    for name in ("answers", "texts"):
        error = refused(world.owner.client.get(f"/v1/distillations/{id}/{name}"), 404, "not_asked")
        assert "asks no endpoint" in error["message"] and error["hint"]


def test_kinds_are_words_of_the_log() -> None:
    assert get_args(AnswerKind) == ("answered", "refused", "empty", "truncated", "unparseable", "failed", "dropped")


def test_lines_are_found_however_the_bytes_are_cut() -> None:
    written = stored(LOG)
    for size in (1, 2, 7, len(written)):
        chunks = [written[at : at + size] for at in range(0, len(written), size)]
        assert b"".join(line + b"\n" for line in lines(chunks)) == written
    assert list(lines([b"a\n", b"", b"b"])) == [b"a", b"b"]
    with pytest.raises(ValueError, match="a line of over"):
        list(lines([b"x" * LONGEST, b"x"]))


def test_memory_holds_a_piece_and_not_the_log() -> None:
    line = json.dumps({"call": 1, "fate": "kept", "text": "x" * 1000}).encode() + b"\n"
    tracemalloc.start()
    sizes = [len(piece) for piece in sent((line * 1000 for _ in range(16)), NewText, lambda _: True, "jsonl")]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) == 16_000 * len(line) and max(sizes) < PIECE + 2 * len(line) and peak < 6 * 2**20
