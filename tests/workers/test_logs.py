"""A worker's log, as JSON and for people: an error tells where it came from, and nothing of what the frames held."""

import subprocess
import sys

import pytest

from standalone.process import ROOT

RAISING = """
import structlog
from workers.logs import configure
configure("{style}")
def call(key):
    headers = {{"Authorization": f"Bearer {{key}}"}}
    raise RuntimeError("no reply " + str(len(headers)))
try:
    call("sk-" + "planted" * 3)
except RuntimeError:
    structlog.get_logger("a").exception("question_failed")
"""


@pytest.mark.parametrize("style", ["json", "console"])
def test_an_exception_shows_no_locals(style: str) -> None:
    command = [sys.executable, "-c", RAISING.format(style=style)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr
    assert "question_failed" in said and "no reply 1" in said and "in call" in said
    assert "plantedplanted" not in said
