"""Models, a validation pack, and how to start Python."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.machine import Machine
from fakes import tiny_images

MODELS = Path(__file__).parents[2] / "fakes" / "models"


@pytest.fixture
def models() -> Path:
    """Folder of the tiny models."""
    return MODELS


@pytest.fixture
def pack_files(tmp_path: Path) -> tuple[Path, Path]:
    """A validation pack of 80 tiny images and their labels."""
    return tiny_images.write_pack(tmp_path, count=80)


@pytest.fixture(scope="session")
def python_command() -> tuple[str, ...]:
    """The command that starts Python; EDGEPRESS_TEST_PYTHON names it under an emulator that the kernel doesn't know."""
    return tuple(shlex.split(os.environ.get("EDGEPRESS_TEST_PYTHON", shlex.quote(sys.executable))))


@pytest.fixture
def device(tmp_path: Path, python_command: tuple[str, ...]) -> Device:
    """A device without a description."""
    return Device("bench", Machine(root=tmp_path / "no-root"), python_command, read_throttling=lambda: None)
