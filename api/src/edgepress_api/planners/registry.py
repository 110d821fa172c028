"""The planners that this server has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from edgepress_api.planners.fixed_list import FixedList
from edgepress_api.planners.planner import Planner, PlannerError
from edgepress_api.planners.search.planner import SearchPlanner
from edgepress_common.spec import JobSpec

BUILT_IN: tuple[Planner, ...] = (SearchPlanner(), FixedList())


@dataclass(frozen=True)
class Planners:
    """The planners, in the order in which they are asked whether they serve a spec."""

    planners: tuple[Planner, ...] = BUILT_IN

    @classmethod
    def with_others(cls, others: Sequence[type[Planner]]) -> Self:
        """Return the built-in planners with others before them; see `ApiSettings.planners`."""
        return cls((*(other() for other in others), *BUILT_IN))

    def for_spec(self, spec: JobSpec) -> Planner:
        """Return the planner of jobs with this spec."""
        return next(planner for planner in self.planners if planner.serves(spec))

    def named(self, name: str) -> Planner:
        """Return the planner that a job was submitted with.

        Raises:
            PlannerError: This server has no planner of this name.
        """
        for planner in self.planners:
            if planner.name == name:
                return planner
        raise PlannerError(
            f"no planner {name!r}; this server has {', '.join(sorted(planner.name for planner in self.planners))}: "
            "is EDGEPRESS_PLANNERS set as when the job was submitted?"
        )
