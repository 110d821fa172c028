"""The refusal to run steps of an imported job: this server has neither its images nor its Keras models."""

from edgepress_api.database import JobRow
from edgepress_common.errors import ConflictError


def check_not_imported(job: JobRow) -> None:
    """Check that this server can run steps of a job.

    Raises:
        ConflictError: Another server has run it.
    """
    if job.imported is not None:
        raise ConflictError(
            f"{job.id} was imported from {job.imported.server}, and its steps can't run here; accepted: a job of this "
            "server, so post its spec as a new job"
        )
