"""An S3-compatible store: `<prefix>/ab/cdef…` in one bucket. Credentials come from the usual AWS variables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage.store import CHUNK, Full, Missing, StorageError, Unavailable, key_of, told, verify

PART = 32 * 2**20  # bytes; times 10,000 parts is far above the largest upload
GONE = {"404", "NoSuchKey", "NotFound"}
NO_SPACE = {"507", "InsufficientStorage", "XMinioStorageFull", "QuotaExceeded", "EntityTooLarge"}


class S3Storage:
    """For API and workers on several machines. Parts are read from and written to files: memory stays flat."""

    def __init__(self, url: str, endpoint: str | None = None) -> None:
        """`url` is `s3://bucket/prefix`; the bucket must exist. `endpoint` is another store's URL than AWS's."""
        self.bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not self.bucket:
            raise ValueError(f"storage {url!r} names no bucket: write s3://bucket/prefix")
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        options: dict[str, Any] = {"request_checksum_calculation": "when_required"}
        options["response_checksum_validation"] = "when_required"  # compatible stores know no other
        if endpoint is not None:
            options["s3"] = {"addressing_style": "path"}
        retries = {"mode": "standard", "total_max_attempts": 3}
        config = Config(connect_timeout=2, read_timeout=20, retries=retries, max_pool_connections=32, **options)
        self.client = boto3.session.Session().client("s3", endpoint_url=endpoint, config=config)
        self.transfer = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)

    def put(self, source: Path, digest: str) -> None:
        with answered():
            self.client.upload_file(str(source), self.bucket, self._key(digest), Config=self.transfer)
        source.unlink()

    def fetch(self, digest: str, target: Path) -> None:
        with told():
            file = target.open("xb")
        try:
            with answered(), file:
                self.client.download_fileobj(self.bucket, self._key(digest), file, Config=self.transfer)
            verify(target, digest)
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def read(self, digest: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        where: dict[str, str] = {"Bucket": self.bucket, "Key": self._key(digest)}
        if length == 0:  # no Range header says this
            with answered():
                self.client.head_object(**where)
            return iter(())
        if start or length is not None:
            where["Range"] = f"bytes={start}-" + ("" if length is None else str(start + length - 1))
        with answered():
            try:
                body = self.client.get_object(**where)["Body"]
            except ClientError as error:
                if code_of(error) != "InvalidRange":
                    raise
                return iter(())

        def chunks() -> Iterator[bytes]:
            with answered(), body:
                yield from body.iter_chunks(CHUNK)

        return chunks()

    def exists(self, digest: str) -> bool:
        return self.modified(digest) is not None

    def modified(self, digest: str) -> float | None:
        try:
            with answered():
                head = self.client.head_object(Bucket=self.bucket, Key=self._key(digest))
        except Missing:
            return None
        seconds: float = head["LastModified"].timestamp()
        return seconds

    def delete(self, digest: str) -> None:
        with answered():
            self.client.delete_object(Bucket=self.bucket, Key=self._key(digest))

    def all(self) -> Iterator[tuple[str, int, float]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        with answered():
            for page in pages:
                for entry in page.get("Contents", ()):
                    digest = entry["Key"].removeprefix(self.prefix).replace("/", "")
                    if len(digest) == 64:
                        yield digest, entry["Size"], entry["LastModified"].timestamp()

    def tidy(self, before: float) -> None:
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=self.prefix)
        with answered():
            for page in pages:
                for begun in page.get("Uploads", ()):
                    if begun["Initiated"].timestamp() < before:
                        which = {"Key": begun["Key"], "UploadId": begun["UploadId"]}
                        self.client.abort_multipart_upload(Bucket=self.bucket, **which)

    def check(self) -> None:
        try:
            with answered():
                self.client.head_bucket(Bucket=self.bucket)
        except StorageError as error:
            raise Unavailable(str(error)) from error

    def _key(self, digest: str) -> str:
        return self.prefix + key_of(digest)


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def answered() -> Iterator[None]:
    """The client library's errors as ours."""
    try:
        with told():
            yield
    except ClientError as error:
        if code_of(error) in GONE:
            raise Missing(str(error)) from error
        raise (Full if code_of(error) in NO_SPACE else Unavailable)(str(error)) from error
    except BotoCoreError as error:
        raise Unavailable(str(error)) from error
    except boto3.exceptions.Boto3Error as error:
        raise Unavailable(str(error)) from error
