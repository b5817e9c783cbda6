"""Files: bytes that somebody sent."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

from stillhouse.pages import Order, Pages
from stillhouse.transport import Transport
from stillhouse.types import File, FileDeleted


class Files:
    """`client.files`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(self, source: Path | str | bytes, *, filename: str | None = None, purpose: str = "dataset") -> File:
        """Sends a file by its path, streamed, or bytes (then with a `filename`, whose ending tells the format)."""
        name = filename or ("data.bin" if isinstance(source, bytes) else Path(source).name)
        with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as stream:
            return self.send(stream, name, purpose=purpose)

    def send(self, stream: IO[bytes], filename: str, *, purpose: str = "dataset") -> File:
        """Sends what a file that is open and can seek holds."""
        sent: File = self._transport.upload("/v1/files", stream, filename, {"purpose": purpose})
        return sent

    def list(self, *, purpose: str | None = None, order: Order = "desc", after: str = "") -> Pages[File]:
        return Pages(self._transport, "/v1/files", purpose=purpose, order=order, after=after)

    def get(self, id: str) -> File:
        found: File = self._transport.get(f"/v1/files/{id}")
        return found

    def delete(self, id: str) -> FileDeleted:
        gone = FileDeleted(id=id, object="file", deleted=True)
        return self._transport.delete(f"/v1/files/{id}", gone)

    def download(self, id: str, target: Path | str) -> Path:
        """Writes the file's bytes to `target`, whole or not at all."""
        return self._transport.download(f"/v1/files/{id}/content", Path(target))
