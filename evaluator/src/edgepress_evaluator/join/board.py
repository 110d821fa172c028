"""Checks of the board: whether LiteRT has a build for its system, and whether that build runs.

This module is imported where LiteRT and numpy can't be: it needs only the standard library.
"""

import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from edgepress_evaluator.join.finding import Finding

# Of LiteRT's wheels: manylinux_2_27 and later, for these processors and versions of Python.
_MACHINES = ("aarch64", "x86_64")
_OLDEST_GLIBC = (2, 27)
_PYTHONS = ((3, 11), (3, 12), (3, 13))

_WORD_BITS = 64
_IMPORT = "from ai_edge_litert import interpreter; import importlib.metadata as m; print(m.version('ai-edge-litert'))"
_IMPORT_SECONDS = 120  # the first import from a memory card

# The float32 file of ResNet18 is 45 MB, its coded file 41 MB, and 1,600 images of 64x64 pixels are 20 MB.
_FEWEST_FREE_BYTES = 150_000_000
# 7,000 images of 224x224 pixels, the largest validation set of docs/results.md, are 1.05 GB.
_ADVISED_FREE_BYTES = 1_500_000_000
_GIGABYTE = 1e9

_64_BIT_SYSTEM = (
    "LiteRT has no build for 32-bit systems. Install the 64-bit system, such as Raspberry Pi OS (64-bit), which runs "
    "on a Raspberry Pi 3, 4, 5 and Zero 2 W"
)


@dataclass(frozen=True)
class Board:
    """The system that this program runs on.

    Attributes:
        system: Name of the kernel, such as ``Linux``.
        machine: Architecture of the kernel, such as ``aarch64``.
        word_bits: Bits of an address in this program: 32 or 64.
        libc: Name and version of the C library, such as ``("glibc", "2.36")``; empty texts if it is another one.
        python: Version of Python, such as ``(3, 13)``.
    """

    system: str
    machine: str
    word_bits: int
    libc: tuple[str, str]
    python: tuple[int, int]

    @classmethod
    def here(cls) -> Self:
        """Return the system that this program runs on."""
        return cls(
            system=platform.system(),
            machine=platform.machine(),
            word_bits=struct.calcsize("P") * 8,
            libc=platform.libc_ver(),
            python=sys.version_info[:2],
        )


def check_board(board: Board, python_command: Sequence[str]) -> Iterator[Finding]:
    """Yield what is wrong with the system; if nothing is, whether LiteRT can be loaded.

    Args:
        board: The system.
        python_command: Command that starts Python.
    """
    problems = [Finding("problem", text) for text in _problems(board)]
    if problems:
        yield from problems
        return
    python, libc = ".".join(map(str, board.python)), " ".join(board.libc)
    yield Finding("ok", f"64-bit {board.system} on {board.machine}, {libc}, Python {python}")
    yield _check_runtime(python_command)


def _problems(board: Board) -> Iterator[str]:
    """Yield each reason for which LiteRT has no build for the system."""
    if board.system != "Linux":
        yield f"this system is {board.system}; an evaluator runs on Linux"
        return
    if board.machine not in _MACHINES:
        if board.word_bits < _WORD_BITS:
            yield f"this is a 32-bit system ({board.machine}). {_64_BIT_SYSTEM}."
        else:
            yield f"this processor is {board.machine}; LiteRT has builds for {' and '.join(_MACHINES)} only."
        return
    if board.word_bits < _WORD_BITS:
        yield f"the kernel is 64-bit ({board.machine}), but the programs of this system are 32-bit. {_64_BIT_SYSTEM}."
        return
    name, version = board.libc
    if name != "glibc":
        yield "the C library of this system is not glibc (Alpine Linux has musl). Use one with glibc, such as Debian."
    elif _numbers(version) < _OLDEST_GLIBC:
        oldest = ".".join(map(str, _OLDEST_GLIBC))
        yield f"glibc {version} is too old; LiteRT needs {oldest} or later. Upgrade the system, such as to Debian 12."
    if board.python not in _PYTHONS:
        accepted = ", ".join(".".join(map(str, each)) for each in _PYTHONS)
        yield (
            f"this is Python {'.'.join(map(str, board.python))}; an evaluator runs on {accepted}. Debian 12 and 13 and "
            "Raspberry Pi OS since 2023 have such a Python; with pipx, choose one by --python."
        )


def _check_runtime(python_command: Sequence[str]) -> Finding:
    """Load LiteRT in a process of its own: on an unsuitable processor, it ends the process."""
    command = [*python_command, "-c", _IMPORT]
    try:
        ran = subprocess.run(  # noqa: S603 - this Python
            command, capture_output=True, text=True, timeout=_IMPORT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(
            "problem", f"LiteRT was not loaded within {_IMPORT_SECONDS} s. Try again when the board is idle."
        )
    except OSError as error:
        return Finding("problem", f"{command[0]} can't be started: {error.strerror}. Set EDGEPRESS_PYTHON_COMMAND.")
    if ran.returncode == 0:
        return Finding("ok", f"LiteRT {ran.stdout.strip()} can be loaded")
    if ran.returncode == -signal.SIGILL:
        return Finding(
            "problem",
            "LiteRT ends with an illegal instruction: this processor, or its emulator, lacks instructions that LiteRT "
            "was built with. Use another board.",
        )
    if ran.returncode < 0:
        return Finding("problem", f"LiteRT ends with signal {-ran.returncode} when it is loaded. Install it again.")
    said = (ran.stderr.strip().splitlines() or ["no reason given"])[-1]
    return Finding("problem", f"LiteRT can't be loaded: {said}. Install it again: pipx reinstall edgepress-evaluator")


def check_folder(folder: Path) -> Finding:
    """Return whether a folder can be written, and whether its disk has space for an evaluation."""
    probe = folder / ".probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(bytes(1))
    except OSError as error:
        return Finding(
            "problem",
            f"{folder} can't be written: {error.strerror}. Choose a folder that can, with --cache; on a system whose "
            "disk is read-only, one in memory, such as /dev/shm/edgepress.",
        )
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    free = shutil.disk_usage(folder).free
    said = f"{free / _GIGABYTE:.1f} GB free in {folder}"
    if free < _FEWEST_FREE_BYTES:
        return Finding(
            "problem",
            f"{said}; an evaluation needs {_FEWEST_FREE_BYTES / _GIGABYTE:.2f} GB or more. Delete files, or choose a "
            "folder on another disk with --cache.",
        )
    if free < _ADVISED_FREE_BYTES:
        return Finding("warning", f"{said}; data sets with many large images need up to 1 GB.")
    return Finding("ok", said)


def state_folder(*, of_system: bool) -> Path:
    """Return the folder in which artifacts and the identity of the device are kept by default."""
    if of_system:
        return Path("/var/lib/edgepress-evaluator")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state", "edgepress", "evaluator")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
