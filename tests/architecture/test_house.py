"""The house stands as drawn: who may import whom, and words that are written in two places agree."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from edgepress_api.database import tables
from edgepress_api.steps import states
from edgepress_common.messages import QUEUES
from edgepress_common.spec import EXPORTS, METHODS, ExportKind, StageKind
from edgepress_common.steps import CODE_VERSIONS, StepKind

ROOT = Path(__file__).parents[2]


def test_imports_follow_the_layers() -> None:
    """The contracts of pyproject.toml hold: rooms apart, heavy libraries each in one."""
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("room", ["common", "api", "worker", "evaluator"])
def test_a_room_is_imported_without_its_neighbours(room: str) -> None:
    """Importing a room's package loads none of the others, nor TensorFlow."""
    script = (
        f"import sys, pkgutil, importlib, edgepress_{room}\n"
        "print(sorted(n.split('.')[0] for n in sys.modules if n.startswith(('edgepress_', 'tensorflow'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.count("edgepress_") == loaded.count(f"edgepress_{room}")
    assert "tensorflow" not in loaded


def test_only_those_who_use_s3_load_its_library() -> None:
    """Not a device, and nobody whose artifacts are in a folder."""
    script = (
        "import sys, edgepress_evaluator.main\n"
        "from edgepress_common.artifacts_address import open_store\n"
        "from pathlib import Path\n"
        "open_store('folder', copies=Path('copies'), copies_bytes=0)\n"
        "print('boto3' in sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded == "False\n"


def test_vocabularies_agree() -> None:
    """A state, kind or method that is written in two places is the same in both."""
    assert get_args(states.State) == get_args(tables.StepState)
    assert set(QUEUES) == set(get_args(StepKind)) - {"evaluation"}
    assert set(CODE_VERSIONS) == set(get_args(StepKind))
    assert set(METHODS) == set(get_args(StageKind))
    assert set(EXPORTS) == set(get_args(ExportKind))


def test_tests_have_names_of_their_own() -> None:
    """Every folder of tests is one that the design names."""
    found = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert found <= {"unit", "integration", "e2e", "deployment", "architecture", "fakes", "bench", "chaos"}
