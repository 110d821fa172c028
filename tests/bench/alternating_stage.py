"""Stages that run for a while when they are told, and rest in between: so that two of them can be timed in turn.

A stage asks its context after every training step whether it is to go on. This context lets it wait there, in a thread
of its own, until it has another turn. What is timed is thus the whole of what a training step costs: reading and
preparing images, the method's own callbacks, reporting.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

from edgepress_common.errors import StepCancelledError
from edgepress_worker.methods import Material
from edgepress_worker.methods.registry import RUNNERS
from fakes.step_context import PlainContext

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from edgepress_common.messages import Progress
    from edgepress_common.steps import StageStep


class AlternatingStage:
    """A stage that has begun its training, and waits; as a context manager, it is cancelled at the end.

    Args:
        step: The stage; its first epoch must be longer than all turns together.
        material: What it works on.
        folder: Its scratch.
    """

    def __init__(self, step: StageStep, material: Material, folder: Path) -> None:
        self._context = _Turns(folder)
        self._thread = threading.Thread(target=self._run, args=(step, material), daemon=True)
        self._thread.start()
        while not self._context.trains:  # loading, and asking a teacher
            self.turn(1)

    def turn(self, steps: int) -> float:
        """Run a number of training steps, and return the seconds of one."""
        start = time.perf_counter()
        self._context.given.put(steps)
        problem = self._context.over.get()
        if problem is not None:
            raise problem
        return (time.perf_counter() - start) / steps

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancels the stage and waits until it has ended."""
        self._context.cancelled = True
        self._context.given.put(1)
        self._thread.join()

    def _run(self, step: StageStep, material: Material) -> None:
        self._context.wait()
        try:
            RUNNERS[step.stage.kind](step, material, self._context)
            self._context.over.put(RuntimeError("the stage has ended where it should have gone on; give it more steps"))
        except StepCancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits for it
            self._context.over.put(error)


class _Turns(PlainContext):
    """Attributes: ``given`` steps, put by who times; ``over``, put when they are done, with what went wrong if so."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.given: queue.Queue[int] = queue.Queue()
        self.over: queue.Queue[BaseException | None] = queue.Queue()
        self.trains = False
        self._left = 0

    def wait(self) -> None:
        """Wait for the next turn."""
        self._left = self.given.get()

    def report(self, progress: Progress) -> None:
        """See `StepContext.report`."""
        self.trains = self.trains or progress.epochs is not None

    def raise_if_cancelled(self) -> None:
        """See `StepContext.raise_if_cancelled`."""
        self._left -= 1
        if self._left == 0:
            self.over.put(None)
            self.wait()
        super().raise_if_cancelled()
