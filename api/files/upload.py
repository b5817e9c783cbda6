"""Receiving a file: from the socket to durable storage in one pass."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from api.errors import Invalid
from api.files.form import Form
from api.files.scratch import ScratchFile, scratch_file
from storage import Storage

FORM_BYTES = 2**16  # at most what the form adds to its file
PURPOSE_LENGTH = 64
FILENAME_LENGTH = 255


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that has arrived whole, still in scratch."""

    scratch: ScratchFile
    filename: str
    purpose: str
    digest: str
    bytes: int

    async def store(self, storage: Storage) -> None:
        """Durable when it returns; announced before. Raises storage.Full, storage.Unavailable."""
        await asyncio.to_thread(storage.put, self.scratch.path, self.digest)


@asynccontextmanager
async def received(request: Request, folder: Path, limit: int) -> AsyncIterator[Upload]:
    """The file of a multipart body, hashed on the way; its scratch space lives as long as the context.

    Raises Invalid for a form that is not OpenAI's, TooLarge, storage.Full.
    """
    async with scratch_file(folder, limit) as scratch:
        form = Form(request.headers.get("content-type", ""), "file", scratch)
        async for chunk in request.stream():
            form.write(chunk)
            await scratch.settle()
        form.finish()
        await scratch.settle(last=True)
        yield Upload(
            filename=filename_of(form),
            purpose=purpose_of(form),
            scratch=not_empty(scratch),
            digest=scratch.digest(),
            bytes=scratch.bytes,
        )


def filename_of(form: Form) -> str:
    """The name that was sent. Raises Invalid where there is none."""
    if form.filename is None:
        raise Invalid("The form has no part called `file`.", code="required", param="file")
    if not 0 < len(form.filename) <= FILENAME_LENGTH:
        raise Invalid(f"A file needs a name of 1 to {FILENAME_LENGTH} characters.", param="file")
    return form.filename


def not_empty(scratch: ScratchFile) -> ScratchFile:
    """Raises Invalid."""
    if not scratch.bytes:
        raise Invalid("The file is empty.", code="empty_file", param="file")
    return scratch


def purpose_of(form: Form) -> str:
    """The one text field there is. Raises Invalid for others: none is taken and ignored."""
    for name in form.fields:
        if name.startswith("expires_after"):
            message = "Files do not expire here."
            raise Invalid(message, code="unsupported_field", param="expires_after", hint="Delete the file instead.")
        if name != "purpose":
            raise Invalid(f"Unknown field {name[:64]!r}.", code="unknown_field", param=name[:64])
    purpose = form.fields.get("purpose")
    hint = "A word of yours that lists can be narrowed to, such as `dataset`, `model` or `fine-tune`."
    if purpose is None:
        raise Invalid("`purpose` is missing.", code="required", param="purpose", hint=hint)
    if not 0 < len(purpose) <= PURPOSE_LENGTH:
        raise Invalid(f"`purpose` must have 1 to {PURPOSE_LENGTH} characters.", param="purpose", hint=hint)
    return purpose
