"""Where settings come from."""

from pathlib import Path

import pytest

from edgepress_common.settings import BrokerSettings


def test_a_setting_can_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In any of the folders that are named; what is in the environment goes before."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "edgepress_redis_url").write_text("redis://from-file/0\n")
    monkeypatch.delenv("EDGEPRESS_REDIS_URL", raising=False)
    monkeypatch.setenv("EDGEPRESS_SECRETS_DIR", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    assert BrokerSettings().redis_url == "redis://from-file/0"
    monkeypatch.setenv("EDGEPRESS_REDIS_URL", "redis://from-environment/0")
    assert BrokerSettings().redis_url == "redis://from-environment/0"
