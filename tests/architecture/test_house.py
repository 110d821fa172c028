"""The architecture is as documented: imports follow the layers, and words that occur in two places agree."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from edgepress_api.steps import states
from edgepress_common.answers.jobs import StepState
from edgepress_common.messages import QUEUES
from edgepress_common.spec import EXPORTS, METHODS, ExportKind, StageKind
from edgepress_common.steps import CODE_VERSIONS, StepKind

ROOT = Path(__file__).parents[2]


def test_imports_follow_the_layers() -> None:
    """The import contracts of pyproject.toml hold: members are separate; each heavy library is in one package."""
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("member", ["common", "client", "api", "worker", "evaluator"])
def test_a_member_is_imported_without_the_others(member: str) -> None:
    """Importing the package of a member loads neither another member nor TensorFlow."""
    script = (
        f"import sys, pkgutil, importlib, edgepress_{member}\n"
        "print(sorted(n.split('.')[0] for n in sys.modules if n.startswith(('edgepress_', 'tensorflow'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    below = loaded.count("edgepress_common") if member == "client" else 0  # its package exports what stands on common
    assert loaded.count("edgepress_") == loaded.count(f"edgepress_{member}") + below
    assert "tensorflow" not in loaded


def test_only_those_who_use_s3_load_its_library() -> None:
    """Neither a device nor a gateway with artifacts in a folder imports the S3 library."""
    script = (
        "import sys, edgepress_evaluator.main\n"
        "from edgepress_common.artifacts.opening import open_store\n"
        "from pathlib import Path\n"
        "open_store('folder', copies=Path('copies'), copies_bytes=0)\n"
        "print('boto3' in sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded == "False\n"


def test_vocabularies_agree() -> None:
    """A state, kind or method that is written in two places is the same in both."""
    assert get_args(states.State) == get_args(StepState)
    assert set(QUEUES) == set(get_args(StepKind)) - {"evaluation"}
    assert set(CODE_VERSIONS) == set(get_args(StepKind))
    assert set(METHODS) == set(get_args(StageKind))
    assert set(EXPORTS) == set(get_args(ExportKind))


def test_the_lock_of_javascript_names_no_addresses() -> None:
    """Versions and hashes only: where packages come from is the choice of the machine that installs them."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert len(packages) > 1
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_tests_have_names_of_their_own() -> None:
    """Every folder of tests is one that the design names."""
    found = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert found <= {
        "unit",
        "clients",
        "integration",
        "e2e",
        "deployment",
        "architecture",
        "fakes",
        "bench",
        "chaos",
        "language",
        "members",
        "data",
    }


def test_no_measurement_or_lease_depends_on_the_clock_of_the_board() -> None:
    """Boards start with a wrong clock: the evaluator reads only clocks that never jump. `join` compares the other."""
    sources = ROOT / "evaluator" / "src" / "edgepress_evaluator"
    asking = {
        str(path.relative_to(sources))
        for path in sources.rglob("*.py")
        if re.search(r"\btime\.time\(|\b(now|utcnow|today)\(|time_ns\(\)", path.read_text())
    }
    assert asking == {"join/gateway.py"}
