"""A child that keeps the protocol of the run folder without torch: `python child.py RUN_FOLDER`.

Its "training" is a chain of hashes, so that what was resumed wrongly has other bytes. `params`: steps; pace, seconds a step;
every, steps between checkpoints; fault, by name below, and at, the step at which it strikes (on the first attempt only
where it says `once`).
"""

import hashlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

run = Path(sys.argv[1])
spec = json.loads((run / "spec.json").read_text())
params: dict[str, Any] = {"steps": 1, "pace": 0.0, "every": 5, "fault": None, "at": 0, **spec["params"]}
stopping: list[int] = []
numbers = iter(range(1, 1 << 40))


def emit(kind: str, **data: Any) -> None:
    line = json.dumps({"n": next(numbers), "type": kind, "at": time.time(), "data": data})
    with (run / "events.jsonl").open("a") as events:
        events.write(line + "\n")


def resumed() -> tuple[int, str]:
    """Step and state of the newest checkpoint that is whole."""
    for name in spec["checkpoint"]:
        held = json.loads((run / "checkpoints" / name / "state.json").read_text())
        if hashlib.sha256(held["state"].encode()).hexdigest() == held["digest"]:
            return int(held["step"]), str(held["state"])
    return 0, hashlib.sha256(b"start" + str(params.get("seed")).encode()).hexdigest()


def checkpoint(step: int, state: str) -> None:
    folder = run / "checkpoints" / f"{step:06d}"
    folder.mkdir(parents=True, exist_ok=True)
    held = {"step": step, "state": state, "digest": hashlib.sha256(state.encode()).hexdigest()}
    (folder / "state.json").write_text(json.dumps(held))
    emit("checkpoint", path=folder.name, step=step)


def fault(step: int, first: int) -> None:
    if params["fault"] is None or step != params["at"] or (params.get("once") and first > 0):
        return
    match params["fault"]:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "limit":
            limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
            finish("failed", retry="never", error={"code": "told", "message": str(limit)})
        case "scribble":
            for file in (run / "inputs").rglob("*.bin"):
                file.chmod(0o600)
                file.write_bytes(b"scribbled")
        case "exit":
            sys.exit(7)


def outputs(state: str) -> dict[str, Any]:
    folder = run / "outputs"
    folder.mkdir(exist_ok=True)
    content = state.encode() * params.get("size", 1)
    (folder / "model.bin").write_bytes(content)
    said = {"model.bin": {"bytes": len(content), "digest": hashlib.sha256(content).hexdigest()}}
    match params["fault"]:
        case "lie":
            said["model.bin"]["digest"] = "0" * 64
        case "link":
            (folder / "model.bin").unlink()
            (folder / "model.bin").symlink_to("/etc/passwd")
        case "name":
            (folder / "...bad name").write_text("x")
    return said


def finish(status: str, **more: Any) -> None:
    (run / "result.part").write_text(json.dumps({"status": status, **more}))
    (run / "result.part").rename(run / "result.json")
    os._exit(0 if status != "failed" else 1)


signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
first, state = resumed()
emit("message", level="info", text=f"from step {first}")
print("the log", flush=True)
end = min(int(params["steps"]), int(params.get("stop_step", 1 << 40)))
for step in range(first + 1, end + 1):
    if stopping:
        checkpoint(step - 1, state)
        finish("stopped", outputs=outputs(state), step=step - 1)
    fault(step, first)
    time.sleep(params["pace"])
    state = hashlib.sha256(state.encode()).hexdigest()
    emit("progress", step=step, steps=end)
    emit("metrics", step=step, series={"loss": float("nan") if step == 1 else 1 / step})
    if step % params["every"] == 0:
        checkpoint(step, state)
if params["fault"] in ("unknown", "never"):
    finish("failed", retry=params["fault"], error={"code": "poison", "message": "It never works."})
facts: Any = None
if spec["verb"] == "package":
    signature = {"input": {"kind": "array", "shape": [4]}, "output": {"kind": "classes", "classes": ["a", "b"]}}
    facts = {"digest": "d", "format": "safetensors", "files": {}, "signature": signature, "parameters": 1, "bytes": 4}
finish("succeeded", outputs=outputs(state), step=end, facts=facts)
