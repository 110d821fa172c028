"""An S3 server as a process: moto's. It is used in place of a real one only in the tests of the store."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from boto3.session import Session

from edgepress_common.artifacts.address import S3Address, parse_address

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3_server(port: int, folder: Path) -> Iterator[str]:
    """Runs one on a port of loopback, and gives its address; it may not be ready yet."""
    arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "s3.log").open("wb") as log:
        server = subprocess.Popen(arguments, stdout=log, stderr=log, env=os.environ | CREDENTIALS)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def s3_client(address: S3Address) -> "S3Client":
    """A client with the tests' credentials."""
    return _client(address.endpoint, address.region)


def new_bucket(endpoint: str) -> S3Address:
    """A bucket of a test's own, and a part of it."""
    address = parse_address(f"s3://test-{uuid4().hex}/some/part?endpoint={endpoint}&region=us-east-1")
    assert isinstance(address, S3Address)
    s3_client(address).create_bucket(Bucket=address.bucket)
    return address


@cache  # making one takes half a second
def _client(endpoint: str | None, region: str | None) -> "S3Client":
    session = Session(
        CREDENTIALS["AWS_ACCESS_KEY_ID"],
        CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=region or CREDENTIALS["AWS_DEFAULT_REGION"],
    )
    return session.client("s3", endpoint_url=endpoint)
