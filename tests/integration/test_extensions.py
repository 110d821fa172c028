"""A method, an export and a data set kind from a folder of their own work everywhere, with no other file touched."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgepress_common.spec import EXPORTS, METHODS

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "tests" / "fakes" / "extension"


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of `fakes.extension_job`, from a process that has the folder in its settings."""
    done = subprocess.run(
        [
            sys.executable, "-m", "fakes.extension_job",
            tmp_path_factory.mktemp("extension"), ROOT / "docs" / "methods.md",
        ],
        env=os.environ | {"EDGEPRESS_EXTENSIONS": str(EXTENSION), "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_places_to_touch_are_those_of_the_documentation() -> None:
    """Two files for a method, two for an export, two for a data set kind; figures are tested next door."""
    files = sorted(
        str(path.relative_to(EXTENSION)) for path in EXTENSION.rglob("*.py") if "figures" not in path.parent.name
    )
    assert files == [
        "dataset_kinds/few_digits.py",
        "exports/rounded.py",
        "methods/without_dropout.py",
        "worker/datasets/few_digits.py",
        "worker/exports/rounded.py",
        "worker/methods/without_dropout.py",
    ]


def test_they_are_validated(seen: Any) -> None:
    """Parameters by their schema, orders by what the method declares."""
    assert "without_dropout.at_most\n  Input should be greater than or equal to 1" in seen["out of range"]
    assert (
        "stages[1] is 'without_dropout', but the network's pruned weights are zero at that point: it would change "
        "them; accepted: without_dropout before prune"
    ) in seen["refused"]


def test_the_gateway_lists_and_plans_them(seen: Any) -> None:
    """They are listed after those of Edgepress."""
    gateway = seen["gateway"]
    assert gateway["methods"] == [*METHODS, "without_dropout"]
    assert gateway["exports"] == [*EXPORTS, "rounded"]
    assert {"WithoutDropoutStage", "RoundedExport", "FewDigitsDataset"} <= set(gateway["schemas"])
    assert gateway["status"] == 202
    assert gateway["steps"] == [
        "pack", "train", "without_dropout", "prune", "rounded", "rounded on any", "rounded", "rounded on any",
    ]  # fmt: skip
    assert seen["fingerprint"] == "digits below 3"


def test_they_are_documented(seen: Any) -> None:
    """Each has its own section, after the last of its sort."""
    headings = seen["headings"]
    position = headings.index("## `without_dropout`: Without dropout")
    assert headings[position - 1] == "## `probe`: Probe"
    assert headings[position + 1] == "## `teacher`: learn from other networks"
    assert "### `rounded`: rounded float32" in headings
    assert seen["documented again"]


def test_the_worker_runs_them(seen: Any) -> None:
    """The set is packed, the network changed, the zeros of the next stage promised and found in the file."""
    stages = {each["summary"]: each["epochs"] for each in seen["work"] if "summary" in each}
    assert stages == {
        "train mobilenet 0.25, 1 epoch": 1,
        "take out 10 dropout layers, 0 epochs": 0,
        "prune to 50 % (polynomial), 1 epoch": 1,
    }
    assert all(each["figures"]["largest_weight"] > 0 for each in seen["work"] if "summary" in each)
    two, one = (each for each in seen["work"] if each["title"] == "rounded")
    assert two["promises"] == one["promises"] == ["sparsity", "classes"]
    assert one["unique_weights_per_channel_max"] < two["unique_weights_per_channel_max"] < 100
    assert one["layers"] == 28
    assert 0 < one["figures"]["entropy"] < two["figures"]["entropy"] < 8
