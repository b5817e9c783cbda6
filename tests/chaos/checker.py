"""What must hold afterwards, judged from the API's replies alone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

ENDED = ("succeeded", "failed", "cancelled")
ROUNDED = 1e-6  # sums of a reply are told in micro-dollars


@dataclass
class Recovery:
    """Seconds from a death until its step could be claimed again, and until it ran again."""

    claimable: list[float] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)


@dataclass
class Findings:
    """Counts that must be zero, and how long recovery took."""

    lost: int = 0
    doubled: int = 0
    unfinished: int = 0
    not_succeeded: int = 0
    gaps: int = 0
    cache_hits: int = 0
    unbooked: int = 0
    """Jobs for which an endpoint has billed more than was booked."""
    overbooked: int = 0
    """Jobs that were booked more than that, and what lost attempts may have had in flight."""
    above_cap: int = 0
    paid_twice: int = 0
    """Questions in batches that an endpoint has billed again: a batch outlives whoever sent it."""
    starved: int = 0
    """Jobs whose lost attempts have used up a small cap: booked as paid, as they must be, and so failed. They are not bad."""
    reasons: list[str] = field(default_factory=list)
    workers: Recovery = field(default_factory=Recovery)
    children: Recovery = field(default_factory=Recovery)

    def bad(self) -> int:
        return (
            self.lost
            + self.doubled
            + self.unfinished
            + self.not_succeeded
            + self.gaps
            + self.cache_hits
            + self.unbooked
            + self.overbooked
            + self.above_cap
            + self.paid_twice
        )


def check(findings: Findings, job: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """One acknowledged job and its whole event list."""
    if job["state"] not in ENDED:
        findings.unfinished += 1
        findings.reasons.append(f"{job['id']} is {job['state']}: {job.get('waiting')}")
    elif job["state"] == "failed" and (job["error"] or {}).get("code") == "over_budget" and lost(job):
        findings.starved += 1
    elif job["state"] != "succeeded":
        findings.not_succeeded += 1
        findings.reasons.append(f"{job['id']} {job['state']}: {job['error']}")
    if [event["id"] for event in events] != list(range(1, len(events) + 1)):
        findings.gaps += 1
        findings.reasons.append(f"{job['id']}: event numbers {[event['id'] for event in events]}")
    ends = Counter((e["step"], e["data"]["state"]) for e in events if e["type"] in ("job", "step"))
    twice = [key for key, n in ends.items() if n > 1 and key[1] in ENDED]
    if twice:
        findings.doubled += 1
        findings.reasons.append(f"{job['id']}: ended more than once: {twice}")
    if any(e["data"].get("cached_from") for e in events):
        findings.cache_hits += 1
        findings.reasons.append(f"{job['id']}: a step was answered by the cache")


def same_posts(findings: Findings, jobs: Iterable[dict[str, Any]], acknowledged: list[str]) -> None:
    """Each acknowledged id exists, and each post made one job."""
    listed = list(jobs)
    findings.lost += len(set(acknowledged) - {job["id"] for job in listed})
    posts = Counter(job["metadata"]["number"] for job in listed)
    findings.doubled += sum(n - 1 for n in posts.values())


def lost(job: dict[str, Any]) -> int:
    """Attempts at asking that were followed by another one."""
    return sum(max(0, step["attempts"] - 1) for step in job["steps"] if step["queue"] == "io")


def billed(findings: Findings, job: dict[str, Any], bill: float, lot: float) -> None:
    """US dollars. What we booked is never less than what the endpoint has billed by its own count, never more than that and a lot for each lost attempt,
    and never above the cap. Where batches are sent, `lot` is 0: their money outlives the attempt."""
    booked, cap = job["usage"]["usd"], job["spec"]["budget"]["usd"]
    most = bill + lost(job) * lot
    findings.unbooked += booked < bill - ROUNDED
    findings.overbooked += booked > most + ROUNDED
    findings.above_cap += booked > cap + ROUNDED
    if not bill - ROUNDED <= booked <= min(most, cap) + ROUNDED:
        findings.reasons.append(
            f"{job['id']}: ${booked:.6f} booked, ${bill:.6f} billed, ${most:.6f} at most, under ${cap:.6f}"
        )


def twice(findings: Findings, asked: Counter[str]) -> None:
    """Questions in batches, and how often each was billed."""
    again = {text: times for text, times in asked.items() if times > 1}
    findings.paid_twice += asked.total() - len(asked)
    findings.reasons += [f"billed {times} times in batches: {text}" for text, times in again.items()]


def recovery(findings: Findings, events: list[dict[str, Any]], faults: list[dict[str, Any]]) -> None:
    """From a death to its step's next `ready` and next `running`: upper bounds, of a worker's (whose lease must end first) and of a child's.

    Of several deaths while the step ran the first is taken: whose it was the API does not say. It tells whole seconds, cut
    off; a second is added to each.
    """
    deaths = {
        lost: [f["at"] for f in faults if f["action"] == "kill" and f["target"] in targets]
        for lost, targets in ((True, ("worker",)), (False, ("child", "leash")))
    }
    for step in {e["step"] for e in events if e["type"] == "step"}:
        moves = [(e["created_at"] + 1, e["data"]) for e in events if e["type"] == "step" and e["step"] == step]
        for i, (at, data) in enumerate(moves):
            if data["state"] != "ready" or i == 0 or moves[i - 1][1]["state"] != "running":
                continue
            lost = bool(data.get("lost"))
            death = min((d for d in deaths[lost] if moves[i - 1][0] - 1 <= d <= at), default=None)
            if death is None:
                continue
            again = next((t for t, moved in moves[i + 1 :] if moved["state"] == "running"), None)
            found = findings.workers if lost else findings.children
            found.claimable.append(at - death)
            if again is not None:
                found.resumed.append(again - death)
