"""Which GPUs there are, and which of them is this worker's.

A worker does one step at a time, so it needs one GPU, and a step that meets another on the same GPU runs out of memory.
So each worker takes one for itself: it locks a file with the GPU's own number, in the folder that workers share, and
lets TensorFlow see that GPU alone. The lock goes with the process, however that ends. On a host with four GPUs, four
workers are started alike, and none is told which GPU is its own.

Seen through ``nvidia-smi``, which comes with the driver and is in a container that was given GPUs: TensorFlow itself
must not be loaded in the process that forks those that do the work.
"""

import fcntl
import logging
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from edgepress_common.errors import UnavailableError
from edgepress_common.frozen import Frozen

VISIBLE = "CUDA_VISIBLE_DEVICES"  # what CUDA's documentation calls it

_PROGRAM = "nvidia-smi"
_ANSWER_SECONDS = 30  # a driver that was not used for long takes seconds to wake

_log = logging.getLogger(__name__)


class Gpu(Frozen):
    """One GPU.

    Attributes:
        uuid: Its own number, the same in every container: ``GPU-`` and hex digits.
        name: As its maker calls it.
    """

    uuid: str
    name: str


def find_gpus(program: str = _PROGRAM) -> tuple[Gpu, ...]:
    """The GPUs that this process was given, as the driver lists them; none without a driver."""
    path = shutil.which(program)
    if path is None:
        return ()
    answer = subprocess.run(  # noqa: S603 - the command is ours
        [path, "--query-gpu=uuid,name", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        timeout=_ANSWER_SECONDS,
        check=False,
    )
    if answer.returncode != 0:
        _log.warning("%s ended with %d: %s", path, answer.returncode, (answer.stdout + answer.stderr).strip())
        return ()
    rows = (line.partition(",") for line in answer.stdout.splitlines() if line.strip())
    return tuple(Gpu(uuid=uuid.strip(), name=name.strip()) for uuid, _, name in rows)


def claim_gpu(gpus: Sequence[Gpu], folder: Path, held: ExitStack) -> Gpu:
    """Takes a GPU that no other worker has.

    Args:
        gpus: Those to choose from.
        folder: Shared with the other workers of this machine.
        held: Keeps the GPU until it is closed.

    Raises:
        UnavailableError: Every one has a worker.
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
    raise UnavailableError(
        f"each of the {len(gpus)} GPUs here has a worker already; accepted: at most {len(gpus)} workers on this machine"
    )


def settle(environment: Mapping[str, str], scratch: Path, held: ExitStack, gpus: Sequence[Gpu]) -> dict[str, str]:
    """Says what this worker computes on, and gives what the environment must have for it.

    Raises:
        UnavailableError: There are GPUs, and every one has a worker.
    """
    if VISIBLE in environment:
        _log.info("accelerators: as told by %s=%s; found: %s", VISIBLE, environment[VISIBLE], _names(gpus))
        return {}
    if not gpus:
        _log.info("accelerators: none found; computes on %d cores", len(os.sched_getaffinity(0)))
        return {}
    gpu = claim_gpu(gpus, scratch / "gpus", held)
    _log.info("accelerators: found %s; this worker's is %s (%s)", _names(gpus), gpu.uuid, gpu.name)
    return {VISIBLE: gpu.uuid}


def _names(gpus: Sequence[Gpu]) -> str:
    return ", ".join(gpu.name for gpu in gpus) or "none"
