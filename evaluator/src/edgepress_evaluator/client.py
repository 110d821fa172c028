"""The gateway, as a device sees it. What is said is in `edgepress_common.devices`."""

from http import HTTPStatus
from pathlib import Path

import httpx
from pydantic import ValidationError

from edgepress_common.artifacts import ArtifactRef
from edgepress_common.devices import Announcement, DeviceName, EvaluationLease
from edgepress_common.errors import (
    EdgepressError,
    InvalidInputError,
    LeaseLostError,
    NotFoundError,
    StepCancelledError,
    UnavailableError,
)
from edgepress_common.frozen import Frozen
from edgepress_common.messages import Progress, StepFailure
from edgepress_common.results import EvaluationResult
from edgepress_evaluator.callbacks import ShouldStop

_TIMEOUT_SECONDS = 15.0  # for an answer that isn't waited for on purpose; a slow link takes seconds
_QUOTED_CHARACTERS = 500


def connect(gateway: str, token: str | None) -> httpx.Client:
    """A connection to a gateway.

    Args:
        gateway: Its address, as in ``http://gateway:8000``.
        token: What it knows the device by, if it asks for one.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=gateway, headers=headers, timeout=_TIMEOUT_SECONDS)


class GatewayClient:
    """Asks for work and reports on it, as one device. Can be used by several threads.

    Every method raises `UnavailableError` when gateway or network are away, and the same call may go through later;
    `LeaseLostError` when the lease it speaks of is lost; another `EdgepressError` when the gateway refuses it for good.

    Args:
        http: A connection to the gateway.
        device: The device's name.
    """

    def __init__(self, http: httpx.Client, device: DeviceName) -> None:
        self._http = http
        self._device = device

    def lease(self, announcement: Announcement, wait_seconds: float) -> EvaluationLease | None:
        """Announces the device and asks for an evaluation; None if there was nothing to do for so long."""
        response = self._post(
            "lease", announcement, query={"wait_seconds": wait_seconds}, timeout=wait_seconds + _TIMEOUT_SECONDS
        )
        if response.status_code == HTTPStatus.NO_CONTENT:
            return None
        try:
            return EvaluationLease.model_validate_json(response.content)
        except ValidationError as error:
            raise EdgepressError(f"the gateway's answer is no lease; is it of another version? {error}") from error

    def renew(self, lease: EvaluationLease, progress: Progress) -> None:
        """Keeps the lease, and says how far its evaluation is."""
        self._post(_lease_path(lease, "renew"), progress)

    def finish(self, lease: EvaluationLease, result: EvaluationResult) -> None:
        """Hands in what was found."""
        self._post(_lease_path(lease, "finish"), result)

    def fail(self, lease: EvaluationLease, failure: StepFailure) -> None:
        """Says why nothing was found."""
        self._post(_lease_path(lease, "fail"), failure)

    def download(self, reference: ArtifactRef, target: Path, should_stop: ShouldStop) -> None:
        """Fetches an artifact into a file. What the file holds already is taken as its beginning.

        Raises:
            StepCancelledError: ``should_stop`` said so; what has arrived stays in the file.
        """
        held_bytes = target.stat().st_size if target.exists() else 0
        if held_bytes == reference.size_bytes:
            return
        headers = {"Accept-Encoding": "identity"}  # ranges are counted in the artifact's own bytes
        if 0 < held_bytes < reference.size_bytes:
            headers["Range"] = f"bytes={held_bytes}-"
        try:
            with self._http.stream("GET", f"/v1/artifacts/{reference.sha256}", headers=headers) as response:
                if response.is_error:
                    response.read()
                _raise_for(response)
                mode = "ab" if response.status_code == HTTPStatus.PARTIAL_CONTENT else "wb"
                with target.open(mode) as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
                        if should_stop():
                            raise StepCancelledError("the download was told to stop")
        except httpx.RequestError as error:
            raise _away(error) from error

    def _post(
        self, path: str, content: Frozen, *, query: dict[str, float] | None = None, timeout: float = _TIMEOUT_SECONDS
    ) -> httpx.Response:
        try:
            response = self._http.post(
                f"/v1/devices/{self._device}/{path}",
                content=content.model_dump_json(),
                headers={"Content-Type": "application/json"},
                params=query,
                timeout=timeout,
            )
        except httpx.RequestError as error:
            raise _away(error) from error
        _raise_for(response)
        return response


def _lease_path(lease: EvaluationLease, verb: str) -> str:
    return f"leases/{lease.step_key}/{lease.attempt}/{verb}"


def _away(error: httpx.RequestError) -> UnavailableError:
    return UnavailableError(f"no answer from {error.request.url}: {error or type(error).__name__}")


def _raise_for(response: httpx.Response) -> None:
    if response.is_success:
        return
    status = response.status_code
    said = f"{response.request.method} {response.request.url.path} was answered with {status}"
    message = f"{said}: {response.text[:_QUOTED_CHARACTERS]}"
    match status:
        case HTTPStatus.CONFLICT:
            raise LeaseLostError(message)
        case HTTPStatus.NOT_FOUND:
            raise NotFoundError(message)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            made_by = "'edgepress tokens create --device NAME'"
            raise EdgepressError(f"{message}; is EDGEPRESS_TOKEN what {made_by} made for this device?")
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_MANY_REQUESTS:
            raise UnavailableError(message)
        case _ if response.is_server_error:
            raise UnavailableError(message)
        case _:
            raise InvalidInputError(message)
