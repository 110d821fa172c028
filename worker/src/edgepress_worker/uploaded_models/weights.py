"""An uploaded model's weights as arrays, out of a file that is opened by another process."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError
from edgepress_worker.uploaded_models.weights_process import Answer, Task, command

# Threads would count against what the process may have; filters that are modules are not looked for.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_PLUGIN_PRELOAD": "::"}
_PATIENCE_SECONDS = 600

Weights = npt.NDArray[np.float32]


def read_weights(file: Path, names: Sequence[str], scratch: Path) -> Mapping[str, Weights]:
    """The data sets of these names that are in a file, which nobody has to trust.

    Args:
        file: HDF5.
        names: Which, as paths inside it.
        scratch: Folder with room for as much again.

    Raises:
        InvalidInputError: The file is broken, or has something in it that is not accepted.
    """
    target = scratch / "weights.npy"
    task = Task(weights=str(file), target=str(target), names=tuple(names))
    try:
        done = subprocess.run(  # noqa: S603 - this very Python, and a program of our own
            command(),
            input=json.dumps(asdict(task)).encode(),
            env=_ENVIRONMENT,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        answer = Answer(**json.loads(done.stdout)) if done.returncode == 0 else _ended_badly(done)
        if answer.problem is not None:
            raise InvalidInputError(f"the model's weights, model.weights.h5: {answer.problem}")
        with target.open("rb") as arrays:
            return {name: np.load(arrays, allow_pickle=False) for name in answer.found}
    except subprocess.TimeoutExpired as error:
        raise InvalidInputError(
            f"the model's weights, model.weights.h5, were not read in {_PATIENCE_SECONDS} s; accepted: as Keras writes"
        ) from error
    finally:
        target.unlink(missing_ok=True)


def _ended_badly(done: "subprocess.CompletedProcess[bytes]") -> Answer:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return Answer(problem=f"reading it ended with {done.returncode}: {(lines or ['nothing was said'])[-1][:300]}")
