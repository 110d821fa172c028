"""The weights of an uploaded model as arrays, read by another process."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgepress_common.errors import InvalidInputError
from edgepress_worker.uploaded_models.weights_process import Answer, Task, command

# Threads would count against the limits of the process. HDF5 must not search for filters that are modules.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_PLUGIN_PRELOAD": "::"}
_PATIENCE_SECONDS = 600

Weights = npt.NDArray[np.float32]


def read_weights(file: Path, names: Sequence[str], scratch: Path) -> Mapping[str, Weights]:
    """Return the data sets with these names in an untrusted file; names that the file lacks are left out.

    Args:
        file: Path of the HDF5 file.
        names: Names of the data sets, as paths within the file.
        scratch: Folder with free space for the weights as float32.

    Raises:
        InvalidInputError: The file is broken, or has content that is not accepted.
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
