"""The checker of the campaign, on events made by hand: it must see what it is there to see."""

from collections import Counter
from typing import Any

from tests.chaos.checker import Findings, billed, check, recovery, same_posts, twice


def event(id: int, state: str, at: int = 100, step: str | None = "train", **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "type": "step" if step else "job",
        "step": step,
        "created_at": at,
        "data": {"state": state, **more},
    }


def fault(at: float, target: str, action: str = "kill") -> dict[str, Any]:
    return {"at": at, "target": target, "action": action}


GOOD = [event(1, "running"), event(2, "succeeded"), event(3, "succeeded", step=None)]


def found(events: list[dict[str, Any]], state: str = "succeeded") -> Findings:
    findings = Findings()
    check(findings, {"id": "dst_x", "state": state, "error": None}, events)
    return findings


def test_what_is_well_is_well() -> None:
    assert found(GOOD).bad() == 0


def test_every_ill_is_seen() -> None:
    assert found(GOOD, "running").unfinished == 1
    assert found(GOOD, "failed").not_succeeded == 1
    assert found([GOOD[0], GOOD[2]]).gaps == 1
    assert found([*GOOD, event(4, "succeeded")]).doubled == 1
    assert found([event(1, "succeeded", cached_from="stp_y"), event(2, "succeeded", step=None)]).cache_hits == 1
    findings = Findings()
    same_posts(
        findings, [{"id": "a", "metadata": {"number": "1"}}, {"id": "b", "metadata": {"number": "1"}}], ["a", "c"]
    )
    assert (findings.lost, findings.doubled) == (1, 1)


def asked(usd: float, attempts: int = 1, cap: float = 1.0) -> dict[str, Any]:
    steps = [{"queue": "io", "attempts": attempts}, {"queue": "gpu", "attempts": 9}]
    return {"id": "dst_x", "usage": {"usd": usd}, "steps": steps, "spec": {"budget": {"usd": cap}}}


def test_a_bill_has_bounds_on_both_sides() -> None:
    """A lot of ten cents for each attempt that was lost."""
    findings = Findings()
    for job in (asked(0.25), asked(0.25, 2), asked(0.35, 2), asked(0.45, 3)):
        billed(findings, job, 0.25, 0.1)
    assert findings.bad() == 0 and not findings.reasons
    billed(findings, asked(0.24), 0.25, 0.1)
    billed(findings, asked(0.26), 0.25, 0.1)
    billed(findings, asked(0.36, 2), 0.25, 0.1)
    billed(findings, asked(0.25, cap=0.24), 0.25, 0.1)
    assert (findings.unbooked, findings.overbooked, findings.above_cap, len(findings.reasons)) == (1, 2, 1, 4)


def test_a_question_in_batches_is_billed_once() -> None:
    findings = Findings()
    twice(findings, Counter({"one": 1, "two": 1}))
    assert findings.bad() == 0 and not findings.reasons
    twice(findings, Counter({"one": 1, "two": 3}))
    assert (findings.paid_twice, findings.bad()) == (2, 2) and findings.reasons == ["billed 3 times in batches: two"]


def test_a_small_cap_that_lost_attempts_have_used_up_is_no_ill() -> None:
    """Only where there were some."""
    ended = asked(0.25, 2) | {"state": "failed", "error": {"code": "over_budget"}}
    findings = Findings()
    check(findings, ended, GOOD)
    assert (findings.starved, findings.bad()) == (1, 0)
    check(findings, asked(0.25) | {"state": "failed", "error": {"code": "over_budget"}}, GOOD)
    assert findings.not_succeeded == 1


def test_recovery_is_an_upper_bound_and_tells_a_worker_from_a_child() -> None:
    """Another worker's child died in between: the step's own worker was the first to die."""
    findings = Findings()
    moves = [event(1, "running", 100), event(2, "ready", 130, lost=True), event(3, "running", 140)]
    recovery(findings, moves, [fault(105, "worker"), fault(129, "child"), fault(110, "worker", "freeze")])
    assert (findings.workers.claimable, findings.workers.resumed) == ([26.0], [36.0])
    assert findings.children.claimable == []
    moves = [event(1, "running", 100), event(2, "ready", 111), event(3, "running", 112)]
    recovery(findings, moves, [fault(110.5, "child")])
    assert (findings.children.claimable, findings.children.resumed) == ([1.5], [2.5])
