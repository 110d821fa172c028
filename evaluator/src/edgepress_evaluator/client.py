"""The client of the gateway's device API. `edgepress_common.devices` describes the messages."""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from edgepress_common import __version__
from edgepress_common.artifacts import ArtifactRef, MissingArtifactError
from edgepress_common.devices import LEASE_REQUEST_HEADER, Announcement, DeviceName, EvaluationLease
from edgepress_common.errors import (
    EdgepressError,
    InvalidInputError,
    LeaseLostError,
    NotFoundError,
    StepCancelledError,
    UnavailableError,
)
from edgepress_common.frozen import Message
from edgepress_common.messages import AttemptName, Progress, StepFailure
from edgepress_common.results import EvaluationResult
from edgepress_evaluator.callbacks import ShouldStop

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_TIMEOUT_SECONDS = 15.0  # for an answer that isn't waited for on purpose; a slow link takes seconds
_WITHDRAWAL_SECONDS = 3.0  # a process that is told to stop has ten
_QUOTED_CHARACTERS = 500
_MESSAGE_CHARACTERS = 2000  # pydantic lists all fields that are not valid


def connect(gateway: str, token: str | None, authority: Path | None = None) -> httpx.Client:
    """Return an HTTP client for a gateway.

    Args:
        gateway: Its address, as in ``http://gateway:8000``.
        token: What it knows the device by, if it asks for one.
        authority: PEM file of the authority that signed its certificate; None for the authorities of the system.

    Raises:
        InvalidInputError: The environment names a proxy that can't be used, or the PEM file can't be read.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # A proxy that the environment names does not lead to this machine.
    trust_env = urlsplit(gateway).hostname not in _LOOPBACK
    try:
        trust = True if authority is None else ssl.create_default_context(cafile=str(authority))
    except OSError as error:  # ssl.SSLError is one
        raise InvalidInputError(f"{authority} can't be read: {error}; accepted: a PEM file of certificates") from error
    try:
        return httpx.Client(
            base_url=gateway, headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=trust_env, verify=trust
        )
    except ImportError as error:
        raise InvalidInputError(
            "the environment names a SOCKS proxy (ALL_PROXY), which needs another library; install it with: "
            "pip install 'httpx[socks]', or name an HTTP proxy"
        ) from error
    except ValueError as error:
        raise InvalidInputError(f"the environment names a proxy that can't be used: {error}") from error


class GatewayClient:
    """Leases evaluations and reports on them, as one device. Thread-safe.

    All methods raise `UnavailableError` if the gateway or the network is unavailable, in which case the same call may
    succeed later; `LeaseLostError` if the lease is lost; another `EdgepressError` if the gateway rejects the request
    permanently.

    Args:
        http: HTTP client for the gateway.
        device: Name of the device.
    """

    def __init__(self, http: httpx.Client, device: DeviceName) -> None:
        self._http = http
        self._device = device

    def lease(self, announcement: Announcement, wait_seconds: float, request: str) -> EvaluationLease | None:
        """Announce the device and lease an evaluation; return None if none became available within the wait.

        Args:
            announcement: What the device says of itself.
            wait_seconds: How long the gateway may wait for an evaluation.
            request: Name of the request. Under the same name, the same lease is answered as long as it lasts.
        """
        response = self._post(
            "lease",
            announcement,
            headers={LEASE_REQUEST_HEADER: request},
            query={"wait_seconds": wait_seconds},
            timeout=wait_seconds + _TIMEOUT_SECONDS,
        )
        if response.status_code == HTTPStatus.NO_CONTENT:
            return None
        try:
            return EvaluationLease.model_validate_json(response.content)
        except ValidationError as error:
            self._refuse(response.content, str(error))
            raise EdgepressError(f"the lease is not valid; does the gateway have another version? {error}") from error

    def withdraw(self, request: str) -> None:
        """Withdraw a lease request: the gateway gives back what it has leased for it, answered or not.

        Raises:
            NotFoundError: The gateway is of an earlier release.
        """
        try:
            response = self._http.delete(
                f"/v1/devices/{self._device}/lease-requests/{request}", timeout=_WITHDRAWAL_SECONDS
            )
        except httpx.RequestError as error:
            raise _unavailable(error) from error
        _raise_for(response)

    def _refuse(self, content: bytes, reason: str) -> None:
        """Report an evaluation that this version does not support, so that its lease does not have to expire."""
        with suppress(ValidationError):
            step = AttemptName.model_validate_json(content)
            message = f"device {self._device!r} (version {__version__}) does not support the evaluation: {reason}"
            self.fail(step, StepFailure.of("unsupported", message[:_MESSAGE_CHARACTERS]))

    def renew(self, lease: EvaluationLease, progress: Progress) -> None:
        """Renew the lease and report the progress of the evaluation."""
        self._post(_lease_path(lease, "renew"), progress)

    def finish(self, lease: EvaluationLease, result: EvaluationResult) -> None:
        """Report the result of an evaluation."""
        self._post(_lease_path(lease, "finish"), result)

    def fail(self, lease: AttemptName, failure: StepFailure) -> None:
        """Report why an evaluation failed."""
        self._post(_lease_path(lease, "fail"), failure)

    def download(self, reference: ArtifactRef, target: Path, should_stop: ShouldStop) -> None:
        """Download an artifact to a file. Existing content of the file is kept as the beginning.

        Raises:
            StepCancelledError: ``should_stop`` returned true; the downloaded part stays in the file.
            MissingArtifactError: The gateway does not have the artifact.
        """
        held_bytes = target.stat().st_size if target.exists() else 0
        if held_bytes == reference.size_bytes:
            return
        headers = {"Accept-Encoding": "identity"}  # ranges refer to the uncompressed bytes
        if 0 < held_bytes < reference.size_bytes:
            headers["Range"] = f"bytes={held_bytes}-"
        try:
            with self._http.stream("GET", f"/v1/artifacts/{reference.sha256}", headers=headers) as response:
                if response.is_error:
                    response.read()
                if response.status_code == HTTPStatus.NOT_FOUND:
                    raise MissingArtifactError(f"the gateway has no artifact {reference.sha256}", reference.sha256)
                _raise_for(response)
                mode = "ab" if response.status_code == HTTPStatus.PARTIAL_CONTENT else "wb"
                with target.open(mode) as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
                        if should_stop():
                            raise StepCancelledError("the download was cancelled")
        except httpx.RequestError as error:
            raise _unavailable(error) from error

    def _post(
        self,
        path: str,
        content: Message,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        query: dict[str, float] | None = None,
        timeout: float = _TIMEOUT_SECONDS,
    ) -> httpx.Response:
        try:
            response = self._http.post(
                f"/v1/devices/{self._device}/{path}",
                content=content.model_dump_json(),
                headers={"Content-Type": "application/json", **headers},
                params=query,
                timeout=timeout,
            )
        except httpx.RequestError as error:
            raise _unavailable(error) from error
        _raise_for(response)
        return response


def _lease_path(lease: AttemptName, verb: str) -> str:
    return f"leases/{lease.step_key}/{lease.attempt}/{verb}"


def _unavailable(error: httpx.RequestError) -> UnavailableError:
    return UnavailableError(f"no answer from {error.request.url}: {error or type(error).__name__}")


def _raise_for(response: httpx.Response) -> None:
    if response.is_success:
        return
    status = response.status_code
    answered = f"{response.request.method} {response.request.url.path} was answered with {status}"
    message = f"{answered}: {response.text[:_QUOTED_CHARACTERS]}"
    match status:
        case HTTPStatus.CONFLICT:
            raise LeaseLostError(message)
        case HTTPStatus.NOT_FOUND:
            raise NotFoundError(message)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            command = "'edgepress tokens create --device NAME'"
            raise EdgepressError(f"{message}; set EDGEPRESS_TOKEN to a token that {command} created for this device")
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_MANY_REQUESTS:
            raise UnavailableError(message)
        case _ if response.is_server_error:
            raise UnavailableError(message)
        case _:
            raise InvalidInputError(message)
