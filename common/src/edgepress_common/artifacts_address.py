"""Where artifacts are kept, as one setting says it: a folder, or a bucket of S3.

``/var/lib/edgepress/artifacts`` is a folder: of this machine, or on a volume that several share. ``s3://bucket/prefix``
is S3 as AWS has it; ``s3://bucket/prefix?endpoint=http://minio:9000`` any other server that speaks it. Credentials are
no part of an address: they come the way AWS's own tools take them (``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``,
a file that ``AWS_SHARED_CREDENTIALS_FILE`` names, or the machine's role).
"""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import AfterValidator

from edgepress_common.artifacts import ArtifactStore, FolderStore
from edgepress_common.frozen import Frozen

_ACCEPTED = (
    "accepted: a folder, or s3://bucket/prefix?endpoint=http://host:port&region=name (all after bucket optional)"
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ENDPOINT = re.compile(r"https?://[^/?#@]+/?")


class S3Address(Frozen):
    """A bucket, and a part of it.

    Attributes:
        bucket: Its name.
        prefix: What the names of all objects begin with: nothing, or something that ends with a slash.
        endpoint: The server; None for AWS, or whatever ``AWS_ENDPOINT_URL`` says.
        region: Where it is; None for whatever AWS's tools find.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        """As people know it."""
        return f"s3://{self.bucket}/{self.prefix}" + (f" at {self.endpoint}" if self.endpoint else "")


def parse_address(text: str) -> Path | S3Address:
    """What an address stands for.

    Raises:
        ValueError: It is none; says what would be.
    """
    if "://" not in text:
        return Path(text)
    try:
        parts = urlsplit(text)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise ValueError(f"{text!r} is no address of an artifact store: {error}; {_ACCEPTED}") from None
    problem = _problem(parts, options)
    if problem:
        # Not the address itself: what is wrong with it may be that it holds a password.
        raise ValueError(f"it is no address of an artifact store: {problem}; {_ACCEPTED}")
    prefix = parts.path.strip("/")
    return S3Address(bucket=parts.netloc, prefix=f"{prefix}/" if prefix else "", **options)


def _checked(text: str) -> str:
    parse_address(text)
    return text


StoreAddress = Annotated[str, AfterValidator(_checked)]


def open_store(address: str, *, copies: Path, copies_bytes: int) -> ArtifactStore:
    """The store at an address. Nothing is looked for there yet.

    Args:
        address: See `parse_address`.
        copies: For S3, the folder of this machine that copies are kept in.
        copies_bytes: For S3, how much of them is kept.
    """
    parsed = parse_address(address)
    if isinstance(parsed, Path):
        return FolderStore(parsed)
    # Loaded only where it is used: AWS's library takes half a second and some 30 MB of memory.
    from edgepress_common.artifacts_copies import LocalCopies  # noqa: PLC0415
    from edgepress_common.artifacts_s3 import S3Store, connect  # noqa: PLC0415

    return S3Store(parsed, LocalCopies(copies, copies_bytes), lambda: connect(parsed))


def _problem(parts: SplitResult, options: dict[str, str]) -> str | None:
    unknown = sorted(set(options) - {"endpoint", "region"})
    endpoint = options.get("endpoint")
    problems = {
        f"{parts.scheme}:// is not known": parts.scheme != "s3",
        "credentials don't belong in it, but in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY": "@" in parts.netloc,
        f"{parts.netloc!r} is no bucket's name": not _BUCKET.fullmatch(parts.netloc),
        f"{', '.join(unknown)} means nothing in it": bool(unknown),
        f"{endpoint!r} is no endpoint": endpoint is not None and not _ENDPOINT.fullmatch(endpoint),
        f"#{parts.fragment} means nothing in it": bool(parts.fragment),
    }
    return next((problem for problem, is_one in problems.items() if is_one), None)
