"""``/v1/devices``: who they are, and the protocol by which they get work, see `edgepress_common.devices`."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from edgepress_api.devices.leasing import lease_next
from edgepress_api.devices.listing import DeviceList, list_devices
from edgepress_api.devices.reporting import LeaseName, report_failure, report_progress, report_result
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import OwnDevice, Reader
from edgepress_api.web.bodies import check_json_body
from edgepress_api.web.parameters import AttemptInPath, LeaseQuery, StepKeyInPath
from edgepress_api.web.responses import json_response, problems
from edgepress_common.devices import Announcement, EvaluationLease
from edgepress_common.messages import Progress, StepFailure
from edgepress_common.results import EvaluationResult

_LOOK_SECONDS = 0.25

router = APIRouter(tags=["devices"])

_CHECKED = [Depends(check_json_body)]
_LEASE_PATH = "/v1/devices/{name}/leases/{step_key}/{attempt}"
_REPORT_PROBLEMS = problems("malformed-body", "not-found", "lease-lost", "too-large", "unsupported-media-type")
_REPORT_PROBLEMS |= problems("invalid-request")


@router.get("/v1/devices", response_model=DeviceList)
def list_all_devices(given: Given, _: Reader) -> Response:
    """List devices, what they are, and whether they are there."""
    with given.database.read() as session:
        return json_response(list_devices(session, given.clock()))


@router.post(
    "/v1/devices/{name}/lease",
    dependencies=_CHECKED,
    response_model=EvaluationLease,
    response_description="An evaluation to do.",
    responses={
        204: {"description": "There was nothing to do for so long."},
        **problems("malformed-body", "not-found", "too-large", "unsupported-media-type", "invalid-request"),
    },
)
async def lease_evaluation(
    request: Request,
    given: Given,
    name: OwnDevice,
    announcement: Announcement,
    query: Annotated[LeaseQuery, Query()],
) -> Response:
    """Announce a device, and ask for an evaluation."""
    deadline = time.monotonic() + query.wait_seconds
    # Looked at first: a lease that is answered to nobody would have to expire.
    while not await request.is_disconnected():
        lease = await run_in_threadpool(lease_next, given.database, given.ledger, name, announcement, given.clock())
        if lease is not None:
            return json_response(lease)
        seconds_left = deadline - time.monotonic()
        if seconds_left <= 0 or given.is_stopping():
            break
        await asyncio.sleep(min(_LOOK_SECONDS, seconds_left))
    return Response(status_code=204)


@router.post(f"{_LEASE_PATH}/renew", dependencies=_CHECKED, status_code=204, responses=_REPORT_PROBLEMS)
def renew_lease(
    given: Given, name: OwnDevice, step_key: StepKeyInPath, attempt: AttemptInPath, progress: Progress
) -> None:
    """Keep a lease, and say how far the evaluation is."""
    lease = LeaseName(device=name, step_key=step_key, attempt=attempt)
    report_progress(given.database, given.ledger, lease, progress, given.clock())


@router.post(f"{_LEASE_PATH}/finish", dependencies=_CHECKED, status_code=204, responses=_REPORT_PROBLEMS)
def finish_evaluation(
    given: Given, name: OwnDevice, step_key: StepKeyInPath, attempt: AttemptInPath, result: EvaluationResult
) -> None:
    """Hand in what an evaluation found."""
    lease = LeaseName(device=name, step_key=step_key, attempt=attempt)
    report_result(given.database, given.ledger, lease, result, given.clock())


@router.post(f"{_LEASE_PATH}/fail", dependencies=_CHECKED, status_code=204, responses=_REPORT_PROBLEMS)
def fail_evaluation(
    given: Given, name: OwnDevice, step_key: StepKeyInPath, attempt: AttemptInPath, failure: StepFailure
) -> None:
    """Say why an evaluation could not be done."""
    lease = LeaseName(device=name, step_key=step_key, attempt=attempt)
    report_failure(given.database, given.ledger, lease, failure, given.clock())
