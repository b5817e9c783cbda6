"""What a run says to whoever reads its standard error: a moving line on a terminal, plain lines in a log."""

import time
from typing import Any, TextIO


class Console:
    """Progress and messages. In a log, progress is written at most once in `every` seconds."""

    def __init__(self, stream: TextIO, every: float = 5.0) -> None:
        self._stream = stream
        self._moving = stream.isatty()
        self._every = every
        self._last = float("-inf")

    def show(self, type: str, data: dict[str, Any]) -> None:
        """Shows an event of the run."""
        match type:
            case "progress":
                self._progress(data)
            case "message":
                self.line(f"{data.get('level', 'info')}: {data.get('text', '')}")
            case "checkpoint":
                self.line(f"checkpoint at step {data.get('step')}")

    def line(self, text: str) -> None:
        """One whole line."""
        print(("\r\x1b[K" if self._moving else "") + text, file=self._stream, flush=True)

    def _progress(self, data: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - self._last < (0.1 if self._moving else self._every):
            return
        self._last = now
        text = describe(data)
        if self._moving:
            print(f"\r\x1b[K{text}", end="", file=self._stream, flush=True)
        else:
            print(text, file=self._stream, flush=True)


def describe(data: dict[str, Any]) -> str:
    """`[########------------] 512/1500 steps, loss 0.0312, 48,000 rows/s, 9 s left`: what is known of it."""
    step, steps = data.get("step", 0), data.get("steps")
    unit = data.get("unit", "steps")
    parts = [f"{step:,} {unit}"]
    if steps:
        filled = round(20 * min(step / steps, 1))
        parts = [f"[{'#' * filled}{'-' * (20 - filled)}] {step:,}/{steps:,} {unit}"]
    if (loss := data.get("loss")) is not None:
        parts.append(f"loss {loss:.4g}")
    if (speed := data.get("rows_per_second")) is not None:
        parts.append(f"{speed:,.0f} rows/s")
    if (left := data.get("seconds_left")) is not None:
        parts.append(f"{left:,.0f} s left")
    return ", ".join(parts)
