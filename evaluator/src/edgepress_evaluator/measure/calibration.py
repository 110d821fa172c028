"""Measures what the processor can do with LiteRT: the ceilings of a file's speed.

``python -m edgepress_evaluator.measure.calibration THREADS`` prints a `Ceilings` as JSON. It is a process of its own,
so that its memory is free again before a file is measured.

1. Arithmetic, for int8 and float32: dense layers with many rows, whose weights and activations stay in the caches of
   one core.
2. Memory: a float32 dense layer with one row reads each weight once. Files of 1, 4 and 32 MB: the smaller ones stay in
   the caches of some processors.

Each file runs for a quarter of a second, and the shortest inference counts: other programs only ever add time (Chen and
Revels 2016, arXiv:1608.04295). The kernels are those that run the files of users, so that no table of processors is
needed. It takes about 2 seconds on a PC, and is repeated after each start of the machine only: see `KeptCeilings`.
"""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

from ai_edge_litert.interpreter import Interpreter
from pydantic import TypeAdapter, ValidationError

from edgepress_common.errors import StepCancelledError, StepFailedError
from edgepress_common.machine import boot_id
from edgepress_evaluator.callbacks import ShouldStop
from edgepress_evaluator.measure.child import run_module
from edgepress_evaluator.measure.interpreter import RUNTIME
from edgepress_evaluator.measure.made_models import Kind, dense_layers

FILE_NAME = "ceilings.json"

_SECONDS = 0.25
_LEAST_RUNS = 3
_NS_PER_MS = 1e6
# Weights and activations of a layer take 192 kB in int8, and 320 kB in float32: less than the second-level cache of a
# Cortex-A53. A layer takes long enough for threads to be worth starting.
_ROWS = 256
_CHANNELS: dict[Kind, int] = {"int8": 256, "float32": 128}
_LAYERS = 8  # so that an inference takes much longer than starting it
_SETS_BYTES = (1 << 20, 1 << 22, 1 << 25)
_READ_CHANNELS = 1024
_FLOAT_BYTES = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ceilings:
    """Ceilings of the processor with one number of threads.

    Attributes:
        macs_per_ms: Multiply-accumulate operations of a millisecond, by type.
        bytes_per_ms: Bytes of weights that are read in a millisecond, by the size of all of them.
    """

    macs_per_ms: dict[Kind, float]
    bytes_per_ms: dict[int, float]

    def bandwidth(self, set_bytes: int) -> float:
        """Return the bytes of a millisecond for data of a size: that of the largest measured size up to it."""
        fitting = [size for size in self.bytes_per_ms if size <= set_bytes]
        return self.bytes_per_ms[max(fitting) if fitting else min(self.bytes_per_ms)]


class KeptCeilings:
    """The ceilings of this machine, measured once per start of the machine and number of threads.

    They are measured before the first file with that number of threads, when the evaluator has the machine to itself,
    and not at the start of the evaluator, when other programs start as well.

    Args:
        folder: Folder for the results; None to keep them in memory only.
        python: Command that starts Python.
    """

    def __init__(self, folder: Path | None, python: Sequence[str] = (sys.executable,)) -> None:
        self._path = None if folder is None else folder / FILE_NAME
        self._python = python
        self._start = f"{boot_id()}, {RUNTIME}"
        self._found = self._read()

    def of(self, threads: int, should_stop: ShouldStop) -> Ceilings | None:
        """Return the ceilings with a number of threads; None if they can't be measured.

        Raises:
            StepCancelledError: The measurement was stopped.
        """
        if threads not in self._found:
            try:
                output = run_module(self._python, __name__, [str(threads)], should_stop)
                self._found[threads] = TypeAdapter(Ceilings).validate_json(output)
            except StepCancelledError:
                raise
            except (StepFailedError, ValidationError) as error:
                _log.warning("the ceilings of this device can't be measured: %s", error)
                return None
            self._write()
        return self._found[threads]

    def _read(self) -> dict[int, Ceilings]:
        try:
            kept = json.loads(self._path.read_text()) if self._path is not None else {}
            return TypeAdapter(dict[int, Ceilings]).validate_python(kept.get(self._start, {}))
        except (OSError, ValueError, AttributeError):
            return {}

    def _write(self) -> None:
        if self._path is None:
            return
        content = TypeAdapter(dict[int, Ceilings]).dump_python(self._found, mode="json")
        try:
            self._path.write_text(json.dumps({self._start: content}))
        except OSError as error:
            _log.warning("%s: %s; the ceilings are measured again after a restart", self._path, error)


def _shortest_ms(content: bytes, threads: int) -> float:
    interpreter = Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    interpreter.invoke()
    times: list[int] = []
    while len(times) < _LEAST_RUNS or sum(times) < _SECONDS * 1e9:
        started = perf_counter_ns()
        interpreter.invoke()
        times.append(perf_counter_ns() - started)
    return min(times) / _NS_PER_MS


def _macs_per_ms(kind: Kind, threads: int) -> float:
    channels = _CHANNELS[kind]
    content = dense_layers(kind, rows=_ROWS, inputs=channels, outputs=channels, layers=_LAYERS)
    return _LAYERS * _ROWS * channels**2 / _shortest_ms(content, threads)


def _bytes_per_ms(set_bytes: int, threads: int) -> float:
    outputs = set_bytes // (_FLOAT_BYTES * _READ_CHANNELS)
    content = dense_layers("float32", rows=1, inputs=_READ_CHANNELS, outputs=outputs)
    return set_bytes / _shortest_ms(content, threads)


def measure(threads: int) -> Ceilings:
    """Measure the ceilings with a number of threads."""
    kinds: tuple[Kind, ...] = ("int8", "float32")
    return Ceilings(
        macs_per_ms={kind: _macs_per_ms(kind, threads) for kind in kinds},
        bytes_per_ms={size: _bytes_per_ms(size, threads) for size in _SETS_BYTES},
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(TypeAdapter(Ceilings).dump_json(measure(int(sys.argv[1]))))
