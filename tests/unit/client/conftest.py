"""Fixtures of all tests of the client."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _hide_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the user's own tokens: a running `edgepress up` publishes one, perhaps for the port that a test uses."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("EDGEPRESS_TOKEN", raising=False)
