"""Reads an untrusted file of weights, in a separate process with restricted rights.

HDF5 files are read by a large C library that has had vulnerabilities. Therefore this process gives up its rights before
it opens the file: the network, new processes, new privileges, and memory, time and written bytes above a limit. The
worker reads its output only as numbers.

The process reads a `Task` as JSON from standard input, writes the arrays in .npy format one after the other to the
task's target file, and writes an `Answer` as JSON to standard output. It refuses the features of HDF5 that refer to
other files: external links, external storage, virtual data sets, and filters, which can be modules.
"""

import ctypes
import json
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from edgepress_worker.isolated_python import isolated_python

_MAX_OBJECTS = 100_000  # thirty for each layer that a network may have
_MAX_DEPTH = 32
_CPU_SECONDS = 120  # reading 2 GB takes two
_MEMORY_BYTES = 1 << 30  # for the libraries, whose mappings count although little of them is used
_SPARE_BYTES = 16 << 20
_BFLOAT16 = np.dtype("V2")  # as Keras writes it: two bytes without a type, because HDF5 does not have this type
_DESCRIPTORS = 32
_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h


@dataclass(frozen=True)
class Task:
    """Task of the process.

    Attributes:
        weights: Path of the HDF5 file.
        target: Path of the file to write the arrays to.
        names: Names of the data sets to read, in this order. Names that the file lacks are skipped.
    """

    weights: str
    target: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """Result of a task.

    Attributes:
        found: Names of the data sets that were written, in order.
        problem: Reason why the file is not accepted; None if it is.
    """

    found: tuple[str, ...] = ()
    problem: str | None = None


class _RefusedError(Exception):
    """The file has content that is not accepted."""


def main() -> None:
    """Run the task from standard input."""
    said = json.load(sys.stdin)
    task = Task(weights=said["weights"], target=said["target"], names=tuple(said["names"]))
    _give_up_rights(Path(task.weights).stat().st_size)
    try:
        answer = Answer(found=tuple(read(task)))
    except _RefusedError as error:
        answer = Answer(problem=str(error))
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:  # raised by h5py for a broken file
        answer = Answer(problem=f"can't be read: {str(error)[:300]}")
    json.dump(asdict(answer), sys.stdout)


def read(task: Task) -> Iterator[str]:
    """Write the arrays and yield their names, after a check of the whole file."""
    with h5py.File(task.weights, "r") as file, Path(task.target).open("wb") as target:
        for _ in _checked_arrays(file, "", depth=0, left=[_MAX_OBJECTS]):
            pass
        for name in task.names:
            if name in file:
                dataset = file[name]
                if not isinstance(dataset, h5py.Dataset):
                    raise _RefusedError(f"{name} is not a data set; accepted: one array for each weight")
                np.save(target, _numbers(dataset, name), allow_pickle=False)
                yield name


def _checked_arrays(group: h5py.Group, path: str, *, depth: int, left: list[int]) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise _RefusedError(f"{path[:200]} lies more than {_MAX_DEPTH} groups deep; accepted: fewer")
    for name in group:
        left[0] -= 1
        if left[0] < 0:
            raise _RefusedError(f"has more than {_MAX_OBJECTS} objects; accepted: fewer")
        here = f"{path}/{name}"
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise _RefusedError(f"{here[:200]} is a link to elsewhere ({type(link).__name__}); accepted: none")
        found = group[name]
        if isinstance(found, h5py.Dataset):
            _look_at(found, here)
            yield here
        elif isinstance(found, h5py.Group):
            yield from _checked_arrays(found, here, depth=depth + 1, left=left)
        else:
            raise _RefusedError(f"{here[:200]} is a {type(found).__name__}; accepted: groups and arrays")


def _look_at(dataset: h5py.Dataset, path: str) -> None:
    if dataset.external or dataset.is_virtual:
        raise _RefusedError(f"{path[:200]} has its values in another file; accepted: all in this one")
    if dataset.id.get_create_plist().get_nfilters():
        raise _RefusedError(f"{path[:200]} goes through filters; accepted: values as they are, as Keras writes them")


def _numbers(dataset: h5py.Dataset, name: str) -> Any:
    is_bfloat16 = dataset.dtype == _BFLOAT16
    if not is_bfloat16 and (dataset.dtype.kind != "f" or dataset.dtype.itemsize not in {2, 4, 8}):
        raise _RefusedError(f"{name} is of type {dataset.dtype}; accepted: bfloat16, float16, float32, float64")
    if dataset.id.get_storage_size() < dataset.nbytes:
        raise _RefusedError(f"{name} is said to have {dataset.nbytes} bytes, and has fewer; accepted: all of them")
    if is_bfloat16:
        halves = np.asarray(dataset[()]).view(np.uint16).astype(np.uint32)
        return (halves << 16).view(np.float32).reshape(dataset.shape)  # the upper half of a float32
    return np.asarray(dataset[()], np.float32)


def _give_up_rights(file_bytes: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Enter an empty network namespace. Where the kernel reserves this for administrators, other users keep the network.
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        libc.unshare(_CLONE_NEWNET)
    limits = {
        resource.RLIMIT_AS: _MEMORY_BYTES + 4 * file_bytes,  # an array as stored, and as float32
        resource.RLIMIT_CPU: _CPU_SECONDS,
        resource.RLIMIT_FSIZE: 2 * file_bytes + _SPARE_BYTES,  # float16 becomes float32
        resource.RLIMIT_NOFILE: _DESCRIPTORS,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        _, most = resource.getrlimit(limit)
        allowed = value if most == resource.RLIM_INFINITY else min(value, most)
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (allowed, allowed))
    os.environ.clear()


def command() -> Sequence[str]:
    """Return the command that starts this process."""
    return isolated_python(__name__)
