"""The server that the demo talks to, and how it speaks to the terminal."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("STILLHOUSE_HOME", ROOT / "data"))
GIVEN = bool(os.environ.get("STILLHOUSE_API_KEY"))
"""The environment names a server."""
console = Console(highlight=False)


@contextmanager
def service() -> Iterator[None]:
    """The server that the environment names; else one of our own, for as long as the demo runs."""
    if GIVEN:
        yield
        return
    heading("PostgreSQL, Valkey, api and a worker (this is `make up`)")
    # The launcher ends the stack should this process be killed.
    launch = [
        sys.executable,
        str(ROOT / "standalone" / "launch.py"),
        str(os.getpid()),
        str(int(signal.SIGTERM)),
        "self",
        "--",
    ]
    up = [sys.executable, "-m", "standalone", "--home", str(HOME), "up"]
    stack = subprocess.Popen([*launch, *up], cwd=ROOT, stdout=subprocess.PIPE, text=True, process_group=0)
    assert stack.stdout is not None
    try:
        ready = stack.stdout.readline().strip()
        if not ready:
            sys.exit(
                "the stack did not start; if its port is taken, name another in STILLHOUSE_PORT; "
                "if another stack runs here, stop it, or set STILLHOUSE_URL and STILLHOUSE_API_KEY"
            )
        console.print(ready, soft_wrap=True)
        os.environ["STILLHOUSE_URL"] = next(word for word in ready.split() if word.startswith("http"))
        os.environ["STILLHOUSE_API_KEY"] = (HOME / "admin-key").read_text().strip()
        yield
    finally:
        stack.terminate()
        stack.wait()


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")
