"""Time limits, which prevent a job from running indefinitely."""

from pydantic import Field

from edgepress_common.frozen import Frozen

_MAX_HOURS = 24 * 366


class Limits(Frozen):
    """Time limits of a job. The server has limits as well; the shorter one applies."""

    step_hours: float | None = Field(
        default=None,
        gt=0,
        le=_MAX_HOURS,
        description="Maximum duration of an attempt at a step, in hours; the step then fails. If jobs share a step, "
        "the longest limit applies.",
    )
    job_hours: float | None = Field(
        default=None,
        gt=0,
        le=_MAX_HOURS,
        description="Maximum duration of the job, in hours, since its acceptance or latest retry. Finished steps are "
        "kept, and a retry continues from there.",
    )
