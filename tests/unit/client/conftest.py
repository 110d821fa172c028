"""Fixtures of all tests of the client."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _finds_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the tokens of whoever runs the tests: their `edgepress up` may publish one for the same port."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("EDGEPRESS_TOKEN", raising=False)
