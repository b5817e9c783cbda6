"""A server that speaks S3, as a process of its own: moto, which checks no signature."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config

from standalone.process import Process

REFUSED = 111
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class S3(Process):
    """moto on loopback. It keeps everything in memory and checks no signature."""

    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        super().__init__("s3", argv, log=home / "logs" / "s3.log")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != REFUSED

    def make_bucket(self, name: str) -> None:
        config = Config(retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=self.url, config=config, **keys).create_bucket(Bucket=name)


@contextmanager
def s3(home: Path, bucket: str = "bucket") -> Iterator[S3]:
    """The server with one bucket."""
    server = S3(home)
    try:
        server.start()
        server.wait_ready()
        server.make_bucket(bucket)
        yield server
    finally:
        server.stop()
