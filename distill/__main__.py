"""`python -m distill RUN_FOLDER`: does what spec.json says, and ends with result.json. For a supervisor, or typed by a person."""

import argparse
import os
import sys
import time
from pathlib import Path

from distill.failure import failed
from distill.run import RunFolder
from spec.params import (
    AnswerParams,
    AugmentParams,
    GradeParams,
    InspectDataset,
    InspectModel,
    InspectPair,
    InspectTokenizer,
    KeepParams,
    PackageParams,
    Params,
    ScoreParams,
    SynthesiseParams,
    TrainParams,
)
from spec.run import Result, Run

PARAMS: dict[str, type[Params]] = {
    "synthesise": SynthesiseParams,
    "augment": AugmentParams,
    "answer": AnswerParams,
    "keep": KeepParams,
    "score": ScoreParams,
    "train": TrainParams,
    "grade": GradeParams,
    "package": PackageParams,
}
TORCHLESS = ("inspect", "synthesise", "augment", "answer", "keep")
"""Verbs that begin without torch: an upload is first looked at, texts are copied, a teacher is only asked, its answers only read."""
INSPECTED: dict[object, type[Params]] = {
    "dataset": InspectDataset,
    "model": InspectModel,
    "tokenizer": InspectTokenizer,
    "pair": InspectPair,
}


def parameters(run: Run) -> Params:
    """The typed params of a run. pydantic's ValidationError where they do not fit the verb."""
    known = PARAMS.get(run.verb) or INSPECTED[run.params.get("kind", "dataset")]
    return known.model_validate(run.params)


def perform(folder: RunFolder) -> Result:
    """Imports the verb (measured apart) and runs it; every way of failing becomes a Result."""
    run = folder.run
    try:
        if run.verb not in TORCHLESS:
            folder.load("distill.device").prepare(run.threads, run.device)
        verb = folder.load(f"distill.verbs.{run.verb}")
        result: Result = verb.run(folder, parameters(run))
        return folder.sealed(result)
    except Exception as error:  # noqa: BLE001  # the truth about the end is written, whatever it is
        return failed(error)


def main(argv: list[str]) -> int:
    """0: succeeded or stopped. 1: failed, and result.json says why. 2: no run folder."""
    parser = argparse.ArgumentParser(prog="python -m distill", description=__doc__)
    parser.add_argument("run_folder", type=Path, help="a folder with spec.json and inputs/")
    path: Path = parser.parse_args(argv).run_folder
    try:
        folder = RunFolder(path)
    except (OSError, ValueError) as error:
        print(f"{path} is no run folder: {error}", file=sys.stderr)
        return 2
    folder.imports = boot = time.process_time()
    started = time.perf_counter()
    with folder.listening():
        result = perform(folder)
        folder.finish(result, seconds=time.perf_counter() - started - (folder.imports - boot))
    return 1 if result.status == "failed" else 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # torch's own exit takes up to 0.7 s, and the truth is already on disk
