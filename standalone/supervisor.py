"""`up`: the stack in the foreground. Children that die come back, logs rotate, ^C stops all."""

import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from standalone.process import Process
from standalone.stack import Stack

LOG_BYTES = 16 * 2**20
PATIENCE = 0.5
LONGEST_PAUSE = 30.0


class Stopped(BaseException):
    """SIGTERM, as an exception: like KeyboardInterrupt for ^C."""


def run(stack: Stack) -> None:
    """Returns after ^C or SIGTERM, with everything stopped. Raises NotReady."""
    signal.signal(signal.SIGTERM, _raise)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit an ignored one
    began = time.monotonic()
    try:
        stack.start()
        try:
            say(stack, time.monotonic() - began)
            watch(stack)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            stack.stop()
    except (KeyboardInterrupt, Stopped):
        print("\nstopped; the data stays in", stack.home.path)


def say(stack: Stack, seconds: float) -> None:
    print(f"Stillhouse is ready at {stack.url} after {seconds:.1f} s; logs in {stack.home.logs}; ^C stops it.")
    if stack.made_key:
        print(f"The first admin key, shown once (it is also in {stack.home.key_file}):\n\n    {stack.key}\n")
        print(f"    export STILLHOUSE_URL={stack.url} STILLHOUSE_API_KEY={stack.key}")
    sys.stdout.flush()


def watch(stack: Stack) -> None:
    """Starts again what died: at once, and more slowly what dies again soon."""
    watched = [Watched(process) for process in stack.processes]
    while True:
        time.sleep(PATIENCE)
        for each in watched:
            each.look(time.monotonic())
            rotate(each.process.log)


class Watched:
    """A process and how often it died lately."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.deaths = 0
        self.started = time.monotonic()

    def look(self, now: float) -> None:
        pause = min(LONGEST_PAUSE, 2.0**self.deaths - 1)
        if self.process.running():
            if now - self.started > LONGEST_PAUSE:
                self.deaths = 0
        elif now - self.started >= pause:
            print(f"{self.process.name} ended; starting it again (its log: {self.process.log})", file=sys.stderr)
            self.deaths += 1
            self.started = now
            self.process.start()


def rotate(log: Path) -> None:
    """Keeps one old log. The writers append, so the file may be emptied under them; a line written meanwhile may be lost."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        with log.open("r+") as file:
            file.truncate()


def _raise(number: int, frame: FrameType | None) -> None:
    raise Stopped
