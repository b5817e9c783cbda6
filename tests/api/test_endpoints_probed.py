"""Probes of endpoints over HTTP: what they see, say and keep."""

import pytest

from spec.passages import PROSE
from tests.acceptance.teacher import Teacher, served
from tests.api.service import Tenant, good
from tests.api.words import KEY, PRICE, body
from tests.gateway.shaky import Shaky


def test_it_is_probed_when_it_is_made(boss: Tenant, teacher: Teacher) -> None:
    made = good(boss.client.post("/v1/endpoints", json=body(teacher)))
    assert made["id"] == "ep_words" and made["state"] == "ready" and made["models"] == ["words"]
    able = made["probed"]["words"]
    assert able["top_logprobs"] == 3 and able["several"] and not able["structured"] and not able["prompt_logprobs"]
    prose = (len(PROSE.split()) - 2) / (len(PROSE.encode()) - len(b"Say yes."))
    assert able["tokens_per_byte"] == pytest.approx(prose, abs=1e-4)
    assert made["price"] == PRICE | {"version": 1, "cached": None, "batch": None} and not able["batch"]
    assert teacher.keys == {KEY}
    assert good(boss.client.get("/v1/endpoints/ep_words")) == made
    assert good(boss.client.get("/v1/endpoints"))["data"] == [made]


def test_what_it_cannot_do_is_seen(boss: Tenant) -> None:
    with served(logprobs=False, several=False) as plain:
        made = good(boss.client.post("/v1/endpoints", json=body(plain)))
    assert made["probed"]["words"]["top_logprobs"] == 0 and not made["probed"]["words"]["several"]


def test_one_that_does_not_answer_is_made_and_says_so(boss: Tenant, teacher: Teacher) -> None:
    teacher.faults["401"] = 10
    made = good(boss.client.post("/v1/endpoints", json=body(teacher)))
    assert made["state"] == "failed" and made["error"]["code"] == "endpoint_unauthorized"
    teacher.faults.clear()
    again = good(boss.client.post("/v1/endpoints/ep_words/probe", json={}))
    assert again["state"] == "ready" and again["error"] is None


def test_the_models_of_one_that_was_not_named_are_told(boss: Tenant, teacher: Teacher) -> None:
    teacher.others = ("babbage-002", *(f"chat-{number}" for number in range(9)))
    made = good(boss.client.post("/v1/endpoints", json=body(teacher)))
    assert made["state"] == "failed" and made["models"] == sorted((*teacher.others, "words")) and not made["probed"]
    assert made["error"]["code"] == "endpoint_not_found" and made["error"]["param"] == "model"
    assert made["error"]["message"] == "chat-0: HTTP 404: This is not a chat model"
    assert made["error"]["hint"].startswith("None of the first 8 of those that are listed has answered (chat-0, ")
    assert made["error"]["hint"].endswith("chat-7 and 3 more): name the one that you mean.")
    named = good(boss.client.post("/v1/endpoints/ep_words/probe", json={"model": "words"}))
    assert named["state"] == "ready" and named["models"] == made["models"]
    unnamed = good(boss.client.post("/v1/endpoints/ep_words/probe", json={}))
    assert unnamed["state"] == "ready" and set(unnamed["probed"]) == {"words"}


def test_odd_words_of_it_are_kept_as_they_can_be(boss: Tenant, teacher: Teacher) -> None:
    """NUL and half a surrogate in names and errors; names without an end."""
    teacher.odd = True
    teacher.faults["401"] = 1
    made = good(boss.client.post("/v1/endpoints", json=body(teacher, model="words")))
    assert made["state"] == "failed" and made["error"]["message"] == "words: HTTP 401: no: 401\ufffd?"
    assert set(made["models"]) == {"words", "odd\ufffd?", ("odd" * 1000)[:200]}
    assert good(boss.client.post("/v1/endpoints/ep_words/probe", json={"model": "words"}))["state"] == "ready"


def test_a_new_key_is_tried_on_what_was_probed_before(boss: Tenant, teacher: Teacher) -> None:
    teacher.others = ("babbage-002",)
    good(boss.client.post("/v1/endpoints", json=body(teacher, model="words")))
    good(boss.client.post("/v1/endpoints/ep_words/probe", json={"model": "words-large"}))
    teacher.forget()
    rotated = good(boss.client.patch("/v1/endpoints/ep_words", json={"key": "sk-another-key-0000"}))
    assert rotated["state"] == "ready" and set(rotated["probed"]) == {"words", "words-large"}
    assert sum(teacher.asked.values()) >= 8 and "sk-another-key-0000" in teacher.keys, "both were asked"
    teacher.others = ("babbage-002", "words-large")
    broken = good(boss.client.patch("/v1/endpoints/ep_words", json={"key": "sk-another-key-0001"}))
    assert broken["state"] == "ready" and broken["error"]["message"].startswith("words-large: HTTP 404")
    assert set(broken["probed"]) == {"words", "words-large"} and broken["error"]["param"] == "model"
    assert broken["models"] == ["babbage-002", "words", "words-large"]
    teacher.faults["401"] = 10
    unknown = good(boss.client.patch("/v1/endpoints/ep_words", json={"key": "sk-another-key-0002"}))
    assert unknown["state"] == "failed" and set(unknown["probed"]) == {"words", "words-large"}


def test_a_fault_that_passes_takes_nothing_away(boss: Tenant) -> None:
    """Answers are found by what was asked, log-probabilities included: without them all of them would be paid again."""
    with served(shaky := Shaky(status=429)):
        made = good(boss.client.post("/v1/endpoints", json=body(shaky)))
        shaky.faults["top_logprobs 20"] = shaky.faults["models"] = 1000
        rotated = good(boss.client.patch("/v1/endpoints/ep_words", json={"key": "sk-another-key-0000"}))
    assert rotated["error"]["code"] == "endpoint_timeout" and rotated["state"] == "ready"
    able = rotated["probed"]["words"]
    assert able["unseen"] == ["top_logprobs"] and able["top_logprobs"] == 3 and rotated["models"] == ["words"]
    assert made["probed"]["words"] == able | {"unseen": [], "seconds": made["probed"]["words"]["seconds"]}


def test_one_that_takes_three_calls_a_minute_is_seen_whole_in_several_probes(boss: Tenant) -> None:
    """The limit of some free tiers. Each probe after the first spends one call on a plain question."""
    with served(free := Shaky()):
        whole = good(boss.client.post("/v1/endpoints", json=body(free, "free")))["probed"]["words"]
    with served(stingy := Shaky(room=3, retry_after_ms=60_000)):
        made = found = good(boss.client.post("/v1/endpoints", json=body(stingy)))
        left, passages = [made["probed"]["words"]["unseen"]], [len(made["probed"]["words"]["passages"])]
        assert made["state"] == "ready" and left[0]
        assert (made["error"]["code"], made["error"]["param"]) == ("endpoint_timeout", "model")
        assert all(name in made["error"]["message"] for name in left[0])
        while left[-1]:
            stingy.room = 3
            found = good(boss.client.post("/v1/endpoints/ep_words/probe", json={}))
            left.append(found["probed"]["words"]["unseen"])
            passages.append(len(found["probed"]["words"]["passages"]))
            assert set(left[-1]) < set(left[-2]) or passages[-1] > passages[-2], "each goes on"
    assert found["error"] is None and found["probed"]["words"] == whole | {"seconds": pytest.approx(0, abs=1)}
    assert 2 <= len(left) <= 10
