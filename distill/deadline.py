"""A limit in time for what cannot be interrupted: native code that runs a file of somebody else's."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from distill.failure import failed
from distill.run import RunFolder
from spec.problem import Refused


@contextmanager
def deadline(folder: RunFolder, seconds: float, refusal: Refused) -> Iterator[None]:
    """If the body takes longer, the run ends with this refusal, and the process with it."""
    started = time.perf_counter()

    def give_up() -> None:
        folder.finish(failed(refusal), seconds=time.perf_counter() - started)
        os._exit(1)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
