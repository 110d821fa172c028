"""Profiles a model by the runtime's own profiler.

``python -m edgepress_evaluator.measure.runtime_profiler MODEL THREADS RUNS`` prints a JSON list of `OperatorTime`. It
speaks to ``libLiteRt.so``, which the ``ai_edge_litert`` package brings, through the C interface declared in LiteRT's
``litert/c``:

1. A compiled model is made from the file, for the processor, with two options: that it can be profiled, and how many
   threads the XNNPACK delegate may use.
2. A buffer each is made for its input, which is cleared, and for its output.
3. It runs once unprofiled, then ``RUNS`` times profiled.
4. The events that are operators, the runtime's and the delegate's, are summed up by name.

The structures below are those of LiteRT 2.3; another version may have others. Nothing is freed: the process ends. It
imports nothing but the standard library: a board starts it for every evaluation, and reads no more than it must.
"""

import ctypes
import importlib.util
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# Names and values as in litert_common.h, litert_profiler_event.h and litert_layout.h.
_STATUS_OK = 0
_HW_ACCELERATOR_CPU = 1 << 0
_OPERATOR_INVOKE = 1 << 1
_DELEGATE_OPERATOR_INVOKE = 1 << 2
_DELEGATE_PROFILED_OPERATOR_INVOKE = 1 << 3
_OPERATOR_EVENTS = {_OPERATOR_INVOKE, _DELEGATE_OPERATOR_INVOKE, _DELEGATE_PROFILED_OPERATOR_INVOKE}
_MAX_RANK = 8

_Pointer = ctypes.c_void_p
_Size = ctypes.c_size_t
_keep_text = ctypes.CFUNCTYPE(None, _Pointer)(lambda _: None)  # for a deleter: the options' texts are Python's own
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


class _Event(ctypes.Structure):
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
    """The library's functions, of which each fails with an exception rather than a status."""

    def __init__(self) -> None:
        package = importlib.util.find_spec("ai_edge_litert")
        assert package is not None
        assert package.submodule_search_locations is not None
        self._library = ctypes.CDLL(str(Path(package.submodule_search_locations[0]) / "libLiteRt.so"))

    def call(self, function: str, *arguments: Any) -> None:
        status = getattr(self._library, function)(*arguments)
        if status != _STATUS_OK:
            raise RuntimeError(f"{function} answered with status {status}")

    def make(self, function: str, *arguments: Any) -> _Pointer:
        """Calls a function that gives a handle through its last parameter."""
        handle = _Pointer()
        self.call(function, *arguments, ctypes.byref(handle))
        return handle


class _CompiledModel:
    """A model that can be profiled."""

    def __init__(self, runtime: _Runtime, model_path: str, threads: int) -> None:
        self._runtime = runtime
        self._environment = runtime.make("LiteRtCreateEnvironment", 0, None)
        model = runtime.make("LiteRtCreateModelFromFile", self._environment, model_path.encode())
        options = runtime.make("LiteRtCreateOptions")
        runtime.call("LiteRtSetOptionsHardwareAccelerators", options, _HW_ACCELERATOR_CPU)
        # Their text outlives this constructor, as the runtime keeps no copy.
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

    def profile(self, runs: int) -> "ctypes.Array[_Event]":
        profiler = self._runtime.make("LiteRtCompiledModelGetProfiler", self._model)
        self._runtime.call("LiteRtStartProfiler", profiler)
        for _ in range(runs):
            self.run()
        self._runtime.call("LiteRtStopProfiler", profiler)
        count = ctypes.c_int()
        self._runtime.call("LiteRtGetNumProfilerEvents", profiler, ctypes.byref(count))
        events = (_Event * count.value)()
        self._runtime.call("LiteRtGetProfilerEvents", profiler, count, events)
        return events

    def _buffer(self, role: str) -> _Pointer:
        tensor = self._runtime.make(f"LiteRtGetSignature{role}TensorByIndex", self._signature, _FIRST)
        tensor_type = _TensorType()
        self._runtime.call("LiteRtGetRankedTensorType", tensor, ctypes.byref(tensor_type))
        dimensions = tensor_type.layout.dimensions
        dimensions[0] = max(1, dimensions[0])  # -1 where the batch is left open
        requirements = self._runtime.make(
            f"LiteRtGetCompiledModel{role}BufferRequirements", self._model, _FIRST, _FIRST
        )
        return self._runtime.make(
            "LiteRtCreateManagedTensorBufferFromRequirements",
            self._environment,
            ctypes.byref(tensor_type),
            requirements,
        )


def _summed_up(events: Iterable[_Event], runs: int) -> list[dict[str, str | int | float]]:
    elapsed_us: dict[str, list[int]] = defaultdict(list)
    for event in events:
        if event.type in _OPERATOR_EVENTS:
            elapsed_us[event.tag.decode()].append(event.elapsed_us)
    return [
        {"operator": operator, "calls": len(times) // runs, "mean_ms": sum(times) / runs / 1000}
        for operator, times in elapsed_us.items()
    ]


def main(model_path: str, threads: int, runs: int) -> None:
    """Profiles, and prints what was found."""
    model = _CompiledModel(_Runtime(), model_path, threads)
    model.run()
    json.dump(_summed_up(model.profile(runs), runs), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
