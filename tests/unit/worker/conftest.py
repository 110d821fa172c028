"""What many tests of the worker need."""

from pathlib import Path

import pytest

from fakes.step_context import PlainContext


@pytest.fixture
def context(tmp_path: Path) -> PlainContext:
    """Of a step whose folder is under the test's own."""
    return PlainContext(tmp_path / "context")
