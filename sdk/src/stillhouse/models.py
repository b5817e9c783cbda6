"""Models: weights that the server holds. One may teach, and every student is one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Unpack

from stillhouse import weights
from stillhouse.files import Files
from stillhouse.pages import Order, Pages
from stillhouse.processing import settled
from stillhouse.transport import Transport
from stillhouse.types import Model, ModelDeleted, NewModel, NewSignature, Student

WEIGHTS = (".safetensors", ".onnx")


class Models:
    """`client.models`."""

    def __init__(self, transport: Transport, files: Files) -> None:
        self._transport = transport
        self._files = files

    def create(self, **body: Unpack[NewModel]) -> Model:
        """Makes a model of uploaded files. It is `processing` until the server has checked it."""
        made: Model = self._transport.create("/v1/models", dict(body))
        return made

    def upload(
        self, source: Path | str | Mapping[str, Any], *, architecture: Student | None = None,
        signature: NewSignature | None = None, name: str | None = None, labels_seen: int | None = None,
        licence: str | None = None,
    ) -> Model:  # fmt: skip
        """Uploads weights: a `.safetensors` or `.onnx` file, a folder that holds one, or a state dict.

        A state dict (name -> torch tensor or numpy array; extra `arrays`) is written as safetensors. A folder's `config.json`, such as
        a downloaded student has, gives architecture and signature where they are not given here. `labels_seen`: how many labels it was
        trained on; reports of what it teaches say so. `licence`: of the weights, as an SPDX id, a name such as `llama3.1`, or a few words.
        """
        if isinstance(source, Mapping):
            with TemporaryDirectory() as folder:
                path = weights.write(source, Path(folder) / "model.safetensors")
                return self._upload(path, architecture, signature, name, labels_seen, licence)
        path = Path(source)
        if path.is_dir():
            found = config(path)
            if found.get("signature", {}).get("input", {}).get("kind") == "text":
                own = [path / "tokenizer.json"] if found["student"].get("tokenizer") else []
                beside = [path / "config.json", *own]  # which say what no signature of a request can
                return self._upload(weights_in(path), None, None, name, labels_seen, licence, beside)
            architecture, signature = architecture or found.get("student"), signature or found.get("signature")
            path = weights_in(path)
        return self._upload(path, architecture, signature, name, labels_seen, licence)

    def _upload(
        self, path: Path, architecture: Student | None, signature: NewSignature | None, name: str | None,
        labels_seen: int | None, licence: str | None, beside: Sequence[Path] = (),
    ) -> Model:  # fmt: skip
        """`beside`: what of a delivered student of texts belongs to its weights."""
        files = [self._files.upload(one, purpose="model")["id"] for one in (path, *beside)]
        return self.create(
            files=files, architecture=architecture, signature=signature, name=name, labels_seen=labels_seen,
            licence=licence,
        )  # fmt: skip

    def list(self, *, order: Order = "desc", after: str = "") -> Pages[Model]:
        return Pages(self._transport, "/v1/models", order=order, after=after)

    def get(self, id: str) -> Model:
        found: Model = self._transport.get(f"/v1/models/{id}")
        return found

    def wait(self, id: str, *, timeout: float = 600.0) -> Model:
        """The model once it is ready. Raises InspectionFailed, TimeoutError."""
        return settled(lambda: self.get(id), timeout)

    def delete(self, id: str) -> ModelDeleted:
        gone = ModelDeleted(id=id, object="model", deleted=True)
        return self._transport.delete(f"/v1/models/{id}", gone)

    def download(self, id: str, folder: Path | str) -> Path:
        """Writes all files of a model into `folder`, which is made; returns it."""
        target = Path(folder)
        for name in self.get(id)["files"]:
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._transport.download(f"/v1/models/{id}/files/{name}", path)
        return target


def weights_in(folder: Path) -> Path:
    """The folder's one file of weights; safetensors where it has both. Raises ValueError."""
    for ending in WEIGHTS:
        found = sorted(folder.glob(f"*{ending}"))
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{folder} holds several {ending} files; name one")
    raise ValueError(f"{folder} holds neither a .safetensors nor an .onnx file")


def config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    return found if isinstance(found, dict) else {}
