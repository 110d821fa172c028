"""The setting with the address of the artifact store."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from edgepress_common.artifacts import FolderStore
from edgepress_common.artifacts.address import S3Address, parse_address
from edgepress_common.artifacts.opening import open_store
from edgepress_common.artifacts.s3 import S3Store
from edgepress_common.settings import BrokerSettings
from fakes.s3_server import CREDENTIALS, new_bucket


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".edgepress/artifacts", Path(".edgepress/artifacts")),
        ("/var/lib/edgepress", Path("/var/lib/edgepress")),
        ("s3://models", S3Address(bucket="models")),
        ("s3://models/team/a/", S3Address(bucket="models", prefix="team/a/")),
        (
            "s3://models/a?endpoint=http://minio:9000&region=eu-west-1",
            S3Address(bucket="models", prefix="a/", endpoint="http://minio:9000", region="eu-west-1"),
        ),
    ],
)
def test_an_address_is_a_folder_or_a_bucket(text: str, expected: Path | S3Address) -> None:
    """The address of a bucket also names its server."""
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gs://models", "gs:// is not supported"),
        ("s3://", "'' is not a valid bucket name"),
        ("s3:/models", "'s3:/models' is not an address of an artifact store"),
        ("s3://Models", "'Models' is not a valid bucket name"),
        ("s3://models?endpint=http://x", "unknown options: endpint"),
        ("s3://models?endpoint=minio:9000", "'minio:9000' is not a valid endpoint"),
        ("s3://models?x", "bad query field"),
        ("s3://models#x", "the fragment #x is not supported"),
    ],
)
def test_an_invalid_address_is_refused_at_the_start(text: str, message: str) -> None:
    """The error of the settings says what is accepted."""
    with pytest.raises(ValidationError, match=message) as caught:
        BrokerSettings(artifacts=text)
    assert "accepted: a folder, or s3://bucket" in str(caught.value)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    """Addresses are logged."""
    with pytest.raises(ValueError, match="AWS_ACCESS_KEY_ID") as caught:
        parse_address("s3://key:hidden@models")
    assert "hidden" not in str(caught.value)


def test_one_setting_chooses_the_store(s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is as AWS's tools have it: credentials from the environment."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    bucket = new_bucket(s3_endpoint)
    monkeypatch.setenv("EDGEPRESS_ARTIFACTS", f"s3://{bucket.bucket}/models?endpoint={s3_endpoint}")
    monkeypatch.setenv("EDGEPRESS_ARTIFACT_COPIES", str(tmp_path / "copies"))
    settings = BrokerSettings()
    store = open_store(settings.artifacts, copies=settings.artifact_copies, copies_bytes=20)
    assert isinstance(store, S3Store)
    assert store.has(store.put_bytes(b"weights").sha256)
    monkeypatch.setenv("EDGEPRESS_ARTIFACTS", str(tmp_path / "folder"))
    folder = open_store(BrokerSettings().artifacts, copies=settings.artifact_copies, copies_bytes=20)
    assert isinstance(folder, FolderStore)
    assert not folder.has("a" * 64)
