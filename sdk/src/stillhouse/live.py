"""A job as a table that moves, or, where no terminal is, as a line for each thing that happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stillhouse.errors import told
from stillhouse.types import DistillationJob, DistillationStep

MARKS = {
    "blocked": "○", "ready": "○", "running": "◐", "paused": "◫", "succeeded": "●", "failed": "✗", "cancelled": "–",
    "skipped": "–",
}  # fmt: skip
COLOURS = {"running": "cyan", "succeeded": "green", "failed": "red", "paused": "yellow"}
SUBJECTS = {
    "synthesise": "new texts",
    "augment": "copies of texts",
    "answer": "teacher",
    "keep": "answers, filtered",
    "score": "teacher",
    "train": "student",
    "train.no_teacher": "without teacher",
    "train.all_labels": "with all labels",
    "grade": "all on held-out rows",
    "package": "student, report",
}
BAR = 28

Show = Callable[[DistillationJob], None]


@contextmanager
def table(wanted: bool = True, console: Console | None = None) -> Iterator[Show]:
    """A function to call with whatever the server said last. `wanted=False`: one that does nothing."""
    console = console or Console(stderr=True)
    if not wanted:
        yield lambda job: None
    elif not console.is_terminal:
        yield Lines(console).show
    else:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda job: live.update(picture(job, time.time()), refresh=True)


class Lines:
    """For logs: a line whenever a step's state, or the job's, has changed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[str, str] = {}

    def show(self, job: DistillationJob) -> None:
        for step in job["steps"]:
            self._say(f"{step['name']}", step["state"], f"{step['seconds']:.1f} s" if step["finished_at"] else "")
        self._say(job["name"], job["state"], waiting(job))

    def _say(self, name: str, state: str, more: str) -> None:
        if self._seen.get(name) != state + (more if state == "queued" else ""):
            self._seen[name] = state + (more if state == "queued" else "")
            self._console.print(f"{name:<18} {state} {more}".rstrip(), highlight=False)


def picture(job: DistillationJob, now: float) -> Group:
    """The job at one moment (`now` in unix seconds): a line on the whole, and one a step."""
    head = Table.grid(expand=False, padding=(0, 2))
    head.add_row(
        Text(job["name"], style="bold"), Text(job["state"], style=COLOURS.get(job["state"], "")), clock(job, now)
    )
    steps = Table.grid(padding=(0, 2))
    for step in job["steps"]:
        colour = COLOURS.get(step["state"], "dim")
        mark = Text(f"{MARKS[step['state']]} {step['verb']}", style=colour)
        steps.add_row(mark, Text(SUBJECTS.get(step["name"], step["name"])), *progress(step))
    error = job["error"]
    why = told(error["message"], error.get("hint")) if error else waiting(job)
    return Group(head, *([steps] if job["steps"] else []), *([Text(why, style="dim")] if why else []))


def progress(step: DistillationStep) -> tuple[ProgressBar | Text, Text]:
    """Bar and figures of a step."""
    said = step["progress"] or {}
    if step["state"] == "running" and said.get("steps"):
        bar = ProgressBar(total=said["steps"], completed=said["step"], width=BAR)
        return bar, Text("  ".join(figures(said)))
    if step["cached"]:
        return Text("computed before", style="dim"), Text("")
    if step["error"]:
        return Text(step["error"]["message"], style="red"), Text("")
    took = f"{step['seconds']:.1f} s" if step["finished_at"] else ""
    cut = f"  {step['cut_reason'] or 'ended early'}" if step["cut"] else ""
    return Text(took + cut, style="dim"), Text("")


def figures(said: dict[str, float]) -> list[str]:
    """`620/1,500`, loss, rows a second, seconds left: what is known of them. While batches are waited for, how far they are."""
    found = [f"{said['step']:,}/{said['steps']:,}"]
    if said.get("batches"):
        return [*found, f"{said['batch_done']:,} of {said['batch_rows']:,} calls in {said['batches']} batches"]
    if said.get("loss") is not None:
        found.append(f"loss {said['loss']:.3g}")
    if said.get("rows_per_second"):
        found.append(f"{thousands(said['rows_per_second'])} rows/s")
    if said.get("seconds_left") is not None:
        found.append(f"{said['seconds_left']:.0f} s left")
    return found


def thousands(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:.1f}M"
    return f"{value / 1e3:.0f}k" if value >= 1e4 else f"{value:,.0f}"


def clock(job: DistillationJob, now: float) -> Text:
    """Minutes and seconds since the job began; before that, nothing."""
    began = job["started_at"]
    if began is None:
        return Text("")
    seconds = max(0, int((job["finished_at"] or now) - began))
    return Text(f"{seconds // 60}:{seconds % 60:02d}")


def waiting(job: DistillationJob) -> str:
    """Why it waits or failed, in a line."""
    if job["error"]:
        return job["error"]["message"]
    waits = job["waiting"]
    if waits is None:
        return ""
    return waits["reason"] + (f" (position {waits['position']})" if waits["position"] else "")
