"""Files as they are received and sent: OpenAI's object, and the sha256."""

from typing import Literal

from pydantic import BaseModel

from models.file import File as Row


class File(BaseModel):
    """A file that has arrived whole."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"
    """Always: what is in it is found out when a dataset or a model is made of it."""
    status_details: None = None
    expires_at: None = None
    sha256: str

    @classmethod
    def of(cls, row: Row) -> "File":
        return cls(
            id=row.id,
            bytes=row.bytes,
            created_at=int(row.created_at.timestamp()),
            filename=row.filename,
            purpose=row.purpose,
            sha256=row.digest,
        )


class FileDeleted(BaseModel):
    """A file that is no more."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True
