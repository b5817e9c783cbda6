"""manifest.json: what the delivery was made from and with, so that anybody can say whether another one is the same."""

import hashlib
import json
from pathlib import Path
from typing import Any

from distill.report.figures import Report
from spec.run import Run


def digests(folder: Path) -> dict[str, dict[str, Any]]:
    """{path: {digest (sha256), bytes}} of every file under a folder."""
    return {path.relative_to(folder).as_posix(): _file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"digest": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}


def manifest(run: Run, report: Report, inputs: dict[str, Any], outputs: dict[str, Any]) -> str:
    """As JSON. It names every file of the delivery but itself."""
    spec = report.spec
    document = {
        "name": report.name,
        "job": report.job,
        "spec": spec,
        "baseline_spec": report.baseline_spec,
        "teachers": [one.model_dump(mode="json") for one in report.teachers],
        "inputs": inputs,
        "outputs": outputs,
        "seeds": {
            "training": spec["training"]["seed"],
            "rows": spec["data"]["seed"],
            "bootstrap": report.grade.bootstrap_seed,
        },
        "synthesis": report.synthesis and report.synthesis.model_dump(mode="json"),
        "versions": report.versions,
        "threads": run.threads,
        "device": run.device,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
