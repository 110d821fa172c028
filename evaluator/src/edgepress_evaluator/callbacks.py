"""What a measurement tells, and whom it asks whether to go on.

Apart from `edgepress_evaluator.progress`: the processes that measure memory and operators send no messages, and loading
these takes longer than all else they load.
"""

from collections.abc import Callable

Advance = Callable[[int], None]  # so many more inferences are done
ShouldStop = Callable[[], bool]
