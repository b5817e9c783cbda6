"""An uploaded tokenizer.json to TokenizerFacts."""

import json
import os
import subprocess
import sys
from pathlib import Path

from distill.data.refusal import empty, pickled, refuse
from distill.inspection import trial
from distill.run import RunFolder, seal
from spec.facts import TokenizerFacts
from spec.params import InspectTokenizer
from spec.problem import Refused
from spec.run import Result

LARGEST = 64 * 2**20
"""Bytes; the largest of the hub's have half of it."""
MOST_COMMAS = 2**21
"""What is between them is kept several times over."""
SECONDS = 60.0
ALONE = {"TOKENIZERS_PARALLELISM": "false", "RUST_BACKTRACE": "0"}
HINT = "It is the file tokenizer.json of the library `tokenizers`, as models of Hugging Face have it (tokenizer.save('tokenizer.json'))."


def inspect(folder: RunFolder, params: InspectTokenizer) -> Result:
    """Refused: `empty_file`, `pickle_refused`, and what `facts_of` finds."""
    facts = facts_of(folder.input("files") / params.file.path, params.file.filename)
    return Result(status="succeeded", facts=facts.model_dump(mode="json"), summary={"vocabulary": facts.vocabulary})


def facts_of(path: Path, name: str) -> TokenizerFacts:
    """Refused: `tokenizer_invalid`, `tokenizer_too_large`, `tokenizer_random`, `tokenizer_fails`."""
    check_size(path, name)
    command = [sys.executable, "-I", trial.__file__, str(path)]
    try:
        tried = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, env={**os.environ, **ALONE})
    except subprocess.TimeoutExpired as error:
        raise fails(name, f"trying it takes more than {SECONDS:.0f} s.") from error
    sys.stderr.write(tried.stderr.decode(errors="replace")[-4000:])
    if tried.returncode:
        raise fails(name, f"the library ends on it, or takes too much memory or time (exit code {tried.returncode}).")
    found = json.loads(tried.stdout)
    if "refused" in found:
        raise refuse(f"tokenizer_{found['refused']}", name, f"{found['message']}.", found["hint"] or HINT)
    sealed = seal(path)
    return TokenizerFacts(digest=sealed.digest, bytes=sealed.bytes, vocabulary=found["vocabulary"])


def check_size(path: Path, name: str) -> None:
    """Refused before the library sees it: empty, a pickle, no object, more than it could ever need."""
    size = path.stat().st_size
    if size == 0:
        raise empty(name)
    if size > LARGEST:
        raise refuse("tokenizer_too_large", name, f"it has {size:,} bytes; {LARGEST:,} are allowed.", HINT)
    content = path.read_bytes()
    if content[:1] == b"\x80":
        raise pickled(name)
    if not content.lstrip()[:1] == b"{":
        raise refuse("tokenizer_invalid", name, "it is no JSON object.", HINT)
    if content.count(b",") > MOST_COMMAS:
        raise refuse("tokenizer_too_large", name, f"it has more than {MOST_COMMAS:,} entries.", HINT)


def fails(name: str, message: str) -> Refused:
    return refuse(
        "tokenizer_fails",
        name,
        message,
        "Is it as the library wrote it? A pattern that goes back and forth over a text, or a table that lies, takes all there is.",
    )
