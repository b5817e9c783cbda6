"""Datasets: immutable typed rows with splits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Unpack

from stillhouse.files import Files
from stillhouse.pages import Order, Pages
from stillhouse.processing import settled
from stillhouse.transport import Transport
from stillhouse.types import Dataset, DatasetDeleted, NewDataset, Preview

if TYPE_CHECKING:
    import numpy.typing as npt

Source = Path | str | bytes


class Datasets:
    """`client.datasets`. What is made is `processing` until the server has read it; a job may name it at once."""

    def __init__(self, transport: Transport, files: Files) -> None:
        self._transport = transport
        self._files = files

    def create(self, **body: Unpack[NewDataset]) -> Dataset:
        """Makes a dataset of uploaded files: `create(files=["file-..."], splits={"train": (0, 1029)})`."""
        made: Dataset = self._transport.create("/v1/datasets", dict(body))
        return made

    def upload(self, source: Path | str, *, name: str | None = None) -> Dataset:
        """Uploads one file (Parquet, JSONL, CSV, NPZ, IDX; also gzipped) and makes a dataset of it."""
        file = self._files.upload(source)
        return self.create(files=[file["id"]], name=name)

    def from_arrays(
        self, x: npt.ArrayLike, y: npt.ArrayLike | None = None, *, name: str | None = None,
        splits: Mapping[str, tuple[int, int]] | None = None, ids: npt.ArrayLike | None = None,
    ) -> Dataset:  # fmt: skip
        """Makes a dataset of inputs `x` (N, ...) and labels `y` (N,); `splits`: rows [from, to) of each; `ids` (N,): what `signals` name rows by.

        Needs the extra `arrays`. What is uint8 travels and trains as uint8. Raises ValueError where lengths differ.
        """
        import numpy as np

        given = {"x": x, "y": y, "id": ids}
        arrays = {column: np.asarray(array) for column, array in given.items() if array is not None}
        lengths = {column: len(array) for column, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the arrays have different lengths: {lengths}")
        body: NewDataset = {
            "files": [self._npz(arrays, name or "arrays")],
            "name": name,
            "columns": {"input": "x", "label": "y" if y is not None else None},
            "splits": {split: list(span) for split, span in (splits or {}).items()},
        }
        if ids is not None:
            body["columns"]["id"] = "id"
        return self.create(**body)

    def from_texts(
        self, texts: Sequence[str] | Sequence[tuple[str, str]], labels: Sequence[str] | Sequence[Sequence[str] | None] | None = None, *,
        name: str | None = None, splits: Mapping[str, tuple[int, int]] | None = None, ids: Sequence[str] | None = None,
    ) -> Dataset:  # fmt: skip
        """Makes a dataset of `texts`, or of pairs of them, and their class names (lists of them where a text has any number); `splits`: rows [from, to)
        of each.

        Raises ValueError where lengths differ.
        """
        pairs = [text for text in texts if not isinstance(text, str)]
        if pairs and len(pairs) < len(texts):
            raise ValueError("texts and pairs of texts are mixed")
        inputs: dict[str, Any] = (
            {"first": [a for a, _ in pairs], "second": [b for _, b in pairs]} if pairs else {"text": texts}
        )
        columns = inputs | {"label": labels, "id": ids}
        given = {column: values for column, values in columns.items() if values is not None}
        lengths = {column: len(values) for column, values in given.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the columns have different lengths: {lengths}")
        rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        file = self._files.upload(lines, filename=f"{name or 'texts'}.jsonl")
        body: NewDataset = {
            "files": [file["id"]],
            "name": name,
            "columns": {"input": [*inputs] if pairs else "text", "label": "label" if labels is not None else None},
            "splits": {split: list(span) for split, span in (splits or {}).items()},
        }
        return self.create(**body)

    def signals(self, scores: npt.ArrayLike, *, ids: npt.ArrayLike | None = None, x: npt.ArrayLike | None = None,
                classes: Sequence[str], name: str | None = None) -> Dataset:  # fmt: skip
        """Makes a dataset of a teacher's scores (N, classes), logits or probabilities, for `teacher.signals`.

        Rows are matched by `ids` (N,), or by the inputs `x` (N, ...) themselves. Needs the extra `arrays`.
        """
        import numpy as np

        if (ids is None) == (x is None):
            raise ValueError("give either ids or x, by which rows are matched")
        matched = {"x": np.asarray(x)} if ids is None else {"id": np.asarray(ids)}
        arrays = {"scores": np.asarray(scores, np.float32), **matched}
        return self.create(
            files=[self._npz(arrays, name or "signals")], name=name, signal="scores", classes=list(classes),
            columns={"input": "x", "label": None} if ids is None else {"id": "id", "label": None},
        )  # fmt: skip

    def _npz(self, arrays: Mapping[str, Any], name: str) -> str:
        """The id of the file. Its name on this disk has nothing of what the user calls it."""
        import numpy as np

        with TemporaryDirectory() as folder:
            path = Path(folder) / "arrays.npz"
            np.savez(path, allow_pickle=False, **arrays)
            with path.open("rb") as stream:
                return self._files.send(stream, f"{name}.npz")["id"]

    def list(self, *, order: Order = "desc", after: str = "") -> Pages[Dataset]:
        return Pages(self._transport, "/v1/datasets", order=order, after=after)

    def get(self, id: str) -> Dataset:
        found: Dataset = self._transport.get(f"/v1/datasets/{id}")
        return found

    def wait(self, id: str, *, timeout: float = 600.0) -> Dataset:
        """The dataset once it is ready. Raises InspectionFailed, TimeoutError."""
        return settled(lambda: self.get(id), timeout)

    def delete(self, id: str) -> DatasetDeleted:
        gone = DatasetDeleted(id=id, object="dataset", deleted=True)
        return self._transport.delete(f"/v1/datasets/{id}", gone)

    def preview(self, id: str, *, split: str | None = None, limit: int = 10) -> Preview:
        found: Preview = self._transport.get(f"/v1/datasets/{id}/preview", split=split, limit=limit)
        return found

    def download(self, id: str, target: Path | str, *, split: str) -> Path:
        """Writes a split to `target` as one Arrow IPC file."""
        return self._transport.download(f"/v1/datasets/{id}/content", Path(target), split=split)
