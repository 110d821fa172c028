"""Types of the callbacks of a measurement.

Separate from `edgepress_evaluator.progress`, because the processes that measure memory and operators send no messages,
and importing the message types takes longer than all their other imports.
"""

from collections.abc import Callable

Advance = Callable[[int], None]  # called with the number of further inferences that are done
ShouldStop = Callable[[], bool]
