"""Uploaded weights to ModelFacts: what they claim is checked, what they should hold is compared, a probe batch runs."""

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from distill.data.formats import is_pickle
from distill.data.refusal import CONVERT_PICKLE, damaged, empty, refuse
from distill.deadline import deadline
from distill.inspection import graph, header, weights
from distill.inspection.takes import check_architecture, check_input, check_signature
from distill.inspection.tokenizer import facts_of as facts_of_tokenizer
from distill.run import RunFolder, seal
from spec.digest import model_digest
from spec.facts import ModelFacts, Signature, StoredFile
from spec.params import InspectModel, SourceFile
from spec.problem import Problem, Refused
from spec.run import Result
from spec.student import Student, TextEncoder
from spec.tensors import parameters
from spec.tokenizer import FILE, vocabulary

CONFIG, LARGEST_CONFIG = "config.json", 2**22
SCRATCH = "probe"
SECONDS = 60.0
"""For loading and the probe batch."""
Format = Literal["safetensors", "onnx"]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """The weights, and what is said of them."""

    path: Path
    name: str
    format: Format
    architecture: Student | None
    signature: Signature | None
    tokenizer: Path | None = None
    """The user's, of a text_encoder that did not learn its own."""


def inspect(folder: RunFolder, params: InspectModel) -> Result:
    """Refused: with a code and, where there is one, the tensor's name."""
    upload = received(folder, params)
    found = onnx_facts(upload) if upload.format == "onnx" else safetensors_facts(upload)
    facts = found.model_copy(update={"labels_seen": params.labels_seen})
    folder.load("distill.device").prepare(folder.run.threads, "cpu")
    probe = folder.load("distill.inspection.probe").probe
    slow = refuse("probe_too_slow", upload.name, f"a probe batch took longer than {SECONDS:.0f} s.")
    with linked(folder, upload) as place, deadline(folder, SECONDS, slow):
        probe(facts, place, upload.name, folder.run.threads)
    summary = {"parameters": facts.parameters, "format": facts.format}
    return Result(status="succeeded", facts=facts.model_dump(mode="json"), summary=summary)


def received(folder: RunFolder, params: InspectModel) -> Upload:
    """Sorts the files. What the request says goes before what `config.json` says. Refused: not one file of weights."""
    config, tokenizer = ([file for file in params.files if file.filename == name] for name in (CONFIG, FILE))
    others = [file for file in params.files if file.filename not in (CONFIG, FILE)]
    if len(others) != 1 or len(config) > 1 or len(tokenizer) > 1:
        message = f"There are {len(others)} files of weights, {len(config)} of {CONFIG} and {len(tokenizer)} of {FILE}."
        hint = f"One .safetensors or .onnx, and {CONFIG} if you like; {FILE} where it is the user's own."
        raise Refused(Problem(code="files_of_model", message=message, param="files", hint=hint))
    path = folder.input("files") / others[0].path
    known = described(folder.input("files") / config[0].path) if config else Described()
    return Upload(
        path=path,
        name=others[0].filename,
        format=format_of(path, others[0]),
        architecture=params.architecture or known.student,
        signature=params.signature or known.signature,
        tokenizer=folder.input("files") / tokenizer[0].path if tokenizer else None,
    )


class Described(BaseModel):
    """What `config.json` of a student of ours tells; its other fields are for whoever loads the student."""

    student: Student | None = None
    signature: Signature | None = None


def described(path: Path) -> Described:
    """Refused (`config_invalid`)."""
    if path.stat().st_size > LARGEST_CONFIG:
        raise refuse("config_invalid", CONFIG, f"it has more than {LARGEST_CONFIG:,} bytes.")
    try:
        return Described.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise refuse("config_invalid", CONFIG, f"{where or 'it'}: {first['msg']}.") from error


def format_of(path: Path, file: SourceFile) -> Format:
    """By the first bytes and the name. Refused: `empty_file`, `pickle_refused`, `unknown_model_format`."""
    with path.open("rb") as stream:
        start = stream.read(64)
    if not start:
        raise empty(file.filename)
    if start.startswith(b"PK") or is_pickle(start):
        raise packed(path, file.filename)
    lower = file.filename.lower()
    if start[8:9] == b"{" or lower.endswith(".safetensors"):
        return "safetensors"
    if lower.endswith(".onnx") or start[:1] == b"\x08":
        return "onnx"
    raise refuse("unknown_model_format", file.filename, "this is neither safetensors nor ONNX.", CONVERT_MODEL)


CONVERT_MODEL = (
    "torch: safetensors.torch.save_file(model.state_dict(), 'model.safetensors'). scikit-learn: skl2onnx. Keras: tf2onnx. "
    "What cannot be converted can still teach by its answers: upload signals."
)


def packed(path: Path, name: str) -> Refused:
    """A pickle, torch's zip of one, or another archive. Only names in the archive's directory are looked at."""
    try:
        with path.open("rb") as stream:
            torch_made = is_pickle(stream.read(64)) or b"data.pkl" in tail(path)
    except (OSError, zipfile.BadZipFile):
        torch_made = False
    if torch_made:
        return refuse("pickle_refused", name, "this is a Python pickle, as torch.save writes it.", CONVERT_PICKLE)
    return refuse("unknown_model_format", name, "this is a zip archive, neither safetensors nor ONNX.", CONVERT_MODEL)


def tail(path: Path, length: int = 2**20) -> bytes:
    """The end of a file, where a zip archive has its directory."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - length))
        return stream.read()


def safetensors_facts(upload: Upload) -> ModelFacts:
    """Header, names and shapes, values."""
    found = header.read(upload.path, upload.name)
    if upload.architecture is None:
        hint = 'Say what the tensors are, such as {"type": "mlp", "hidden_sizes": [800, 800]}.'
        raise Refused(
            Problem(
                code="architecture_missing",
                message="safetensors need their architecture.",
                param="architecture",
                hint=hint,
            )
        )
    signature = declared(upload)
    check_architecture(upload.architecture, signature.input)
    check_tokenizer(upload.architecture, upload.tokenizer)
    weights.check_names(found, weights.expected(upload.architecture, signature), upload.name)
    weights.check_values(upload.path, found, upload.name)
    learned = parameters(upload.architecture, signature.input.shape, len(signature.output.classes))
    return facts_of(
        upload,
        signature,
        parameters=learned,
        bytes=sum(tensor.bytes for tensor in found.values()),
        tensors={name: tensor.shape for name, tensor in found.items()},
    )


def check_tokenizer(architecture: Student, path: Path | None) -> None:
    """Refused: `tokenizer_unused`, `tokenizer_missing`, `tokenizer_differs`, and a file that is no tokenizer."""
    named = architecture.tokenizer if isinstance(architecture, TextEncoder) else None
    if path is None and named is None:
        return
    if named is None or not isinstance(architecture, TextEncoder):
        hint = "Leave it out: a text_encoder that learned its tokens has them in its weights, and others have none."
        raise refuse("tokenizer_unused", FILE, "the architecture names no tokenizer.", hint)
    if path is None:
        raise refuse("tokenizer_missing", FILE, "the architecture names a tokenizer, and the file is not there.")
    found = facts_of_tokenizer(path, FILE)
    if found.digest != named:
        raise refuse("tokenizer_differs", FILE, f"its sha256 is {found.digest}, the architecture names {named}.")
    if vocabulary(found) != architecture.vocabulary:
        needs, has = vocabulary(found), architecture.vocabulary
        raise refuse("tokenizer_differs", FILE, f"it needs a vocabulary of {needs:,}, the architecture has {has:,}.")


def onnx_facts(upload: Upload) -> ModelFacts:
    """The graph, and whether it takes what the signature says. Our own exports carry their signature."""
    found = graph.read(upload.path, upload.name)
    if upload.architecture is not None:
        raise Refused(
            Problem(code="architecture_unused", message="An ONNX file is its own architecture.", param="architecture")
        )
    if upload.tokenizer is not None:
        raise refuse("tokenizer_unused", FILE, "an ONNX file takes numbers, and no texts.", "Leave it out.")
    signature = declared(upload, found.signature)
    check_input(found.input, found.dtype, signature, upload.name)
    return facts_of(upload, signature, parameters=found.parameters, bytes=found.bytes, tensors=found.tensors)


def declared(upload: Upload, inside: str | None = None) -> Signature:
    """The request's signature, else the file's own. Refused: `signature_missing`, or it contradicts itself."""
    signature = upload.signature
    if signature is None and inside is not None:
        try:
            signature = TypeAdapter(Signature).validate_json(inside)
        except ValidationError as error:
            raise damaged(upload.name, "the signature in its metadata cannot be read") from error
    if signature is None:
        message = "The file does not say what it takes and which classes it tells apart."
        hint = '{"input": {"kind": "image", "shape": [28, 28], "scale": 0.00392}, "output": {"kind": "classes", "classes": ["0", "1", ...]}}'
        raise Refused(Problem(code="signature_missing", message=message, param="signature", hint=hint))
    check_signature(signature)
    return signature


def facts_of(upload: Upload, signature: Signature, **counted: Any) -> ModelFacts:
    """Facts around what was counted."""
    sealed = {name: seal(path) for name, path in stored(upload).items()}
    weights, architecture = sealed[f"model.{upload.format}"], upload.architecture
    return ModelFacts(
        digest=model_digest(weights.digest, architecture, signature),
        format=upload.format,
        files={name: StoredFile(digest=one.digest, bytes=one.bytes) for name, one in sealed.items()},
        architecture=architecture,
        signature=signature,
        **counted,
    )


def stored(upload: Upload) -> dict[str, Path]:
    """The files that the model is, by the names that teachers have."""
    found = {f"model.{upload.format}": upload.path}
    return found | ({FILE: upload.tokenizer} if upload.tokenizer else {})


@contextmanager
def linked(folder: RunFolder, upload: Upload) -> Iterator[Path]:
    """A folder where the files have these names."""
    place = folder.path / SCRATCH
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        for name, path in stored(upload).items():
            (place / name).symlink_to(path.resolve())
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
