"""The address of an artifact store: a folder or an S3 bucket.

``/var/lib/edgepress/artifacts`` is a folder on this machine or on a shared volume. ``s3://bucket/prefix`` is a bucket
of AWS S3; ``s3://bucket/prefix?endpoint=http://minio:9000`` is a bucket of another server with the S3 API. An address
does not contain credentials. They are read as AWS's own tools read them: from ``AWS_ACCESS_KEY_ID`` and
``AWS_SECRET_ACCESS_KEY``, from the file that ``AWS_SHARED_CREDENTIALS_FILE`` names, or from the role of the machine.
"""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import AfterValidator

from edgepress_common.frozen import Frozen

_ACCEPTED = (
    "accepted: a folder, or s3://bucket/prefix?endpoint=http://host:port&region=name (all after bucket optional)"
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ENDPOINT = re.compile(r"https?://[^/?#@]+/?")


class S3Address(Frozen):
    """A prefix in a bucket.

    Attributes:
        bucket: Name of the bucket.
        prefix: Prefix of all object keys: empty, or ending with a slash.
        endpoint: URL of the server; None for AWS or the value of ``AWS_ENDPOINT_URL``.
        region: Region of the bucket; None for the region that AWS's tools find.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        """Return the address for messages."""
        return f"s3://{self.bucket}/{self.prefix}" + (f" at {self.endpoint}" if self.endpoint else "")


def parse_address(text: str) -> Path | S3Address:
    """Parse the address of a store.

    Raises:
        ValueError: The text is not a valid address.
    """
    if "://" not in text:
        if text.startswith("s3:"):
            raise ValueError(f"{text!r} is not an address of an artifact store; {_ACCEPTED}")
        return Path(text)
    try:
        parts = urlsplit(text)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise ValueError(f"{text!r} is not an address of an artifact store: {error}; {_ACCEPTED}") from None
    problem = _problem(parts, options)
    if problem:
        # The message does not repeat the address, because it may contain a password.
        raise ValueError(f"the address of the artifact store is not valid: {problem}; {_ACCEPTED}")
    prefix = parts.path.strip("/")
    return S3Address(bucket=parts.netloc, prefix=f"{prefix}/" if prefix else "", **options)


def _checked(text: str) -> str:
    parse_address(text)
    return text


StoreAddress = Annotated[str, AfterValidator(_checked)]


def _problem(parts: SplitResult, options: dict[str, str]) -> str | None:
    unknown = sorted(set(options) - {"endpoint", "region"})
    endpoint = options.get("endpoint")
    problems = {
        f"the scheme {parts.scheme}:// is not supported": parts.scheme != "s3",
        "it contains credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead": "@" in parts.netloc,
        f"{parts.netloc!r} is not a valid bucket name": not _BUCKET.fullmatch(parts.netloc),
        f"unknown options: {', '.join(unknown)}": bool(unknown),
        f"{endpoint!r} is not a valid endpoint": endpoint is not None and not _ENDPOINT.fullmatch(endpoint),
        f"the fragment #{parts.fragment} is not supported": bool(parts.fragment),
    }
    return next((problem for problem, is_one in problems.items() if is_one), None)
