"""What a child's end means: its own word, where it holds, else what its end tells."""

import signal
from pathlib import Path

from spec.run import RESULT, Result
from workers.child import End
from workers.retry import explain


def end(code: int) -> End:
    return End(code=code, stopped_by=None, killed_by=None, rss=1, cpu=0.1, out_of_memory=False)


def test_a_child_stops_only_if_it_was_told(tmp_path: Path) -> None:
    (tmp_path / RESULT).write_text(Result(status="stopped").model_dump_json())
    unasked = explain(tmp_path, end(0), None)
    assert unasked.error is not None and unasked.error.code == "stopped_unasked"
    assert explain(tmp_path, end(0), "budget").status == "stopped"
    assert explain(tmp_path, end(0), None, gateway=True).status == "stopped"


def test_a_child_that_asks_and_dies_has_failed(tmp_path: Path) -> None:
    """Whatever the gateway had told it: else its step would begin again without an end."""
    crashed = explain(tmp_path, end(-signal.SIGSEGV), None, gateway=True)
    assert (crashed.error and crashed.error.code, crashed.retry) == ("crashed", "unknown")
    killed = explain(tmp_path, end(-signal.SIGKILL), None, gateway=True)
    assert (killed.error and killed.error.code, killed.retry) == ("machine_error", "infrastructure")
