"""The body of a webhook delivery."""

from datetime import datetime

from edgepress_common.answers.job_list import JobState
from edgepress_common.frozen import Message


class JobEnded(Message):
    """Body of the request that is posted to the webhook when a job ends.

    Attributes:
        type: Type of the event.
        job: Id of the job; the report is at ``/v1/jobs/{id}/report``.
        name: Name of the job.
        state: Final state of the job.
        error: Why the job failed; None if it did not.
        finished_at: Time at which the job ended.
    """

    type: str = "job.ended"
    job: str
    name: str
    state: JobState
    error: str | None
    finished_at: datetime | None
