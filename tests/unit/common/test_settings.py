"""Sources of settings."""

from pathlib import Path

import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_common.settings import BaseEdgepressSettings, BrokerSettings


def test_a_setting_can_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is in one of the given folders; the environment takes precedence."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "edgepress_redis_url").write_text("redis://from-file/0\n")
    monkeypatch.delenv("EDGEPRESS_REDIS_URL", raising=False)
    monkeypatch.setenv("EDGEPRESS_SECRETS_DIR", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    assert BrokerSettings().redis_url == "redis://from-file/0"
    monkeypatch.setenv("EDGEPRESS_REDIS_URL", "redis://from-environment/0")
    assert BrokerSettings().redis_url == "redis://from-environment/0"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LEASE_SECONDS", "abc", "EDGEPRESS_LEASE_SECONDS is 'abc'; accepted: a number"),
        (
            "ARTIFACT_COPIES_BYTES",
            "-1",
            "EDGEPRESS_ARTIFACT_COPIES_BYTES is '-1'; accepted: greater than or ",
        ),
        ("REDIS_URL", "foo", "EDGEPRESS_REDIS_URL: is not the URL of a Redis server; accepted: redis://"),
        ("REDIS_URL", "redis://127.0.0.1:x", "EDGEPRESS_REDIS_URL: is not the URL of a Redis server"),
        ("DATASET_ROOTS", "/data", "EDGEPRESS_DATASET_ROOTS is not valid JSON; accepted: JSON"),
    ],
)
def test_a_setting_that_can_not_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, words: str
) -> None:
    """With its value and what is accepted, and without a traceback or a library's words."""
    monkeypatch.setenv(f"EDGEPRESS_{name}", value)
    with pytest.raises(InvalidInputError) as caught:
        BrokerSettings.read()
    assert str(caught.value).startswith(words)
    with pytest.raises(SystemExit, match="2"):
        BrokerSettings.read_or_exit()
    assert capsys.readouterr().err.startswith(words)


def test_a_secret_that_can_not_be_used_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would stand in a log."""

    class Settings(BaseEdgepressSettings):
        token: int

    monkeypatch.setenv("EDGEPRESS_TOKEN", "secret")
    with pytest.raises(InvalidInputError, match="EDGEPRESS_TOKEN; accepted: an integer") as caught:
        Settings.read()
    assert "secret" not in str(caught.value)
