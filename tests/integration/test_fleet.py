"""A fleet of 30 boards and 5 workers: a real gateway, scheduler, Redis and database; only the results are made up."""

from collections import Counter
from collections.abc import Iterator

import pytest

from fakes.fleet import Fleet, running_fleet

BOARDS, WORKERS, GROUPS = 30, 5, 3
MANY = 20  # pipelines of one user's job


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The boards are in three groups of ten, which labels name."""
    with running_fleet(
        tmp_path_factory.mktemp("fleet"),
        boards=BOARDS,
        workers=WORKERS,
        labels=lambda name: (f"group{int(name.removeprefix('board')) % GROUPS}",),
        wait_seconds=5,
        measure_seconds=(0.05, 0.1),
        step_seconds=(0.05, 0.1),
    ) as fleet:
        yield fleet


@pytest.mark.slow
def test_no_user_and_no_board_starves(fleet: Fleet) -> None:
    """A user with one pipeline does not wait for a user with 20, and each board does its part."""
    with fleet.held():
        fleet.submit("many", MANY, "any")
        fleet.wait("workers have begun", lambda: fleet.running("stage") == WORKERS)
        for group in range(GROUPS):
            fleet.submit(f"one{group}", 1, f"group{group}")
    fleet.wait_for_jobs()

    steps = fleet.steps()
    of_workers = [each for each in steps if each.kind in {"stage", "export"}]
    last_of_others = max(place for place, each in enumerate(of_workers) if each.owner != "many")
    begun_of_many = sum(each.owner == "many" for each in of_workers[:last_of_others])
    assert begun_of_many < MANY  # half of its trainings and exports

    evaluations = [each for each in steps if each.kind == "evaluation"]
    assert Counter(each.device for each in evaluations) == dict.fromkeys(fleet.boards, 1) | {"any": MANY}
    # The boards that have waited longest are asked first, so not a few boards do all.
    assert max(Counter(each.done_by for each in evaluations if each.device == "any").values()) <= MANY / 2


@pytest.mark.slow
def test_boards_come_back_one_by_one_after_an_outage(fleet: Fleet) -> None:
    """Each board comes back, at a moment of its own, and gets work again."""
    fleet.wait_for_jobs()
    fleet.stop_gateway()
    began = max(each.at for each in fleet.requests())
    fleet.wait("each board has asked four times in vain", lambda: min(_refused(fleet, began).values(), default=0) >= 4)
    fleet.start_gateway()
    fleet.wait("all boards are back", lambda: len(_first_answers(fleet, began)) == BOARDS)

    returned = Counter(int(at) for at in _first_answers(fleet, began).values())
    assert max(returned.values()) < 2 / 3 * BOARDS, "they come back together"

    fleet.submit("after", 1, "group0")
    fleet.wait_for_jobs()
    assert sum(each.owner == "after" and each.kind == "evaluation" for each in fleet.steps()) == BOARDS / GROUPS


def _refused(fleet: Fleet, since: float) -> Counter[str]:
    refused = Counter(each.device for each in fleet.requests(since) if each.status == 0)
    return Counter({name: refused[name] for name in fleet.boards})


def _first_answers(fleet: Fleet, since: float) -> dict[str, float]:
    """Return when each board's first request that was answered after the outage began."""
    refused_at = {each.device: each.at for each in fleet.requests(since) if each.status == 0}
    answered = [each for each in fleet.requests(since) if each.status and each.at > refused_at[each.device]]
    return {each.device: each.at for each in reversed(answered)}
