"""``/v1/jobs/{id}/models/{sha256}/sensitivity``: what int8 costs in each layer of a file."""

from fastapi import APIRouter

from edgepress_api.report.sensitivity import find_sensitivity
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import Reader, VisibleJob
from edgepress_api.web.parameters import Sha256InPath
from edgepress_api.web.responses import problems
from edgepress_common.results import Sensitivity

router = APIRouter(tags=["jobs"])


@router.get(
    "/v1/jobs/{job_id}/models/{sha256}/sensitivity",
    response_description="The layer that disturbs the network most first.",
    responses=problems("not-found"),
)
def show_sensitivity(given: Given, _: Reader, job_id: VisibleJob, sha256: Sha256InPath) -> Sensitivity:
    """Show what int8 costs in each layer of a file, if its export measured this (`sensitivity: true`)."""
    with given.database.read() as session:
        return find_sensitivity(session, job_id, sha256)
