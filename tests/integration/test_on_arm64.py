"""The evaluator as a 64-bit Arm program: its own tests, and answers of networks there compared with answers here.

The folder that EDGEPRESS_TEST_ARM64 names holds such a Python (`fakes.arm64_machine`), or will; ``make test-arm``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fakes.arm64_machine import make

ROOT = Path(__file__).parents[2]
FOLDER = os.environ.get("EDGEPRESS_TEST_ARM64")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not FOLDER, reason="EDGEPRESS_TEST_ARM64 names no folder for an Arm Python; left out"),
]
SOURCES = ":".join(str(ROOT / path) for path in ("common/src", "evaluator/src", "tests"))
DELEGATED = {"tiny_int8": 6, "tiny_uint8": 6, "tiny_int16": 0}

Answers = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="session")
def arm64_python() -> Path:
    """Starts an Arm Python."""
    assert FOLDER is not None
    return make(Path(FOLDER).resolve())


def test_the_evaluators_tests_pass_there(arm64_python: Path, tmp_path: Path) -> None:
    """Its unit tests, wholly there; and those with a gateway, which stays here. All at once, for it is slow."""
    unit, slowest = "tests/unit/evaluator", "tests/unit/evaluator/test_evaluate.py"
    python = str(arm64_python)
    runs = {
        "evaluations": [python, "-m", "pytest", slowest],
        "unit": [python, "-m", "pytest", unit, "--ignore", slowest],
        "line": [sys.executable, "-m", "pytest", "tests/integration/test_evaluator_line.py"],
        "bundle": [sys.executable, "-m", "pytest", "tests/integration/test_bundle_predict.py"],
    }
    environment = os.environ | {"PYTHONPATH": SOURCES, "EDGEPRESS_TEST_PYTHON": str(arm64_python)}
    processes = {}
    for name, command in runs.items():
        with (tmp_path / name).open("w") as log:
            options = ["-p", "no:cacheprovider", f"--basetemp={tmp_path / 'files'}-{name}"]
            processes[name] = subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=log)
    codes = {name: process.wait() for name, process in processes.items()}
    said = {name: (tmp_path / name).read_text() for name in runs}
    assert codes == dict.fromkeys(runs, 0), "\n".join(said[name] for name in runs if codes[name])
    for name, text in said.items():
        assert " passed" in text.splitlines()[-1], name


def test_networks_answer_as_they_do_here(arm64_python: Path, tmp_path: Path) -> None:
    """Integer arithmetic is the same bit for bit, in the delegate's kernels and in the runtime's own: but for one.

    That one is the softmax of 8-bit networks, which no delegate takes. LiteRT compiles it in two ways: with a table of
    floats, or, for 64-bit Arm, with 16-bit numbers (``TFLITE_SOFTMAX_USE_UINT16_LUT`` in its optimized_ops.h); nothing
    that a program can ask for changes that. A score can differ by one step; what is fed to it doesn't, and the class
    found doesn't either.
    """
    (here, ours), (there, theirs) = (
        answers(python, tmp_path / f"{name}.npz")
        for name, python in {"here": Path(sys.executable), "there": arm64_python}.items()
    )
    assert there == {"machine": "aarch64", "delegated": DELEGATED}, "not on Arm, or not by XNNPACK"
    assert here["delegated"] == DELEGATED
    for name in DELEGATED:
        logits, scores = f"{name}_logits", f"{name}_scores"
        np.testing.assert_array_equal(theirs[logits], ours[logits])
        np.testing.assert_array_equal(theirs[scores].argmax(axis=1), ours[scores].argmax(axis=1))
        steps_apart = np.abs(theirs[scores].astype(int) - ours[scores])
        assert steps_apart.max() <= (0 if name == "tiny_int16" else 1), name
        assert steps_apart.mean() < 0.01, name  # of 4,000 scores, 6 were seen to differ


def answers(python: Path, target: Path) -> tuple[dict[str, Any], Answers]:
    """Return the results of `fakes.network_answers` from a Python of either architecture."""
    models = [ROOT / "tests/fakes/models" / f"{name}.tflite" for name in DELEGATED]
    command = [str(argument) for argument in (python, "-m", "fakes.network_answers", target, *models)]
    environment = os.environ | {"PYTHONPATH": SOURCES}
    said = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout
    with np.load(target) as found:
        return json.loads(said), dict(found)
