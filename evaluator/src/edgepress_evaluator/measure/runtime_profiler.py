"""Profiles a model with the profiler of the runtime.

``python -m edgepress_evaluator.measure.runtime_profiler MODEL THREADS RUNS`` prints a JSON list of `OperatorTime`. It
calls ``libLiteRt.so`` of the ``ai_edge_litert`` package, through the C interface declared in LiteRT's ``litert/c``:

1. Create a compiled model from the file, for the CPU, with two options: profiling, and the number of threads of the
   XNNPACK delegate.
2. Create a buffer for its input, which is cleared, and a buffer for its output.
3. Run twice without the profiler, and then ``RUNS`` times with it, or as often as fits into a second, but at least ten
   times.
4. Keep the half of the inferences that took the least time: other programs disturbed the others.
5. Sum up the operator events of the runtime and the delegate by name.

The structures below are those of LiteRT 2.3; they may differ in other versions. Nothing is freed, because the process
ends. The module imports only the standard library: a board starts it for every evaluation, so it must start quickly.
"""

import ctypes
import importlib.util
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

# Names and values from litert_common.h, litert_profiler_event.h and litert_layout.h.
_STATUS_OK = 0
_HW_ACCELERATOR_CPU = 1 << 0
_OPERATOR_INVOKE = 1 << 1
_DELEGATE_OPERATOR_INVOKE = 1 << 2
_DELEGATE_PROFILED_OPERATOR_INVOKE = 1 << 3
_OPERATOR_EVENTS = {_OPERATOR_INVOKE, _DELEGATE_OPERATOR_INVOKE, _DELEGATE_PROFILED_OPERATOR_INVOKE}
_MAX_RANK = 8

_LEAST_RUNS = 10
_SECONDS = 1.0

_Pointer = ctypes.c_void_p
_Size = ctypes.c_size_t
_keep_text = ctypes.CFUNCTYPE(None, _Pointer)(lambda _: None)  # deleter without effect: Python owns the option texts
_FIRST = _Size(0)  # the only signature, input and output


class _Layout(ctypes.Structure):
    _fields_ = (
        ("rank_and_flags", ctypes.c_uint),
        ("dimensions", ctypes.c_int32 * _MAX_RANK),
        ("strides", ctypes.c_uint32 * _MAX_RANK),
    )


class _TensorType(ctypes.Structure):
    _fields_ = (("element_type", ctypes.c_int), ("layout", _Layout))


class _MemoryUsage(ctypes.Structure):
    _fields_ = (("allocated", _Size), ("in_use", _Size), ("private", _Size))


class _ProfilerEvent(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory_at_begin", _MemoryUsage),
        ("memory_at_end", _MemoryUsage),
        ("metadata", ctypes.c_uint64 * 2),
        ("source", ctypes.c_int),
    )


class _Runtime:
    """The functions of the library; they raise an exception instead of returning an error status."""

    def __init__(self) -> None:
        package = importlib.util.find_spec("ai_edge_litert")
        assert package is not None
        assert package.submodule_search_locations is not None
        self._library = ctypes.CDLL(str(Path(package.submodule_search_locations[0]) / "libLiteRt.so"))

    def call(self, function: str, *arguments: Any) -> None:
        status = getattr(self._library, function)(*arguments)
        if status != _STATUS_OK:
            raise RuntimeError(f"{function} returned the status {status}")

    def make(self, function: str, *arguments: Any) -> _Pointer:
        """Call a function that returns a handle through its last parameter."""
        handle = _Pointer()
        self.call(function, *arguments, ctypes.byref(handle))
        return handle


class _CompiledModel:
    """A model with profiling enabled."""

    def __init__(self, runtime: _Runtime, model_path: str, threads: int) -> None:
        self._runtime = runtime
        self._environment = runtime.make("LiteRtCreateEnvironment", 0, None)
        model = runtime.make("LiteRtCreateModelFromFile", self._environment, model_path.encode())
        options = runtime.make("LiteRtCreateOptions")
        runtime.call("LiteRtSetOptionsHardwareAccelerators", options, _HW_ACCELERATOR_CPU)
        # The texts must outlive this constructor, because the runtime does not copy them.
        self._texts = [b"enable_profiling = true\n", b"num_threads = %d\n" % threads]
        for identifier, text in zip([b"runtime_options_string", b"xnnpack"], self._texts, strict=True):
            opaque = runtime.make("LiteRtCreateOpaqueOptions", identifier, text, _keep_text)
            runtime.call("LiteRtAddOpaqueOptions", options, opaque)
        self._model = runtime.make("LiteRtCreateCompiledModel", self._environment, model, options)
        self._signature = runtime.make("LiteRtGetModelSignature", model, _FIRST)
        input_buffer, output_buffer = self._buffer("Input"), self._buffer("Output")
        runtime.call("LiteRtClearTensorBuffer", input_buffer)
        self._inputs, self._outputs = (_Pointer * 1)(input_buffer.value), (_Pointer * 1)(output_buffer.value)

    def run(self) -> None:
        one = _Size(1)
        self._runtime.call("LiteRtRunCompiledModel", self._model, _FIRST, one, self._inputs, one, self._outputs)

    def profile(self, runs: int) -> "ctypes.Array[_ProfilerEvent]":
        profiler = self._runtime.make("LiteRtCompiledModelGetProfiler", self._model)
        self._runtime.call("LiteRtStartProfiler", profiler)
        for _ in range(runs):
            self.run()
        self._runtime.call("LiteRtStopProfiler", profiler)
        count = ctypes.c_int()
        self._runtime.call("LiteRtGetNumProfilerEvents", profiler, ctypes.byref(count))
        events = (_ProfilerEvent * count.value)()
        self._runtime.call("LiteRtGetProfilerEvents", profiler, count, events)
        return events

    def _buffer(self, role: str) -> _Pointer:
        tensor = self._runtime.make(f"LiteRtGetSignature{role}TensorByIndex", self._signature, _FIRST)
        tensor_type = _TensorType()
        self._runtime.call("LiteRtGetRankedTensorType", tensor, ctypes.byref(tensor_type))
        dimensions = tensor_type.layout.dimensions
        dimensions[0] = max(1, dimensions[0])  # -1 if the batch size is variable
        requirements = self._runtime.make(
            f"LiteRtGetCompiledModel{role}BufferRequirements", self._model, _FIRST, _FIRST
        )
        return self._runtime.make(
            "LiteRtCreateManagedTensorBufferFromRequirements",
            self._environment,
            ctypes.byref(tensor_type),
            requirements,
        )


def _summed_up(events: Iterable[_ProfilerEvent], runs: int) -> list[dict[str, str | int | float]]:
    """Return the mean time of each kind of operator over the undisturbed half of the inferences."""
    timed = [event for event in events if event.type in _OPERATOR_EVENTS]
    count = len(timed) // runs  # each inference runs the same operators in the same order
    inferences = [timed[at : at + count] for at in range(0, count * runs, count)] if count else []
    inferences.sort(key=lambda each: sum(event.elapsed_us for event in each))
    kept = inferences[: max(1, runs // 2)]
    elapsed_us: dict[str, list[int]] = defaultdict(list)
    for inference in kept:
        for event in inference:
            elapsed_us[event.tag.decode()].append(event.elapsed_us)
    return [
        {"operator": operator, "calls": len(times) // len(kept), "mean_ms": sum(times) / len(kept) / 1000}
        for operator, times in elapsed_us.items()
    ]


def main(model_path: str, threads: int, runs: int) -> None:
    """Profile the model and print the result."""
    model = _CompiledModel(_Runtime(), model_path, threads)
    model.run()
    started = perf_counter()
    model.run()
    fitting = int(_SECONDS / max(perf_counter() - started, 1e-6))
    runs = min(runs, max(_LEAST_RUNS, fitting))
    json.dump(_summed_up(model.profile(runs), runs), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
