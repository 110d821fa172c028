"""How long a job may take: what is left to itself would go on computing for nobody."""

from pydantic import Field

from edgepress_common.frozen import Frozen

_MAX_HOURS = 24 * 366


class Limits(Frozen):
    """Time limits. The server has its own; the shorter one holds."""

    step_hours: float | None = Field(
        default=None,
        gt=0,
        le=_MAX_HOURS,
        description="An attempt at a step that takes longer is ended, and the step has failed. Of jobs that share a "
        "step, the longest limit holds.",
    )
    job_hours: float | None = Field(
        default=None,
        gt=0,
        le=_MAX_HOURS,
        description="A job that takes longer, from its acceptance or its last retry on, is ended; what it has done "
        "stays, and a retry goes on from there.",
    )
