"""The number of threads that TensorFlow computes an operation with.

It is part of the computation: a sum over a batch is split among the threads, so other numbers of threads add in another
order and give other last bits. TensorFlow takes one thread for each processor unless it is told otherwise.
"""

import os
from collections.abc import Mapping

_VARIABLE = "TF_NUM_INTRAOP_THREADS"  # TensorFlow reads it once, when it is loaded


def thread_setting(threads: int | None) -> dict[str, str]:
    """Return what the environment must have for TensorFlow to use so many threads; nothing for None."""
    return {} if threads is None else {_VARIABLE: str(threads)}


def threads_in_use(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many threads TensorFlow uses for one operation in this process."""
    told = environment.get(_VARIABLE, "")
    return int(told) if told.isdecimal() and int(told) > 0 else len(os.sched_getaffinity(0))
