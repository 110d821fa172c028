"""Fair scheduling: users take turns, and each user's steps keep their order.

A user who has posted a hundred jobs gets as many workers as a user who has posted one, while both have steps to run; a
single user gets all. A turn goes to the user with the fewest steps at workers. Among equals, such as with only one
worker, it goes to the user whose last step began longest ago, and then to the oldest job.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from edgepress_api.database import StepRow

_NEVER = datetime.min.replace(tzinfo=UTC)


class Wanted(NamedTuple):
    """A step that a user's job needs.

    Attributes:
        step: The step.
        job_number: Number of the user's oldest job that needs it.
        owner: The user.
    """

    step: StepRow
    job_number: int
    owner: str


def fair_order(
    wanted: Sequence[Wanted], active: Mapping[str, int], last_begun: Mapping[str, datetime]
) -> Iterator[Wanted]:
    """Yield each step once, in the order of its owners' turns.

    Args:
        wanted: Steps in the order in which each user needs them; a step that several users need is listed for each.
        active: Number of steps of each user that are sent or running.
        last_begun: Time at which the latest step of each user was begun.
    """
    turns = defaultdict(int, active)
    lines: dict[str, deque[Wanted]] = defaultdict(deque)
    for each in wanted:
        lines[each.owner].append(each)
    given: set[str] = set()
    while lines:
        owner = min(lines, key=lambda name: (turns[name], last_begun.get(name, _NEVER), lines[name][0].job_number))
        each = lines[owner].popleft()
        if not lines[owner]:
            del lines[owner]
        if each.step.key not in given:
            given.add(each.step.key)
            turns[owner] += 1
            yield each
