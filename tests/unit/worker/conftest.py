"""Fixtures of the worker's tests."""

from pathlib import Path

import pytest

from fakes.step_context import PlainContext


@pytest.fixture
def context(tmp_path: Path) -> PlainContext:
    """The context of a step with its folder in the test's own."""
    return PlainContext(tmp_path / "context")
