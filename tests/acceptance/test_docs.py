"""The API reference runs word for word, and leaves no route out: the server itself counts which it has served."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from standalone.process import ROOT
from standalone.stack import Stack

PAGE = ROOT / "docs" / "api.md"
# What a careful reader would see is an error here: a reply of 4xx or 5xx, an unset variable, a failed command.
STRICT = 'set -eu\ncurl() { command curl --fail-with-body "$@"; }\n'
SERVED = re.compile(r'stillhouse_requests_total\{method="(\w+)",route="([^"]+)",status="2\d\d"\} (\S+)')


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def served(stack: Stack) -> dict[tuple[str, str], float]:
    """Good replies so far, by method and route."""
    text = httpx.get(f"{stack.url}/metrics").text
    return {(method, route): float(count) for method, route, count in SERVED.findall(text)}


@pytest.mark.timeout(600)
def test_the_api_reference_runs_and_is_whole(stack: Stack, tmp_path: Path) -> None:
    before = served(stack)
    script = STRICT + "".join(f"echo '## {number}'\n{block}" for number, block in enumerate(blocks(PAGE), 1))
    environment = {**os.environ, "STILLHOUSE_URL": stack.url, "STILLHOUSE_API_KEY": stack.key}
    ran = subprocess.run(
        [shutil.which("bash") or "bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=590,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"

    after = served(stack)
    called = {route for route, count in after.items() if count > before.get(route, 0)}
    paths = httpx.get(f"{stack.url}/openapi.json").json()["paths"]
    routes = {(method.upper(), path.replace("{name}", "{name:path}")) for path in paths for method in paths[path]}
    assert routes - called == set()
