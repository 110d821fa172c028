"""A small file that never changes, timed around every measurement: what differs is the device, not the file.

A processor that is throttled, busy with other programs or at a lower frequency runs it more slowly, too. It multiplies
in int8 on one thread, and stays in the caches of one core.
"""

from time import perf_counter_ns

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgepress_evaluator.measure.made_models import dense_layers

_ROWS, _CHANNELS, _LAYERS = 64, 128, 4  # 4 million multiplications: 0.3 ms on a Cortex-A72
_SECONDS = 0.2
_LEAST_RUNS = 5
_NS_PER_MS = 1e6


class Reference:
    """The file, loaded; its times add up until `median_ms` is read."""

    def __init__(self) -> None:
        content = dense_layers("int8", rows=_ROWS, inputs=_CHANNELS, outputs=_CHANNELS, layers=_LAYERS)
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        self._interpreter.invoke()
        self._times: list[int] = []

    def run(self) -> None:
        """Time the file for 0.2 seconds."""
        times: list[int] = []
        while len(times) < _LEAST_RUNS or sum(times) < _SECONDS * 1e9:
            started = perf_counter_ns()
            self._interpreter.invoke()
            times.append(perf_counter_ns() - started)
        self._times += times

    @property
    def median_ms(self) -> float:
        """Median of all times so far, in milliseconds."""
        return float(np.median(self._times)) / _NS_PER_MS
