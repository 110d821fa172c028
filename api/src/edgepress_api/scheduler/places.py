"""Where a step can be sent: to the queue that all workers process, or to that of one machine.

The queue of all workers is the usual place. While workers of a machine rest (`edgepress_api.devices.resting`), a step
that they can't get goes to a machine whose workers don't rest and which has an idle worker. No step is sent ahead to
the queue of a machine, because a worker of another machine may be idle first.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from edgepress_api.devices.resting import Rest
from edgepress_common.messages import QUEUES, LiveWorker, Queue, queue_name

_QUEUES = sorted(set(QUEUES.values()))


class Place(NamedTuple):
    """A queue.

    Attributes:
        queue: What kinds of steps it is for.
        machine_id: The machine whose workers process it; None for all workers.
    """

    queue: Queue
    machine_id: str | None


class Places:
    """The queues, and the steps that workers have from each.

    Args:
        rest: Which workers rest.
        workers: The live workers.
        ahead: Maximum number of steps in the queue of all workers that no worker has begun.
    """

    def __init__(self, rest: Rest, workers: Sequence[LiveWorker], *, ahead: int) -> None:
        self._rest = rest
        self._workers = workers
        self._ahead = ahead
        # Of the queue of all workers, the steps in it; of a machine, those in its queue and those that it runs.
        self._steps: Counter[Place] = Counter()

    def note(self, place: Place, *, has_begun: bool) -> None:
        """Count a step that is in a queue or that a worker has begun.

        Args:
            place: The queue that it was sent to, or the machine that runs it; None if that machine is unknown.
            has_begun: Whether a worker has begun it.
        """
        self._steps[place] += place.machine_id is not None or not has_begun

    def choose(self, queue: Queue, job_number: int, *, is_for_all: bool = False) -> Place | None:
        """Return where a step of a job can be sent now; None if it has to wait.

        Args:
            queue: The kind of queue.
            job_number: Number of the job.
            is_for_all: Whether the step was sent before, and workers of any machine may have it. No device that shares
                its processors then gets an evaluation, so the step only waits for those that measure.
        """
        shared = Place(queue, None)
        if is_for_all and not self._rest.is_measuring:
            return shared
        if self._rest.allows(job_number, None):
            return shared if self._steps[shared] < self._ahead else None
        machines = sorted({worker.machine_id for worker in self._workers})
        idle = {each: self._idle(queue, each) for each in machines if self._rest.allows(job_number, each)}
        most = max(idle, key=idle.__getitem__, default=None)
        return None if most is None or idle[most] <= 0 else Place(queue, most)

    def _idle(self, queue: Queue, machine_id: str) -> int:
        """Return how many more steps the workers of a machine can begin now, from this queue."""
        here = [worker for worker in self._workers if worker.machine_id == machine_id]
        processing = sum(queue_name(queue, machine_id) in worker.queues for worker in here)
        busy = sum(self._steps[Place(each, machine_id)] for each in _QUEUES)
        return min(processing - self._steps[Place(queue, machine_id)], len(here) - busy)
