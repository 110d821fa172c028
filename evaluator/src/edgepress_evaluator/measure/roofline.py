"""The shortest time in which a device can run a file: its arithmetic and its memory traffic at their ceilings.

The roofline of Williams, Waterman and Patterson 2009 (doi:10.1145/1498765.1498785), operator by operator:

1. Arithmetic: multiply-accumulate operations, divided by the ceiling of their type.
2. Memory: the weights are read once in each inference, at the bandwidth of data as large as all weights of the file;
   input and output at that of data of their size.
3. An operator takes at least the longer of the two, and the file the sum of its operators.

Operators without weights (additions, pooling) are left out: many are fused into others.
"""

from collections.abc import Sequence

from edgepress_common.results import Roofline
from edgepress_evaluator.measure.calibration import Ceilings
from edgepress_evaluator.measure.operators import FileOperator

_PER_MS_TO_GIGA = 1e-6  # per millisecond, in 10^9 per second


def roofline(operators: Sequence[FileOperator], ceilings: Ceilings) -> Roofline:
    """Return the shortest time of a file.

    Args:
        operators: Operators of the file.
        ceilings: What the device can do with the number of threads.
    """
    weights = ceilings.bandwidth(sum(each.weight_bytes for each in operators))
    times = []
    for each in operators:
        if each.weights is None:
            continue
        arithmetic = each.macs / ceilings.macs_per_ms["int8" if each.arithmetic == "int8" else "float32"]
        memory = each.weight_bytes / weights + each.activation_bytes / ceilings.bandwidth(each.activation_bytes)
        times.append((arithmetic, memory))
    return Roofline(
        int8_gmacs=ceilings.macs_per_ms["int8"] * _PER_MS_TO_GIGA,
        float32_gmacs=ceilings.macs_per_ms["float32"] * _PER_MS_TO_GIGA,
        gigabytes_per_second=weights * _PER_MS_TO_GIGA,
        arithmetic_ms=sum(arithmetic for arithmetic, _ in times),
        memory_ms=sum(memory for _, memory in times),
        floor_ms=sum(max(each) for each in times),
        memory_bound_ms=sum(memory for arithmetic, memory in times if memory > arithmetic),
    )
