"""Checks of the gateway: whether it is reached, what it answers, and whether the token is for this device."""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from edgepress_common import __version__
from edgepress_common.answers.caller import Caller
from edgepress_common.devices import DeviceName
from edgepress_common.local_token import is_loopback
from edgepress_common.text import harmless
from edgepress_evaluator.join.finding import Finding

CREATE_TOKEN = "edgepress tokens create --user NAME --device NAME"  # noqa: S105 - a command

_SKEW_SECONDS = 60.0
_HOUR_SECONDS = 3600
_DAY_SECONDS = 24 * _HOUR_SECONDS
_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, ..._HAS_EXPIRED
_UNKNOWN_AUTHORITY = {2, 18, 19, 20, 21}  # ..._UNABLE_TO_GET_ISSUER_CERT to ..._UNABLE_TO_VERIFY_LEAF_SIGNATURE
_OTHER_NAME = {62, 64}  # ..._HOSTNAME_MISMATCH, ..._IP_ADDRESS_MISMATCH


@dataclass
class GatewayCheck:
    """A check of a gateway.

    Attributes:
        url: Its address.
        open: Returns an HTTP client for the gateway, with a token or without one.
        clock: Returns the time of this board's clock.
        device: Name of the device; after the check, that of the token. None if neither is known.
        identity: Identity that the device keeps on this board; None if it has none yet.
    """

    url: httpx.URL
    open: Callable[[str | None], httpx.Client]
    device: DeviceName | None = None
    identity: str | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def run(self, token: str) -> Iterator[Finding]:
        """Yield findings until the first problem. The token is sent only to an Edgepress gateway.

        Args:
            token: Token of the device.
        """
        try:
            with self.open(None) as http:
                response = http.get("/health/live")
            problem = self._problem_of(response)
            if problem is not None:
                yield Finding("problem", problem)
                return
            yield Finding("ok", f"{self.url} answers")
            yield from self._clock_findings(response)
            if self.url.scheme == "http" and not is_loopback(self.url.host):
                yield Finding("warning", "the token and the images cross the network unencrypted; https:// is safer")
            with self.open(token) as http:
                yield from self._token_findings(http.get("/v1/whoami"))
        except httpx.RequestError as error:
            yield Finding("problem", explain(error, self.url, self.clock()))

    def _problem_of(self, response: httpx.Response) -> str | None:
        """Return why an answer is not that of an Edgepress gateway."""
        if response.is_redirect:
            return (
                f"the gateway is not at {self.url}, but at {harmless(response.headers['Location'])}. Use that address."
            )
        if response.is_server_error:
            return (
                f"{self.url} answers with status {response.status_code}: a proxy is reached, but the gateway behind it "
                "does not answer. Check that the gateway runs."
            )
        if response.status_code != HTTPStatus.OK or b'"status"' not in response.content:
            kind = response.headers.get("Content-Type", "no type")
            return (
                f"{self.url} is not an Edgepress gateway: it answers with status {response.status_code} "
                f"({harmless(kind)}). Check address, port and path."
            )
        return None

    def _clock_findings(self, response: httpx.Response) -> Iterator[Finding]:
        try:
            servers = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError):
            return
        skew = (self.clock() - servers).total_seconds()
        if abs(skew) > _SKEW_SECONDS:
            where = "behind" if skew < 0 else "ahead of"
            yield Finding(
                "warning",
                f"the clock of this board is {_duration(abs(skew))} {where} that of the gateway. Leases and times that "
                "are measured do not depend on it, certificates and the log do. Set it: sudo timedatectl set-ntp true",
            )

    def _token_findings(self, response: httpx.Response) -> Iterator[Finding]:
        match response.status_code:
            case HTTPStatus.UNAUTHORIZED:
                yield Finding(
                    "problem",
                    "the gateway does not know this token: it is incomplete, was revoked, has expired, or is of "
                    f"another server. Create one on the server: {CREATE_TOKEN}",
                )
            case HTTPStatus.NOT_FOUND:
                yield Finding("warning", "the gateway is of an earlier release: it can't say what the token is for")
            case HTTPStatus.OK:
                yield from self._caller_findings(Caller.model_validate_json(response.content))
            case status:
                text = harmless(response.text[:300])
                yield Finding("problem", f"{self.url}/v1/whoami was answered with status {status}: {text}")

    def _caller_findings(self, caller: Caller) -> Iterator[Finding]:
        if caller.device is None:
            scopes = ", ".join(caller.scopes)
            yield Finding(
                "problem",
                f"the token is not for a device; it permits: {scopes}. Create one on the server: {CREATE_TOKEN}",
            )
            return
        if self.device not in {None, caller.device}:
            yield Finding(
                "problem",
                f"the token is for the device {caller.device!r}, not for {self.device!r}. Leave out --device, or "
                f"create a token for {self.device!r} on the server.",
            )
            return
        self.device = caller.device
        yield Finding(
            "ok", f"the token is for the device {caller.device!r}; Edgepress {harmless(caller.server_version)}"
        )
        if caller.server_version != __version__:
            yield Finding(
                "warning",
                f"this evaluator is version {__version__}. Other versions work together, but may lack functions; to "
                "upgrade: pipx upgrade edgepress-evaluator",
            )
        known = caller.known
        if known is not None and known.online and known.announcement.identity not in {None, self.identity}:
            hardware = known.announcement.board or known.announcement.cpu or known.announcement.machine
            yield Finding(
                "warning",
                f"another device that is called {known.name!r} is online ({hardware}). This board gets no evaluations "
                "until that one has been offline for 2 minutes. If it is another board, create a token for another "
                "name; if it is this board before it was installed again, only wait.",
            )


def explain(error: httpx.RequestError, url: httpx.URL, now: datetime) -> str:
    """Return why a gateway was not reached, and what to do.

    Args:
        error: The error.
        url: Address of the gateway.
        now: Time of this board's clock.
    """
    place = f"{url.host}:{url.port or {'http': 80, 'https': 443}[url.scheme]}"
    for cause in _causes(error):
        said = _explained(cause, url, place, now)
        if said is not None:
            return said
    return f"{place} can't be reached: {error or type(error).__name__}"


def _explained(cause: BaseException, url: httpx.URL, place: str, now: datetime) -> str | None:
    said = None
    match cause:
        case socket.gaierror():
            said = (
                f"the name {url.host!r} can't be resolved ({cause.strerror}). Check its spelling and the network of "
                "this board, or use the address of the server."
            )
        case ssl.SSLCertVerificationError():
            said = _explain_certificate(cause, url.host, now)
        case ssl.SSLError():
            said = f"{place} does not answer with TLS ({cause.reason}). If it serves HTTP, use http://{place}"
        case ConnectionRefusedError():
            said = (
                f"{place} refuses connections: no program listens there. Check that the gateway runs, its port, and "
                "that it listens on other addresses than loopback (EDGEPRESS_BIND=0.0.0.0 on the server)."
            )
        case httpx.TimeoutException():
            said = (
                f"{place} does not answer in time. Check the address, and that no firewall blocks the port between "
                "this board and the server."
            )
        case httpx.ProxyError():
            said = f"the proxy that the environment names does not work: {cause}. Check HTTP_PROXY and HTTPS_PROXY."
        case httpx.RemoteProtocolError() | ConnectionResetError():
            said = f"{place} does not answer with HTTP ({cause}). If it serves HTTPS, use https://{place}"
        case OSError() if cause.strerror:
            said = f"{place} can't be reached: {cause.strerror}. Check the network of this board."
        case _:
            pass
    return said


def _explain_certificate(error: ssl.SSLCertVerificationError, host: str, now: datetime) -> str:
    clock = f"the clock of this board, which says {now:%Y-%m-%d %H:%M} UTC"
    match error.verify_code:
        case code if code == _NOT_YET_VALID:
            return (
                f"the certificate of {host} is not valid yet by {clock}. Boards without a battery start with a wrong "
                "clock: wait until it is synchronized (timedatectl), or set it: sudo timedatectl set-ntp true"
            )
        case code if code == _EXPIRED:
            return (
                f"the certificate of {host} has expired by {clock}. If the clock is right, renew the certificate on "
                "the server; if not: sudo timedatectl set-ntp true"
            )
        case code if code in _UNKNOWN_AUTHORITY:
            return (
                f"the certificate of {host} is signed by an authority that this board does not know "
                f"({error.verify_message}). If it is your own, name its certificate: --authority FILE.pem"
            )
        case code if code in _OTHER_NAME:
            return f"{error.verify_message}. Use the name in the certificate as the gateway's address."
        case _:
            return f"the certificate of {host} can't be verified: {error.verify_message}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that led to an error, the first cause first, and the error itself."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    yield from reversed(chain)


def _duration(seconds: float) -> str:
    if seconds >= 2 * _DAY_SECONDS:
        return f"{seconds / _DAY_SECONDS:.0f} days"
    if seconds >= 2 * _HOUR_SECONDS:
        return f"{seconds / _HOUR_SECONDS:.0f} hours"
    return f"{seconds / 60:.0f} minutes"
