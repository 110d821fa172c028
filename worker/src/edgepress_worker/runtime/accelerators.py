"""The GPUs of the machine, and the choice of one of them for this worker.

A worker runs one step at a time, so it needs one GPU, and two steps on the same GPU run out of memory. Therefore each
worker claims one GPU: it locks a file named after the GPU's UUID, in the folder that workers share, and makes only that
GPU visible to TensorFlow. The lock is released when the process ends, even if it is killed. On a host with four GPUs,
four workers are started with the same settings, and none of them needs to specify its GPU. A fifth worker waits without
taking steps, and replaces the first one that ends.

GPUs are listed with ``nvidia-smi``, which is part of the driver and available in a container with GPUs. TensorFlow
can't list them, because it must not be loaded in the process that forks the processes that run steps.
"""

import fcntl
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from edgepress_common.errors import UnavailableError
from edgepress_common.frozen import Frozen

VISIBLE = "CUDA_VISIBLE_DEVICES"  # the variable's name in CUDA's documentation
COMPUTES_ON = "EDGEPRESS_COMPUTES_ON"  # what this worker computes on, in words, for the processes that it starts

_PROGRAM = "nvidia-smi"
_ANSWER_SECONDS = 30  # a driver that has been idle takes seconds to answer
_CLAIM_SECONDS = 5.0  # as often as the worker's own heartbeat

_log = logging.getLogger(__name__)


class Gpu(Frozen):
    """One GPU.

    Attributes:
        uuid: Unique identifier, the same in every container: ``GPU-`` and hex digits.
        name: Product name.
    """

    uuid: str
    name: str


def find_gpus(program: str = _PROGRAM) -> tuple[Gpu, ...]:
    """Return the GPUs that are available to this process, in the driver's order; empty without a driver.

    Raises:
        UnavailableError: There is a driver, and it does not answer.
    """
    path = shutil.which(program)
    if path is None:
        return ()
    try:
        answer = subprocess.run(  # noqa: S603 - the command is ours
            [path, "--query-gpu=uuid,name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"the GPU driver does not answer ({path} took {_ANSWER_SECONDS} s)") from None
    if answer.returncode != 0:
        said = (answer.stdout + answer.stderr).strip()
        raise UnavailableError(f"the GPU driver does not answer ({path} ended with {answer.returncode}: {said})")
    rows = (line.partition(",") for line in answer.stdout.splitlines() if line.strip())
    return tuple(Gpu(uuid=uuid.strip(), name=name.strip()) for uuid, _, name in rows)


def claim_gpu(gpus: Sequence[Gpu], folder: Path, held: ExitStack) -> Gpu | None:
    """Claim a GPU that no other worker has claimed.

    Args:
        gpus: GPUs to choose from.
        folder: Folder that all workers of this machine share.
        held: Exit stack that releases the GPU when it is closed.

    Returns:
        The GPU; None if each GPU has a worker.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for gpu in gpus:
        lock = (folder / gpu.uuid).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        held.enter_context(lock)
        return gpu
    return None


def settle(
    environment: Mapping[str, str],
    scratch: Path,
    held: ExitStack,
    find: Callable[[], Sequence[Gpu]] = find_gpus,
    pause: Callable[[float], object] = time.sleep,
) -> dict[str, str]:
    """Log the accelerator that this worker computes on, and return the environment variables to set for it.

    A machine whose driver does not answer computes on its processors, and `COMPUTES_ON` says why: each result names it.

    Args:
        environment: Environment variables of the worker.
        scratch: Folder that all workers of this machine share.
        held: Exit stack that releases the GPU when it is closed.
        find: Function that lists the GPUs.
        pause: Function that waits for a number of seconds, called while each GPU has a worker.
    """
    processors = f"{len(os.sched_getaffinity(0))} processors"
    try:
        gpus, problem = find(), ""
    except UnavailableError as error:
        gpus, problem = (), f"; {error}"
    if VISIBLE in environment:
        _log.info("accelerators: as told by %s=%s; found: %s", VISIBLE, environment[VISIBLE], _names(gpus))
        return {COMPUTES_ON: f"{VISIBLE}={environment[VISIBLE]}"}
    if not gpus:
        level = logging.WARNING if problem else logging.INFO
        _log.log(level, "accelerators: none; computes on %s", processors + problem)
        return {COMPUTES_ON: processors + problem}
    gpu = claim_gpu(gpus, scratch / "gpus", held)
    if gpu is None:
        _log.warning(
            "each of the %d GPUs here has a worker already: this worker takes no steps until one of them ends; "
            "%d workers are enough on this machine",
            len(gpus),
            len(gpus),
        )
    while gpu is None:
        pause(_CLAIM_SECONDS)
        gpu = claim_gpu(gpus, scratch / "gpus", held)
    _log.info("accelerators: found %s; this worker's is %s (%s)", _names(gpus), gpu.uuid, gpu.name)
    return {VISIBLE: gpu.uuid, COMPUTES_ON: gpu.name}


def _names(gpus: Sequence[Gpu]) -> str:
    return ", ".join(gpu.name for gpu in gpus) or "none"
