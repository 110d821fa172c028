"""Opens a file of weights that a stranger has made, as a process of its own that can do no harm.

HDF5 is read by a large library in C, which has had its share of faults. So it runs here, where there is nothing to win:
before the file is opened, the process gives up the network, new processes, new rights, and all but a measured amount of
memory, time, and bytes to write. Whatever comes out is taken as bare numbers.

It takes a `Task` as JSON on standard input, writes the arrays as .npy, one behind the other, to the file that is told,
and says on standard output what there is, or why not. HDF5's ways to other files are refused: links to elsewhere,
storage elsewhere, data sets made of others, and filters, which can be modules.
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

_MAX_OBJECTS = 100_000  # thirty of each layer that a network may have
_MAX_DEPTH = 32
_CPU_SECONDS = 120  # reading 2 GB takes two
_MEMORY_BYTES = 1 << 30  # for the libraries, whose mappings count though hardly anything of them is used
_SPARE_BYTES = 16 << 20
_DESCRIPTORS = 32
_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h


@dataclass(frozen=True)
class Task:
    """What to read.

    Attributes:
        weights: The file.
        target: Where the arrays go.
        names: The data sets that are wanted, each if there is one, in this order.
    """

    weights: str
    target: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What came of it.

    Attributes:
        found: Names of the data sets that were written, in order.
        problem: What is wrong with the file, if anything is.
    """

    found: tuple[str, ...] = ()
    problem: str | None = None


class _RefusedError(Exception):
    """The file has something that is not accepted."""


def main() -> None:
    """Does the task on standard input."""
    said = json.load(sys.stdin)
    task = Task(weights=said["weights"], target=said["target"], names=tuple(said["names"]))
    _give_up_rights(Path(task.weights).stat().st_size)
    try:
        answer = Answer(found=tuple(read(task)))
    except _RefusedError as error:
        answer = Answer(problem=str(error))
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:  # what h5py raises of a broken file
        answer = Answer(problem=f"can't be read: {str(error)[:300]}")
    json.dump(asdict(answer), sys.stdout)


def read(task: Task) -> Iterator[str]:
    """Writes the arrays, and gives their names; after the whole file has been looked through."""
    with h5py.File(task.weights, "r") as file, Path(task.target).open("wb") as target:
        for _ in _looked_through(file, "", depth=0, left=[_MAX_OBJECTS]):
            pass
        for name in task.names:
            if name in file:
                dataset = file[name]
                if not isinstance(dataset, h5py.Dataset):
                    raise _RefusedError(f"{name} is no data set; accepted: one array for each weight")
                np.save(target, _numbers(dataset, name), allow_pickle=False)
                yield name


def _looked_through(group: h5py.Group, path: str, *, depth: int, left: list[int]) -> Iterator[str]:
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
            yield from _looked_through(found, here, depth=depth + 1, left=left)
        else:
            raise _RefusedError(f"{here[:200]} is a {type(found).__name__}; accepted: groups and arrays")


def _look_at(dataset: h5py.Dataset, path: str) -> None:
    if dataset.external or dataset.is_virtual:
        raise _RefusedError(f"{path[:200]} has its values in another file; accepted: all in this one")
    if dataset.id.get_create_plist().get_nfilters():
        raise _RefusedError(f"{path[:200]} goes through filters; accepted: values as they are, as Keras writes them")


def _numbers(dataset: h5py.Dataset, name: str) -> Any:
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in {2, 4, 8}:
        raise _RefusedError(f"{name} is of type {dataset.dtype}; accepted: float16, float32, float64")
    if dataset.id.get_storage_size() < dataset.nbytes:
        raise _RefusedError(f"{name} is said to have {dataset.nbytes} bytes, and has fewer; accepted: all of them")
    return np.asarray(dataset[()], np.float32)


def _give_up_rights(file_bytes: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # A network of its own, with nothing in it. Where the kernel keeps that to administrators there is none to be had.
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        libc.unshare(_CLONE_NEWNET)
    limits = {
        resource.RLIMIT_AS: _MEMORY_BYTES + 4 * file_bytes,  # an array as it lies there, and as float32
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
    """How to start this process: by this very Python, without what its environment or folder would add."""
    return [sys.executable, "-I", "-c", f"from {__name__} import main; main()"]
