"""The checker of the campaign, on events made by hand: it must see what it is there to see."""

from typing import Any

from tests.chaos.checker import Findings, billed, check, recovery, same_posts


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
    billed(findings, booked=0.25, bill=0.25)
    assert findings.unbooked == 0
    billed(findings, booked=0.25, bill=0.26)
    assert findings.unbooked == 1


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
