"""Whose turn it is: users in turns, each user's steps in their order.

A user who has posted a hundred jobs gets as many workers as one who has posted one, while both have something to do;
who is alone gets all. A turn goes to whoever has the fewest steps with workers; among equals, as where there is only
one worker, to whoever's last step began longest ago; and then to the oldest job.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from edgepress_api.database import StepRow

_NEVER = datetime.min.replace(tzinfo=UTC)


class Wanted(NamedTuple):
    """That a user's job wants a step.

    Attributes:
        step: Which.
        job_number: The oldest of the user's jobs that want it.
        owner: The user.
    """

    step: StepRow
    job_number: int
    owner: str


def in_turns(
    wanted: Sequence[Wanted], under_way: Mapping[str, int], last_begun: Mapping[str, datetime]
) -> Iterator[Wanted]:
    """Each step once, as it comes to be its owners' turn.

    Args:
        wanted: In the order in which each user wants theirs; a step that several want is there for each.
        under_way: How many steps of each user are sent or running.
        last_begun: When the latest of each user's steps was begun on.
    """
    turns = defaultdict(int, under_way)
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
