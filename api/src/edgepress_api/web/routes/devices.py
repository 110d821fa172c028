"""``/v1/devices``: the devices, and the protocol by which they lease evaluations; see `edgepress_common.devices`."""

import time
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from edgepress_api.devices.latency import show_latency_model
from edgepress_api.devices.leasing import lease_next
from edgepress_api.devices.listing import list_devices
from edgepress_api.devices.reported import ReportedAnnouncement, ReportedFailure, ReportedProgress
from edgepress_api.devices.reporting import LeaseName, report_failure, report_progress, report_result
from edgepress_api.devices.requests import withdraw
from edgepress_api.steps.plausible import ReportedEvaluation
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import OwnDevice, Reader
from edgepress_api.web.bodies import check_json_body
from edgepress_api.web.lease_waits import LeaseWaits
from edgepress_api.web.parameters import AttemptInPath, DeviceNameInPath, LeaseQuery, StepKeyInPath
from edgepress_api.web.responses import json_response, problems
from edgepress_common.answers.devices import DeviceList
from edgepress_common.answers.latency import LatencyModelView
from edgepress_common.devices import EvaluationLease

router = APIRouter(tags=["devices"])

_CHECKED = [Depends(check_json_body)]
_LEASE_PATH = "/v1/devices/{name}/leases/{step_key}/{attempt}"
_REPORT_PROBLEMS = problems(
    "malformed-body", "not-found", "lease-lost", "too-large", "too-slow", "unsupported-media-type", "invalid-request"
)


_REQUEST_NAME = r"^[A-Za-z0-9-]{1,64}$"
RequestInHeader = Annotated[
    str | None,
    Header(
        pattern=_REQUEST_NAME,
        description="A unique name of the request, such as a UUID. Repeat a request that was not answered under the "
        "same name: a lease that was given for it is answered again.",
    ),
]
RequestInPath = Annotated[str, Path(pattern=_REQUEST_NAME, description="Name of the lease request.")]


async def _lease_in_path(name: OwnDevice, step_key: StepKeyInPath, attempt: AttemptInPath) -> LeaseName:
    return LeaseName(device=name, step_key=step_key, attempt=attempt)


LeaseInPath = Annotated[LeaseName, Depends(_lease_in_path)]


@router.get("/v1/devices", response_model=DeviceList)
def list_all_devices(given: Given, _: Reader) -> Response:
    """List the devices, with their properties and whether they are online."""
    with given.database.read() as session:
        return json_response(list_devices(session, given.clock()))


@router.get("/v1/devices/{name}/latency-model", response_model=LatencyModelView, responses=problems("not-found"))
def show_device_latency_model(given: Given, _: Reader, name: DeviceNameInPath) -> Response:
    """Show the latency model of a device: what it is fitted on, and how well it predicts files that it has not seen."""
    with given.database.read() as session:
        return json_response(show_latency_model(session, name))


@router.post(
    "/v1/devices/{name}/lease",
    dependencies=_CHECKED,
    response_model=EvaluationLease,
    response_description="The leased evaluation.",
    responses={
        204: {"description": "There was nothing to do for so long."},
        **problems("malformed-body", "not-found", "conflict", "too-large", "too-slow", "unsupported-media-type"),
        **problems("invalid-request"),
    },
)
async def lease_evaluation(
    request: Request,
    given: Given,
    name: OwnDevice,
    announcement: ReportedAnnouncement,
    query: Annotated[LeaseQuery, Query()],
    *,
    lease_request: RequestInHeader = None,
) -> Response:
    """Announce a device, and ask for an evaluation."""
    stored = announcement.stored()
    deadline = time.monotonic() + query.wait_seconds
    waits: LeaseWaits = request.app.state.lease_waits
    # Checked first: a lease for a client that has disconnected would be blocked until it expires.
    while not await request.is_disconnected():
        ask = partial(lease_next, given.database, given.ledger, name, stored, given.clock(), request=lease_request)
        lease = await run_in_threadpool(ask)
        if lease is not None:
            return json_response(lease)
        seconds = deadline - time.monotonic()
        if seconds <= 0 or given.is_stopping():
            break
        await waits.wait(name, seconds)
    return Response(status_code=204)


@router.delete("/v1/devices/{name}/lease-requests/{lease_request}", status_code=204, responses=problems("not-found"))
def withdraw_lease_request(given: Given, name: OwnDevice, lease_request: RequestInPath) -> None:
    """Withdraw a lease request: give back what was leased for it, without a failed attempt."""
    withdraw(given.database, given.ledger, name, lease_request, given.clock())


@router.post(f"{_LEASE_PATH}/renew", dependencies=_CHECKED, status_code=204, responses=_REPORT_PROBLEMS)
def renew_lease(given: Given, lease: LeaseInPath, progress: ReportedProgress) -> None:
    """Renew a lease, and report the progress of the evaluation."""
    report_progress(given.database, given.ledger, lease, progress.stored(), given.clock())


@router.post(f"{_LEASE_PATH}/finish", dependencies=_CHECKED, status_code=204, responses=_REPORT_PROBLEMS)
def finish_evaluation(given: Given, lease: LeaseInPath, result: ReportedEvaluation) -> None:
    """Report the result of an evaluation."""
    report_result(given.database, given.ledger, lease, result, given.clock())


@router.post(f"{_LEASE_PATH}/fail", dependencies=_CHECKED, status_code=204, responses=_REPORT_PROBLEMS)
def fail_evaluation(given: Given, lease: LeaseInPath, failure: ReportedFailure) -> None:
    """Report that an evaluation failed."""
    report_failure(given.database, given.ledger, lease, failure.stored(), given.clock())
