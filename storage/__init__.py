"""Bytes, content-addressed by sha256: one Protocol, a local folder, an S3-compatible store."""

from storage.local import LocalStorage
from storage.store import CHUNK, Corrupt, Full, Missing, Storage, StorageError, Unavailable

__all__ = [
    "CHUNK",
    "Corrupt",
    "Full",
    "LocalStorage",
    "Missing",
    "Storage",
    "StorageError",
    "Unavailable",
    "open_storage",
]


def open_storage(url: str, s3_endpoint: str | None = None) -> Storage:
    """The store at an absolute folder, or at `s3://bucket/prefix`. Raises ValueError for any other url."""
    if url.startswith("s3://"):
        from storage.s3 import S3Storage  # noqa: PLC0415  # boto3 costs 0.2 s and 30 MB, which only its users shall pay

        return S3Storage(url, s3_endpoint)
    return LocalStorage(url)
