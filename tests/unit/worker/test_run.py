"""The choice of a step's implementation, while a thread still imports the modules."""

import threading
from pathlib import Path

import pytest

from edgepress_common.messages import RunStep
from edgepress_worker.environment import Environment
from edgepress_worker.run import IMPORTING, load_ahead, run_step
from fakes.step_context import PlainContext

IMPORTS_SECONDS = 120
STAGE = {"kind": "stage", "stage": {"kind": "train"}, "model": {"architecture": "mobilenet"}, "training": {"epochs": 1}}
EXPORT = {"kind": "export", "export": {"kind": "int8"}, "seed": 1}


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [STAGE, EXPORT])
def test_a_step_does_not_import_while_another_thread_does(tmp_path: Path, parameters: dict[str, object]) -> None:
    """Two threads that import modules of one cycle can get one that is half there, which failed an attempt."""
    step = RunStep.model_validate({"step_key": "a" * 64, "attempt": 1, "parameters": parameters})
    failed: list[BaseException] = []

    def run() -> None:
        try:
            run_step(step, PlainContext(tmp_path), Environment(dataset_roots=(), downloads=tmp_path))
        except (KeyError, AssertionError) as error:  # it has no inputs, which are looked for once the modules are there
            failed.append(error)

    thread = threading.Thread(target=run)
    with IMPORTING:
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it imported at once"
    load_ahead()
    thread.join(IMPORTS_SECONDS)
    assert len(failed) == 1
